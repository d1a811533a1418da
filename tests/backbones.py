"""Small pairs of the architectures for images, for the tests of all of them."""

import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cgan.config import Conditioning, Data, Discriminator, Embedding, Experiment, Generator

PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "mlp": ({"width": 8, "depth": 1}, {"width": 8, "depth": 1}),
    "conv": ({"width": 4, "depth": 1}, {"width": 4, "depth": 1, "spectral_norm": True}),
    "r3gan": 2 * ({"width": 4, "max_width": 8, "depth": 1, "group_size": 4},),
    "sngan": (
        {"width": 4, "max_width": 8, "group_size": 2, "attention": 8},
        {"width": 4, "max_width": 8, "attention": 4, "spectral_norm": True},
    ),
    "stylegan2": (
        {"width": 4, "max_width": 8, "depth": 2},
        {"width": 4, "max_width": 8},
    ),
}
"""The settings of a generator and of a discriminator for images of 8x8."""
AT_SCALE = ("r3gan", "sngan", "stylegan2")


def experiment(architecture: str, labels: bool = True, **settings: Any) -> Experiment:
    """Both players of one architecture, both heads, on digits."""
    generator, discriminator = PAIRS[architecture]
    return Experiment(
        workdir=Path("runs/test"),
        data=Data("digits"),
        conditioning=Conditioning(labels=labels),
        generator=Generator(architecture, latent_dim=6, **generator),
        discriminator=Discriminator(architecture, **discriminator),
        embedding=Embedding(weight=1.0, dimensions=3),
        batch_size=8,
        **settings,
    )


def randomized(architecture: str, shapes: Any, seed: int = 1) -> Any:
    """Variables of these shapes, about as large as they start; none is 0, which hides branches."""
    rng = np.random.default_rng(seed)

    def draw(leaf: Any) -> jax.Array:
        # Those of stylegan2 are scaled where they are used.
        scale = 1.0 if architecture == "stylegan2" else math.prod(leaf.shape[:-1]) ** -0.5
        return jnp.asarray(rng.normal(scale=scale, size=leaf.shape), jnp.float32)

    return jax.tree.map(draw, shapes)
