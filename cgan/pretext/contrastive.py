"""The contrastive pretext: which view is of the same image. The neighbour game without fakes.

Two views of each image are embedded by the discriminator's own embedding head, and an image is told
from all others of the global batch by instance contrast: the very loss of the discriminator in
`cgan/objectives/neighbor.py`, which a GAN can go on with. There a first view meets the first views
of others; with `both_views` either view meets both of them (Chen et al. 2020, SimCLR, eq. 1).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.config import Pretext
from cgan.networks import Networks
from cgan.objectives.comparisons import products
from cgan.objectives.neighbor import NeighborGame, others
from cgan.objectives.outputs import BatchOutputs, PairedOutputs
from cgan.pretext.task import (
    EMPTY,
    Answered,
    Draws,
    Gallery,
    Panels,
    Readings,
    Task,
    Terms,
    Trained,
)
from cgan.types import DiscriminatorOutput, Embeddings, Params, PerSample, Samples, single

NEIGHBORS = 6
"""Nearest train images that a picture shows beside each held-out one."""
NO_FAKES = DiscriminatorOutput(score=None, embedding=None)


class Views(NamedTuple):
    """Both views of each image, and the images themselves."""

    one: Samples
    other: Samples
    images: Samples


class Embedded(NamedTuple):
    """Embeddings of both views, and their cosines with each other."""

    embedding: Embeddings
    other: Embeddings
    agreement: PerSample


class Contrastive(Task):
    """Tell two views of one image from views of all other images of the batch."""

    def __init__(self, pretext: Pretext, networks: Networks) -> None:
        self._discriminate = networks.discriminate
        self._both = pretext.both_views
        self._game = NeighborGame(
            pretext.temperature, pretext.temperature_bounds, negatives="reals", graded=False
        )

    def init_learnt(self) -> Params:
        """The log of the temperature, if it is learnt."""
        return self._game.init()

    def project(self, learnt: Params) -> Params:
        """The temperature within its bounds."""
        return self._game.project(learnt)

    def pose(self, draws: Draws, images: Samples) -> Views:
        """Two views of each image."""
        return Views(*draws.pair(images), images)

    def answer(self, trained: Trained, stats: Params, posed: Views) -> Embedded:
        """The embeddings of both views, and how alike they are."""
        one, other = (self._embed(trained, stats, view) for view in (posed.one, posed.other))
        return Embedded(one, other, jnp.sum(one * other, axis=1))

    def grade(self, learnt: Params, answered: Answered) -> tuple[Terms, Readings]:
        """Instance contrast; accurate is who finds no other image nearer than his own view."""
        batch = _outputs(answered)
        if self._both:
            first, second = (self._contrast(learnt, answered, one) for one in (True, False))
            terms = {"contrast": (first + second) / 2}
        else:
            terms = self._game.discriminator_terms(learnt, batch)
        local = answered.local
        cosines = products(local.embedding, answered.whole.embedding)
        nearest = jnp.where(others(batch), cosines, -jnp.inf).max(axis=1)
        accuracy = jnp.mean((local.agreement > nearest).astype(jnp.float32))
        return terms, {"accuracy": accuracy} | self._game.readings(learnt)

    def _contrast(self, learnt: Params, answered: Answered, first: bool) -> PerSample:
        """Losses of first views, or of second ones, told from both views of all others, `[n]`."""
        local, whole = answered.local, answered.whole
        rows = local.embedding if first else local.other
        columns = jnp.concatenate([whole.embedding, whole.other])
        batch = _outputs(
            answered._replace(
                local=Embedded(rows, rows, local.agreement),
                whole=Embedded(columns, columns, jnp.tile(whole.agreement, 2)),
            )
        )
        alike = answered.rows[:, None] == jnp.arange(len(columns)) % len(whole.embedding)
        return self._game.discriminator_terms(learnt, batch._replace(mask=~alike))["contrast"]

    def panels(self, trained: Trained, stats: Params, posed: Views, gallery: Gallery) -> Panels:
        """Each image beside those of the gallery that are nearest to it, the nearest first."""
        embeddings = (self._embed(trained, stats, of) for of in (posed.images, gallery))
        return nearest_of(posed.images, gallery, *embeddings)

    def _embed(
        self, trained: Trained, stats: Params, images: Samples
    ) -> Float[Array, "n dimensions"]:
        return single(self._discriminate(trained.discriminator, stats, images).embedding)


def nearest_of(
    images: Samples,
    gallery: Gallery,
    embedded: Embeddings,
    embedded_gallery: Float[Array, "gallery dimensions"],
) -> Panels:
    """Panels of images, each beside those of the gallery with the largest cosines."""
    _, nearest = jax.lax.top_k(products(embedded, embedded_gallery), min(NEIGHBORS, len(gallery)))
    empty = jnp.full_like(images, EMPTY)
    return jnp.concatenate([jnp.stack([images, empty], axis=1), gallery[nearest]], axis=1)


def _outputs(answered: Answered) -> BatchOutputs:
    """The answers as a game takes them; there are no fakes that a real could meet."""

    def paired(of: Embedded) -> PairedOutputs:
        return PairedOutputs(DiscriminatorOutput(None, of.embedding), NO_FAKES, of.agreement)

    none = jnp.zeros(0, jnp.int32)
    local, whole = paired(answered.local), paired(answered.whole)
    return BatchOutputs(local, whole, answered.rows, offsets=none)
