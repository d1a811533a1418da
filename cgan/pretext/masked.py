"""The masked pretext of images: what is under the patches that are hidden.

Some patches of an image are greyed. The discriminator's trunk looks at the rest, a linear map makes
a latent of its features, and the generator makes the whole image of that: an autoencoder of the two
players, so that both of them can start from it. A code is as long as latents of a normal
distribution are, nearly all of which lie about there.

References:
    He et al. 2022 (Masked autoencoders are scalable vision learners, section 3: random patches, the
    error on those alone); Pathak et al. 2016 (Context encoders).
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgan.config import Pretext, require
from cgan.networks import Networks
from cgan.networks.layers import on_sphere
from cgan.pretext.task import (
    Answered,
    Draws,
    Gallery,
    Panels,
    Readings,
    Task,
    Terms,
    Trained,
    init_linear,
    linear,
)
from cgan.types import Params, PerSample, RandomKey, Samples

Masks = Float[Array, "n height width 1"]


class Covered(NamedTuple):
    """Images with some patches hidden."""

    images: Samples
    mask: Masks
    """1 where a pixel is hidden, else 0."""


class Errors(NamedTuple):
    """Mean squared errors of each image's pixels."""

    hidden: PerSample
    visible: PerSample
    plain: PerSample
    """Error on what is hidden of the mean image of the train split, which looks at nothing."""


class Masked(Task):
    """Make the whole image of a part of its patches."""

    decodes = True
    figure = "explained"

    def __init__(
        self,
        pretext: Pretext,
        networks: Networks,
        sample_shape: tuple[int, ...],
        latent_dim: int,
        mean_image: Callable[[], Float[np.ndarray, "height width channels"]],
    ) -> None:
        """Hide patches of images of this shape.

        Args:
            pretext: which patches, and how many.
            networks: the pair.
            sample_shape: of the images.
            latent_dim: of the generator's latents.
            mean_image: reads the mean image of the train split, as networks see it.

        Raises:
            ConfigError: patches that do not divide the image, or a single one.
        """
        self._pretext, self._networks = pretext, networks
        self._shape, self._latent_dim = sample_shape, latent_dim
        self._read_mean = mean_image
        self.patch = _patch(pretext, sample_shape)
        self.grid = (sample_shape[0] // self.patch, sample_shape[1] // self.patch)
        count = self.grid[0] * self.grid[1]
        self.hidden = min(max(1, round(pretext.hidden * count)), count - 1)

    def init_readout(self, key: RandomKey) -> Params:
        """A linear map from the trunk's features to a latent."""
        return init_linear(self._networks, self._shape, key, self._latent_dim)

    def pose(self, draws: Draws, images: Samples) -> Covered:
        """Hide as many patches of each view, chosen by its own key."""
        masks = jax.vmap(self._mask)(draws.keys("patches"))
        return Covered(draws.view("one", images), masks)

    def answer(self, trained: Trained, stats: Params, posed: Covered) -> Errors:
        """The errors of the images that are made."""
        images, mask = posed
        errors = (jnp.square(of - images) for of in (self._made(trained, stats, posed), self._mean))
        made, plain = (error.mean(axis=-1, keepdims=True) for error in errors)
        return Errors(_mean(made, mask), _mean(made, 1 - mask), _mean(plain, mask))

    def grade(self, learnt: Params, answered: Answered) -> tuple[Terms, Readings]:
        """Both errors; what is explained is the share of the mean image's error that is gone."""
        local, whole = answered.local, answered.whole
        explained = 1 - whole.hidden.mean() / jnp.maximum(whole.plain.mean(), 1e-12)
        readings = {
            "explained": explained,
            "hidden_error": local.hidden.mean(),
            "visible_error": local.visible.mean(),
        }
        weighted = self._pretext.visible_weight * local.visible
        return {"hidden": local.hidden, "visible": weighted}, readings

    def panels(self, trained: Trained, stats: Params, posed: Covered, gallery: Gallery) -> Panels:
        """Each image as posed, with its patches filled in, as it is made whole, and itself."""
        images, mask = posed
        made = self._made(trained, stats, posed)
        filled = jnp.where(mask > 0, made, images)
        return jnp.stack([covered(posed), filled, made, images], axis=1)

    def _made(self, trained: Trained, stats: Params, posed: Covered) -> Samples:
        networks = self._networks
        features = networks.features(trained.discriminator, stats, covered(posed))
        codes = on_sphere(linear(trained.readout, features)) * self._latent_dim**0.5
        return networks.generate(trained.generator, codes)

    @cached_property
    def _mean(self) -> Float[np.ndarray, "height width channels"]:
        """The mean image, read when a step is traced: what only restores a run needs no data."""
        return self._read_mean()

    def _mask(self, key: RandomKey) -> Float[Array, "height width 1"]:
        rows, columns = self.grid
        drawn = jax.random.permutation(key, rows * columns) < self.hidden
        patches = drawn.reshape(rows, columns, 1).astype(jnp.float32)
        return patches.repeat(self.patch, axis=0).repeat(self.patch, axis=1)


def covered(posed: Covered) -> Samples:
    """What is to be seen of images: hidden pixels are mid-grey, which is 0."""
    return jnp.where(posed.mask > 0, 0, posed.images)


def _mean(errors: Float[Array, "n height width 1"], weights: Masks) -> PerSample:
    """Mean error of each image over the pixels that count."""
    return (errors * weights).sum(axis=(1, 2, 3)) / weights.sum(axis=(1, 2, 3))


def _patch(pretext: Pretext, shape: tuple[int, ...]) -> int:
    """The side of a patch, of which an image must have several."""
    height, width, _ = shape
    shared = math.gcd(height, width)
    fitting = [side for side in range(1, shared + 1) if shared % side == 0]
    fitting = [side for side in fitting if side * side < height * width]
    expected = f"one of {', '.join(map(str, fitting))} for images of {height}x{width}"
    patch = pretext.patch
    require(patch is None or patch in fitting, "pretext.patch", patch, expected)
    return max(side for side in fitting if side <= max(1, shared // 4)) if patch is None else patch
