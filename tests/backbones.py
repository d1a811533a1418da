"""Small pairs of the architectures for images, for the tests of all of them."""

from pathlib import Path
from typing import Any

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
