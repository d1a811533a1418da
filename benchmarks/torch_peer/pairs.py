"""The pairs that are timed in both libraries: an experiment, and its networks in PyTorch."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn

from benchmarks.noise import Noise
from benchmarks.torch_peer import networks, r3gan, sngan
from benchmarks.torch_peer.networks import Tree
from cgan.config import Data, Discriminator, Experiment, Generator, Objective
from cgan.kinds import POINT
from configs import r3gan_cifar10, ring8, stacked_digits
from configs.images import images_experiment

SIDE = 32


class Pair(NamedTuple):
    """An experiment, its data, and constructors of its networks in PyTorch."""

    config: Experiment
    source: Noise
    generator: Callable[[Tree], nn.Module]
    discriminator: Callable[[Tree], nn.Module]


def points() -> Pair:
    """The pair of `ring8`, with the loss of the other pairs, and its many steps a dispatch."""
    config = dataclasses.replace(ring8.CONFIG, objective=Objective())
    source, players = Noise((2,), POINT), (config.generator, config.discriminator)
    of_generator, of_discriminator = (
        networks.fourier(2, player.fourier_features, player.max_frequency) for player in players
    )
    return Pair(
        config,
        source,
        lambda tree: networks.PointsGenerator(tree, of_generator),
        lambda tree: networks.MLPDiscriminator(tree, of_discriminator),
    )


def mlp() -> Pair:
    """The pair of `stacked_digits`, with its many steps a dispatch."""
    source = Noise((8, 8, 3))
    return Pair(
        stacked_digits.CONFIG,
        source,
        lambda tree: networks.MLPGenerator(tree, (8, 8, 3)),
        networks.MLPDiscriminator,
    )


def _of_images(config: Experiment, batch_size: int, **sections: Any) -> Experiment:
    return dataclasses.replace(config, batch_size=batch_size, steps_per_dispatch=1, **sections)


def conv() -> Pair:
    """The small convolutional pair of the presets, on images."""
    config, shape = images_experiment("conv", Data("digits"), SIDE), (SIDE, SIDE, 3)
    depth = config.generator.depth
    return Pair(
        _of_images(config, 64),
        Noise(shape),
        lambda tree: networks.ConvGenerator(tree, shape, depth),
        lambda tree: networks.ConvDiscriminator(tree, depth),
    )


def sngan_pair() -> Pair:
    """The pair of SNGAN, narrow, with R1 and R2 in place of spectral norm."""
    shape, width, most = (SIDE, SIDE, 3), 32, 128
    generator = Generator("sngan", latent_dim=128, width=width, max_width=most, group_size=8)
    discriminator = Discriminator("sngan", width=width, max_width=most)
    base = images_experiment("sngan", Data("digits"), SIDE)
    return Pair(
        _of_images(base, 32, generator=generator, discriminator=discriminator),
        Noise(shape),
        lambda tree: sngan.SNGANGenerator(tree, shape, generator.group_size),
        lambda tree: sngan.SNGANDiscriminator(tree, shape),
    )


def _of_r3gan(generator: Generator, discriminator: Discriminator, batch_size: int) -> Pair:
    base = images_experiment("r3gan", Data("digits"), SIDE)
    return Pair(
        _of_images(base, batch_size, generator=generator, discriminator=discriminator),
        Noise((SIDE, SIDE, 3)),
        lambda tree: r3gan.R3GANGenerator(tree, SIDE, generator),
        lambda tree: r3gan.R3GANDiscriminator(tree, SIDE, discriminator),
    )


def r3gan_pair() -> Pair:
    """The pair of R3GAN, narrow."""
    sizes: dict[str, Any] = {"width": 32, "max_width": 128, "depth": 1, "group_size": 16}
    generator = Generator("r3gan", latent_dim=64, **sizes)
    return _of_r3gan(generator, Discriminator("r3gan", **sizes), 32)


def r3gan_cifar10_pair() -> Pair:
    """The pair of `r3gan_cifar10` at full size, without classes: for accelerators."""
    preset = r3gan_cifar10.CONFIG
    return _of_r3gan(preset.generator, preset.discriminator, 256)


PAIRS: dict[str, Callable[[], Pair]] = {
    "points": points,
    "mlp": mlp,
    "conv": conv,
    "sngan": sngan_pair,
    "r3gan": r3gan_pair,
    "r3gan_cifar10": r3gan_cifar10_pair,
}
LARGE = ("r3gan_cifar10",)
"""Names of the pairs that are too large for CPUs."""
