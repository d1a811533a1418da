"""The graded pretext: how far apart two samples are, where that is known, as a GAN regresses it.

The discriminator's own embedding head places samples so that distances between them are those that
are known, up to a learnt scale: see `cgan/objectives/graded.py`. A contrast beside it (Chen et al.
2020, SimCLR, eq. 1) pushes all samples apart alike, and pulls views of one together.
"""

from typing import NamedTuple

import jax.numpy as jnp

from cgan.config import Pretext
from cgan.networks import Networks
from cgan.objectives.graded import Graded as Regression
from cgan.objectives.graded import Table, is_other, mean_over
from cgan.pretext.contrastive import nearest_of
from cgan.pretext.task import Answered, Draws, Gallery, Panels, Readings, Task, Terms, Trained
from cgan.types import Embeddings, Params, Samples, present, single


class Placed(NamedTuple):
    """The embeddings of samples."""

    embedding: Embeddings


class Graded(Task):
    """Place samples so that they are as far apart as is known."""

    figure = "explained"

    def __init__(self, pretext: Pretext, networks: Networks, table: Table) -> None:
        """Take what gives the distances of classes, which is asked where a step is traced."""
        self._discriminate = networks.discriminate
        self._regression = Regression(table, pretext.distance)

    def init_learnt(self) -> Params:
        """The log of the scale."""
        return self._regression.init()

    def project(self, learnt: Params) -> Params:
        """The scale within its bounds."""
        return self._regression.project(learnt)

    def pose(self, draws: Draws, images: Samples) -> Samples:
        """The samples as they are: a view's distances to others would not be known."""
        return images

    def answer(self, trained: Trained, stats: Params, posed: Samples) -> Placed:
        """Where each sample is placed."""
        return Placed(self._embed(trained, stats, posed))

    def grade(self, learnt: Params, answered: Answered) -> tuple[Terms, Readings]:
        """Squared errors of distances; explained is the part of their variance, 1 is perfect."""
        classes = present(answered.classes), present(answered.whole_classes)
        local, whole = answered.local.embedding, answered.whole.embedding
        errors = self._regression.errors(learnt, local, whole, *classes)
        pairs = is_other(answered.rows, len(whole))
        terms = {"regression": mean_over(errors, pairs)}
        error = terms["regression"].mean()
        asked = self._regression.targets(classes[1], classes[1])
        among = 1 - jnp.eye(len(whole))
        mean = jnp.sum(asked * among) / among.sum()
        variance = jnp.sum(jnp.square(asked - mean) * among) / among.sum()
        explained = 1 - error / jnp.maximum(variance, 1e-12)
        return terms, {"explained": explained} | self._regression.readings(learnt)

    def panels(self, trained: Trained, stats: Params, posed: Samples, gallery: Gallery) -> Panels:
        """Each sample beside those of the gallery that are placed nearest, the nearest first."""
        embeddings = (self._embed(trained, stats, of) for of in (posed, gallery))
        return nearest_of(posed, gallery, *embeddings)

    def _embed(self, trained: Trained, stats: Params, images: Samples) -> Embeddings:
        return single(self._discriminate(trained.discriminator, stats, images).embedding)
