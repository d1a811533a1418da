"""What a pretext is: it poses images as questions, has them answered, and grades the answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from cgan.networks import Networks
from cgan.types import Params, PerSample, RandomKey, RowKeys, Samples

Terms = dict[str, PerSample]
Readings = dict[str, Float[Array, ""]]
Gallery = Float[Array, "gallery *sample"]
Panels = Float[Array, "n panels *sample"]


class Trained(NamedTuple):
    """All that a pretext trains by gradients, but for what stands in its loss."""

    discriminator: Params
    generator: Params
    """Parameters of the decoder; empty for a task that has none."""
    readout: Params
    """Parameters of what reads the trunk for this task alone, and is of no use to a GAN."""


class Draws(NamedTuple):
    """What is random of some rows: keys of named streams, and views by the config's policy."""

    keys: Callable[[str], RowKeys]
    view: Callable[[str, Samples], Samples]
    pair: Callable[[Samples], tuple[Samples, Samples]]
    """Two views of each sample."""


class Answered(NamedTuple):
    """Answers on `n` local rows and on the whole batch; on one device they are the same."""

    local: Any
    whole: Any
    rows: Int[Array, " n"]
    """Numbers of the local rows in the batch."""
    classes: Int[Array, " n"] | None = None
    """Classes of the local rows, and of the whole batch, for a task that is told them."""
    whole_classes: Int[Array, " batch"] | None = None


class Task(ABC):
    """A pretext; it knows neither devices nor micro-batches.

    Answers are a tree of floats `[n, ...]`, each row's a function of its own image and key: few
    numbers a row, since they are what is sent between devices.
    """

    decodes: ClassVar[bool] = False
    """Whether the generator is trained too."""
    figure: ClassVar[str] = "accuracy"
    """The reading by which a run is judged: 1 is perfect."""

    def init_readout(self, key: RandomKey) -> Params:
        """Parameters of what reads the trunk for this task alone: none."""
        return {}

    def init_learnt(self) -> Params:
        """Values that are learnt in the loss: none."""
        return {}

    def project(self, learnt: Params) -> Params:
        """The learnt values within their bounds: as they are."""
        return learnt

    @abstractmethod
    def pose(self, draws: Draws, images: Samples) -> PyTree:
        """The questions that images are made into, a tree of `[n, ...]` arrays."""

    @abstractmethod
    def answer(self, trained: Trained, stats: Params, posed: PyTree) -> PyTree:
        """The answers to questions, row by row."""

    @abstractmethod
    def grade(self, learnt: Params, answered: Answered) -> tuple[Terms, Readings]:
        """The losses `[n]` of local rows by name, whose means are added, and what to log.

        The mean of a reading over devices must be that of the whole batch.
        """

    @abstractmethod
    def panels(self, trained: Trained, stats: Params, posed: PyTree, gallery: Gallery) -> Panels:
        """Pictures of some questions and their answers, a row of panels for each question.

        Args:
            trained: what answers.
            stats: of the discriminator's spectral norms.
            posed: the questions.
            gallery: other images, of the train split, to choose from.
        """


def init_linear(
    networks: Networks, sample_shape: tuple[int, ...], key: RandomKey, outputs: int
) -> Params:
    """Weights `[features, outputs]` of a linear map from a trunk's features, as long as one."""
    params, stats = jax.eval_shape(networks.init_discriminator, key)
    sample = jax.ShapeDtypeStruct((1, *sample_shape), jnp.float32)
    features = jax.eval_shape(networks.features, params, stats, sample).shape[-1]
    return {"kernel": jax.random.normal(key, (features, outputs)) * features**-0.5}


def linear(readout: Params, features: Float[Array, "n features"]) -> Float[Array, "n outputs"]:
    """Read features by a linear map, in full float32 on every kind of device."""
    return jnp.matmul(features, readout["kernel"], precision=jax.lax.Precision.HIGHEST)


EMPTY = np.nan
"""Value of the pixels of a panel that stays empty."""
