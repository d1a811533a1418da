"""The networks by the names of their architectures, and the samples that each of them fits."""

from collections.abc import Callable

import flax.linen as nn

from cgan.config import Architecture, Conditioning, ConfigError, Discriminator, Generator
from cgan.networks.conv import ConvDiscriminator, ConvGenerator
from cgan.networks.heads import Heads
from cgan.networks.mlp import MLPDiscriminator, MLPGenerator
from cgan.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from cgan.networks.resample import BASE, sides
from cgan.networks.sngan import SNGANDiscriminator, SNGANGenerator
from cgan.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator

Shape = tuple[int, ...]

DEPTH_AT_MOST = 32
"""Halvings of a side that anyone asks for."""


def _mlp_generator(
    config: Generator, sample_shape: Shape, classes: int, conditioning: Conditioning
) -> nn.Module:
    return MLPGenerator(
        sample_shape=sample_shape,
        width=config.width,
        depth=config.depth,
        fourier_features=config.fourier_features,
        max_frequency=config.max_frequency,
        residual=config.residual,
        classes=classes,
        class_dimensions=conditioning.dimensions,
    )


def _conv_generator(
    config: Generator, sample_shape: Shape, classes: int, conditioning: Conditioning
) -> nn.Module:
    return ConvGenerator(
        sample_shape=sample_shape,
        width=config.width,
        depth=config.depth,
        classes=classes,
        class_dimensions=conditioning.dimensions,
    )


def _r3gan_generator(
    config: Generator, sample_shape: Shape, classes: int, conditioning: Conditioning
) -> nn.Module:
    return R3GANGenerator(
        sample_shape=sample_shape,
        width=config.width,
        max_width=config.max_width,
        depth=config.depth,
        expansion=config.expansion,
        group_size=config.group_size,
        classes=classes,
        class_dimensions=conditioning.dimensions,
    )


def _sngan_generator(
    config: Generator, sample_shape: Shape, classes: int, conditioning: Conditioning
) -> nn.Module:
    return SNGANGenerator(
        sample_shape=sample_shape,
        width=config.width,
        max_width=config.max_width,
        group_size=config.group_size,
        attention=config.attention,
        classes=classes,
    )


def _stylegan2_generator(
    config: Generator, sample_shape: Shape, classes: int, conditioning: Conditioning
) -> nn.Module:
    return StyleGAN2Generator(
        sample_shape=sample_shape,
        width=config.width,
        max_width=config.max_width,
        depth=config.depth,
        classes=classes,
        class_dimensions=conditioning.dimensions,
    )


def _mlp_discriminator(config: Discriminator, heads: Heads) -> nn.Module:
    return MLPDiscriminator(
        width=config.width,
        depth=config.depth,
        heads=heads,
        spectral_norm=config.spectral_norm,
        fourier_features=config.fourier_features,
        max_frequency=config.max_frequency,
    )


def _conv_discriminator(config: Discriminator, heads: Heads) -> nn.Module:
    return ConvDiscriminator(
        width=config.width,
        depth=config.depth,
        heads=heads,
        spectral_norm=config.spectral_norm,
    )


def _r3gan_discriminator(config: Discriminator, heads: Heads) -> nn.Module:
    return R3GANDiscriminator(
        width=config.width,
        max_width=config.max_width,
        depth=config.depth,
        expansion=config.expansion,
        group_size=config.group_size,
        heads=heads,
    )


def _sngan_discriminator(config: Discriminator, heads: Heads) -> nn.Module:
    return SNGANDiscriminator(
        width=config.width,
        max_width=config.max_width,
        attention=config.attention,
        heads=heads,
        spectral_norm=config.spectral_norm,
    )


def _stylegan2_discriminator(config: Discriminator, heads: Heads) -> nn.Module:
    return StyleGAN2Discriminator(width=config.width, max_width=config.max_width, heads=heads)


GENERATORS: dict[Architecture, Callable[[Generator, Shape, int, Conditioning], nn.Module]] = {
    "mlp": _mlp_generator,
    "conv": _conv_generator,
    "r3gan": _r3gan_generator,
    "sngan": _sngan_generator,
    "stylegan2": _stylegan2_generator,
}
DISCRIMINATORS: dict[Architecture, Callable[[Discriminator, Heads], nn.Module]] = {
    "mlp": _mlp_discriminator,
    "conv": _conv_discriminator,
    "r3gan": _r3gan_discriminator,
    "sngan": _sngan_discriminator,
    "stylegan2": _stylegan2_discriminator,
}


def check_fits(player: str, config: Generator | Discriminator, sample_shape: Shape) -> None:
    """Raise a `ConfigError` unless this player's architecture can make or judge such samples.

    Args:
        player: "generator" or "discriminator".
        config: its settings.
        sample_shape: of the samples.
    """
    if config.architecture == "mlp":
        _check_residual(config, sample_shape)
        return
    if len(sample_shape) != 3:
        raise ConfigError(
            f"{player}.architecture = {config.architecture!r}: needs images, this data set has "
            f"samples of shape {sample_shape}; must be 'mlp'"
        )
    check = _check_halvings if config.architecture == "conv" else _check_pyramid
    check(player, config, sample_shape)


def _check_residual(config: Generator | Discriminator, sample_shape: Shape) -> None:
    if isinstance(config, Discriminator) or not config.residual:
        return
    if sample_shape != (config.latent_dim,):
        raise ConfigError(
            f"generator.residual = True: needs latents of the samples' shape {sample_shape}; "
            f"generator.latent_dim is {config.latent_dim}; must be False, or the two be equal"
        )


def _check_halvings(player: str, config: Generator | Discriminator, sample_shape: Shape) -> None:
    shrink = 2**config.depth
    if any(side % shrink for side in sample_shape[:2]):
        most = max(
            d for d in range(DEPTH_AT_MOST) if all(side % 2**d == 0 for side in sample_shape[:2])
        )
        raise ConfigError(
            f"{player}.depth = {config.depth}: images of {sample_shape[0]}x{sample_shape[1]} "
            f"can't be halved that often; must be at most {most}"
        )


def _check_pyramid(player: str, config: Generator | Discriminator, sample_shape: Shape) -> None:
    height, width, _ = sample_shape
    if height != width or height not in [BASE << level for level in range(DEPTH_AT_MOST)]:
        raise ConfigError(
            f"{player}.architecture = {config.architecture!r}: needs square images whose side is "
            f"{BASE} * 2^k pixels (8, 16, 32, ...), this data set has {height}x{width}; must be "
            "'mlp' or 'conv'"
        )
    # A generator attends where it has doubled, a discriminator where it has halved.
    fitting = sides(height)[:-1] if player == "generator" else sides(height)[1:]
    if config.attention and config.attention not in fitting:
        known = " or ".join(str(at) for at in (0, *sorted(fitting)))
        raise ConfigError(
            f"{player}.attention = {config.attention}: images of {height}x{width} have no such "
            f"maps; must be {known}"
        )
