"""The parts of a pretraining, made from its config: data, networks, task, optimiser, state."""

import dataclasses
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from cgan import augment, networks, optim
from cgan.augment import OtherPolicy, Policy, probability
from cgan.config import EMBEDDED_TASKS, Data, Pretext, Pretraining, require
from cgan.data import Source, load_source
from cgan.data.abilities import distant
from cgan.data.remembered import Remembered
from cgan.data.source import check_source
from cgan.datasets import OWN
from cgan.kinds import IMAGE
from cgan.networks import HeadSpec, Networks
from cgan.objectives import no_table
from cgan.pretext.contrastive import Contrastive
from cgan.pretext.graded import Graded
from cgan.pretext.jigsaw import Jigsaw
from cgan.pretext.masked import Masked
from cgan.pretext.masked_letters import MaskedLetters
from cgan.pretext.task import Draws, Task, Trained
from cgan.probe.reals import fixed_samples
from cgan.rng import row_keys, stream_key
from cgan.types import Params, RowKeys, Samples


class PretextState(NamedTuple):
    """All that a pretraining changes; a GAN's state calls the same things by the same names."""

    step: Int[Array, ""]
    generator: Params
    """Parameters of the decoder; empty for a task that has none."""
    discriminator: Params
    discriminator_stats: Params
    readout: Params
    """Parameters of what reads the trunk for the task alone."""
    learnt: Params
    """Values that are learnt in the loss, such as a temperature."""
    optim: optax.OptState
    """Optimiser's state over the pair of what is trained and `learnt`."""

    @property
    def trained(self) -> Trained:
        """What is trained, as the task takes it."""
        return Trained(self.discriminator, self.generator, self.readout)


class PretextParts(NamedTuple):
    """Parts of a pretraining that training and reading share."""

    config: Pretraining
    source: Source
    networks: Networks
    task: Task
    policy: Policy
    other_policy: OtherPolicy
    optimizer: optax.GradientTransformation

    def init_state(self) -> PretextState:
        """The state before step 0, by the config's seed; the pair starts as a GAN's would."""
        seed, pair, task = self.config.seed, self.networks, self.task
        generator = pair.init_generator(stream_key(seed, "init/generator")) if task.decodes else {}
        discriminator, stats = pair.init_discriminator(stream_key(seed, "init/discriminator"))
        readout = task.init_readout(stream_key(seed, "init/readout"))
        learnt = task.init_learnt()
        return PretextState(
            step=jnp.zeros((), jnp.int32),
            generator=generator,
            discriminator=discriminator,
            discriminator_stats=stats,
            readout=readout,
            learnt=learnt,
            optim=jax.jit(self.optimizer.init)(
                (Trained(discriminator, generator, readout), learnt)
            ),
        )

    def abstract_state(self) -> PretextState:
        """Shapes and dtypes of the state, computed without allocating it."""
        return jax.eval_shape(self.init_state)

    def draws(
        self,
        use: str,
        rows: Int[Array, " n"],
        step: Int[Array, ""] | int,
        seen: Int[Array, ""] | int,
    ) -> Draws:
        """What is random of some rows, the same on any number of devices and micro-batches.

        Args:
            use: what they are posed for, such as `"train"`.
            rows: their numbers in the batch.
            step: of the random numbers.
            seen: steps taken, by which the probability of views moves.
        """
        seed = self.config.seed
        chance = probability.at(self.config, {}, jnp.asarray(seen))

        def keys(stream: str) -> RowKeys:
            return row_keys(stream_key(seed, f"pretext/{use}/{stream}", step), rows)

        def view(stream: str, samples: Samples) -> Samples:
            return self.policy(keys(f"views/{stream}"), samples, chance)

        def pair(samples: Samples) -> tuple[Samples, Samples]:
            one, other = keys("views/one"), keys("views/other")
            return view("one", samples), self.other_policy(other, one, samples, chance)

        return Draws(keys, view, pair)


def assemble(config: Pretraining, source: Source | None = None) -> PretextParts:
    """Build the parts; nothing is compiled or written.

    Args:
        config: the pretraining.
        source: the train split, where it is an object of the caller's own.

    Raises:
        ConfigError: parts that do not fit together, or data that are no images.
    """
    if source is None:
        return assemble_on(config, load_source(config.data, "train"))
    expected = f"{OWN!r}, or left out, where a source is handed in"
    require(config.data in (Data(), Data(OWN)), "data.source", config.data.source, expected)
    return assemble_on(dataclasses.replace(config, data=Data(OWN)), check_source(source))


def assemble_on(config: Pretraining, source: Source) -> PretextParts:
    """Build the parts on samples that were loaded elsewhere, whatever the config says of data."""
    pretext, kind = config.pretext, source.kind
    require(pretext.fits(kind), "source.kind", kind.name, f"that of {pretext.of_what}")
    pretext.check_for(kind, config.discriminator)
    pair = networks.build_pair(config, source.sample_shape, heads_of(config.pretext))
    task = TASKS[config.pretext.task](config, source, pair)
    policy, other = augment.build(config.augment, kind), augment.build_other(config.augment, kind)
    return PretextParts(config, source, pair, task, policy, other, descent(config))


def descent(config: Pretraining) -> optax.GradientTransformation:
    """Make Adam (Kingma & Ba 2015) on gradients of a limited length (Pascanu et al. 2013)."""
    adam, end_nimg = config.optim, config.ramp_end_nimg
    rate = optim.falling_rate(adam.lr, adam.final_lr_fraction, config.batch_size, end_nimg)
    steps = optax.adam(rate, b1=adam.beta1, b2=adam.beta2)
    if adam.max_grad_norm is None:
        return steps
    return optax.chain(optax.clip_by_global_norm(adam.max_grad_norm), steps)


def heads_of(pretext: Pretext) -> HeadSpec:
    """The heads of a GAN's discriminator that a pretext trains."""
    embeds = pretext.task in EMBEDDED_TASKS
    return HeadSpec(score=False, dimensions=pretext.dimensions if embeds else 0)


def _contrastive(config: Pretraining, source: Source, pair: Networks) -> Task:
    return Contrastive(config.pretext, pair)


def _jigsaw(config: Pretraining, source: Source, pair: Networks) -> Task:
    return Jigsaw(config.pretext, pair, source.sample_shape)


def _masked(config: Pretraining, source: Source, pair: Networks) -> Task:
    shape, latent_dim = source.sample_shape, config.generator.latent_dim
    if source.kind != IMAGE:
        return MaskedLetters(config.pretext, pair, shape, config.augment.window or shape[0])
    return Masked(config.pretext, pair, shape, latent_dim, partial(mean_image, source))


def _graded(config: Pretraining, source: Source, pair: Networks) -> Task:
    known = distant(source)
    expected = "a data set that knows how far apart its classes are, as proteins does"
    fits = known is not None or isinstance(source, Remembered)
    require(fits, "data.source", source.name, f"{expected}, with pretext.task = 'graded'")
    return Graded(config.pretext, pair, no_table if known is None else known.class_distances)


TASKS = {"contrastive": _contrastive, "jigsaw": _jigsaw, "masked": _masked, "graded": _graded}
"""Pretexts by the names that `--pretext.task` takes."""


def mean_image(source: Source) -> Float[np.ndarray, "height width channels"]:
    """The mean of a few hundred images of a split, as networks see them."""
    return np.asarray(source.encode(fixed_samples(source).x)).mean(axis=0)
