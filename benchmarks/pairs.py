"""The pairs that are timed beside PyTorch: experiments on noise, without any library's networks."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.noise import Noise
from cgan.assemble import Parts, assemble_on
from cgan.config import Data, Discriminator, Experiment, Generator, Objective
from cgan.kinds import POINT
from configs import r3gan_cifar10, ring8, stacked_digits
from configs.images import images_experiment

SIDE = 32


class Pair(NamedTuple):
    """An experiment and the noise that it is timed on."""

    config: Experiment
    source: Noise

    @property
    def parts(self) -> Parts:
        """The parts of its step."""
        return assemble_on(self.config, self.source)


def points() -> Pair:
    """The pair of `ring8`, with the loss of the other pairs, and its many steps a dispatch."""
    return Pair(dataclasses.replace(ring8.CONFIG, objective=Objective()), Noise((2,), POINT))


def mlp() -> Pair:
    """The pair of `stacked_digits`, with its many steps a dispatch."""
    return Pair(stacked_digits.CONFIG, Noise((8, 8, 3)))


def _of_images(config: Experiment, batch_size: int, side: int, **sections: Any) -> Pair:
    config = dataclasses.replace(config, batch_size=batch_size, steps_per_dispatch=1, **sections)
    return Pair(config, Noise((side, side, 3)))


def conv(side: int = SIDE, batch_size: int = 64, width: int = 32) -> Pair:
    """The small convolutional pair of the presets, on images."""
    return _of_images(images_experiment("conv", Data("digits"), side, width), batch_size, side)


def sngan(side: int = SIDE, batch_size: int = 32, width: int = 32, most: int = 128) -> Pair:
    """The pair of SNGAN, narrow, with R1 and R2 in place of spectral norm."""
    return _of_images(
        images_experiment("sngan", Data("digits"), side),
        batch_size,
        side,
        generator=Generator("sngan", latent_dim=128, width=width, max_width=most, group_size=8),
        discriminator=Discriminator("sngan", width=width, max_width=most),
    )


def r3gan(side: int = SIDE, batch_size: int = 32, width: int = 32, most: int = 128) -> Pair:
    """The pair of R3GAN, narrow."""
    sizes: dict[str, Any] = {"width": width, "max_width": most, "depth": 1, "group_size": 16}
    return _of_r3gan(
        Generator("r3gan", latent_dim=64, **sizes),
        Discriminator("r3gan", **sizes),
        batch_size,
        side,
    )


def r3gan_of_cifar10(side: int = SIDE, batch_size: int = 256, width: int | None = None) -> Pair:
    """The pair of `r3gan_cifar10` at full size, or of another width; without classes."""
    preset = r3gan_cifar10.CONFIG
    widths: dict[str, Any] = {} if width is None else {"width": width, "max_width": width}
    return _of_r3gan(
        dataclasses.replace(preset.generator, **widths),
        dataclasses.replace(preset.discriminator, **widths),
        batch_size,
        side,
    )


def _of_r3gan(
    generator: Generator, discriminator: Discriminator, batch_size: int, side: int
) -> Pair:
    base = images_experiment("r3gan", Data("digits"), side)
    return _of_images(base, batch_size, side, generator=generator, discriminator=discriminator)


PAIRS: dict[str, Callable[[], Pair]] = {
    "points": points,
    "mlp": mlp,
    "conv": conv,
    "sngan": sngan,
    "r3gan": r3gan,
    "r3gan_cifar10": r3gan_of_cifar10,
}
LARGE = ("r3gan_cifar10",)
"""Names of the pairs that are too large for CPUs."""
