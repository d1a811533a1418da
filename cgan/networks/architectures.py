"""The networks by names of architectures, and which samples each of them fits."""

import dataclasses
import inspect
from typing import Any

import flax.linen as nn

from cgan.config import (
    Conditioning,
    ConfigError,
    Discriminator,
    Generator,
    NetworkName,
)
from cgan.networks import modules
from cgan.networks.conv import ConvDiscriminatorTrunk, ConvGeneratorHead, ConvGeneratorTrunk
from cgan.networks.conv1d import (
    BASES,
    Conv1dDiscriminatorTrunk,
    Conv1dGeneratorHead,
    Conv1dGeneratorTrunk,
)
from cgan.networks.heads import HeadSpec
from cgan.networks.mlp import MLPDiscriminatorTrunk, MLPGeneratorHead, MLPGeneratorTrunk
from cgan.networks.r3gan import R3GANDiscriminatorTrunk, R3GANGeneratorHead, R3GANGeneratorTrunk
from cgan.networks.resample import BASE, sides
from cgan.networks.sngan import SNGANDiscriminatorTrunk, SNGANGeneratorHead, SNGANGeneratorTrunk
from cgan.networks.stylegan2 import (
    StyleGAN2DiscriminatorTrunk,
    StyleGAN2GeneratorHead,
    StyleGAN2GeneratorTrunk,
)
from cgan.networks.translators import (
    Projection,
    ResNetEncoder,
    ResNetTrunk,
    Translator,
    TranslatorHead,
    UNetEncoder,
    UNetTrunk,
)

Shape = tuple[int, ...]

FLAX_OWN = {"parent", "name"}
"""Names of fields that all of Flax's modules have."""
DEPTH_AT_MOST = 32
"""Most halvings of a side that anyone asks for."""


GENERATORS: dict[NetworkName, tuple[type[nn.Module], type[nn.Module]]] = {
    "mlp": (MLPGeneratorTrunk, MLPGeneratorHead),
    "conv": (ConvGeneratorTrunk, ConvGeneratorHead),
    "conv1d": (Conv1dGeneratorTrunk, Conv1dGeneratorHead),
    "r3gan": (R3GANGeneratorTrunk, R3GANGeneratorHead),
    "sngan": (SNGANGeneratorTrunk, SNGANGeneratorHead),
    "stylegan2": (StyleGAN2GeneratorTrunk, StyleGAN2GeneratorHead),
}
"""Trunk and head of each architecture's generator."""
DISCRIMINATORS: dict[NetworkName, type[nn.Module]] = {
    "mlp": MLPDiscriminatorTrunk,
    "conv": ConvDiscriminatorTrunk,
    "conv1d": Conv1dDiscriminatorTrunk,
    "r3gan": R3GANDiscriminatorTrunk,
    "sngan": SNGANDiscriminatorTrunk,
    "stylegan2": StyleGAN2DiscriminatorTrunk,
}
"""The trunk of each discriminator, whose heads are the same; one may multiply by `factors`."""
TRANSLATORS: dict[NetworkName, type[nn.Module]] = {"resnet": ResNetTrunk, "unet": UNetTrunk}
"""The trunk of each generator that translates pictures, whose heads are the same."""
ENCODERS: dict[NetworkName, type[nn.Module]] = {"resnet": ResNetEncoder, "unet": UNetEncoder}
"""The first half of each of these trunks, as the trunk of a discriminator."""


def build_generator(
    config: Generator, sample_shape: Shape, classes: int, conditioning: Conditioning
) -> modules.Generator:
    """Build the generator that the settings describe."""
    others = {
        "sample_shape": sample_shape,
        "classes": classes,
        "class_dimensions": conditioning.dimensions,
    }
    trunk, head = (
        _by_names(part, vars(config) | others) for part in GENERATORS[config.architecture]
    )
    return modules.Generator(trunk, head)


def build_translator(config: Generator, sample_shape: Shape, dimensions: int) -> Translator:
    """Build the translator that the settings describe, with vectors of patches of this length."""
    values = vars(config) | {"sample_shape": sample_shape}
    parts = TRANSLATORS[config.architecture], TranslatorHead
    trunk, head = (_by_names(part, values) for part in parts)
    return Translator(trunk, head, Projection(dimensions))


def build_discriminator(config: Discriminator, heads: HeadSpec) -> modules.Discriminator:
    """Build the discriminator that the settings describe."""
    kind = (DISCRIMINATORS | ENCODERS)[config.architecture]
    trunk = _by_names(kind, vars(config) | {"classes": heads.classes})
    return modules.Discriminator(trunk, heads, config.spectral_norm)


def scales_with_factors(trunk: nn.Module) -> bool:
    """Whether a discriminator on this trunk multiplies its scores: the trunk takes factors then."""
    return "factors" in inspect.signature(trunk.__call__).parameters


def _by_names(network: type[nn.Module], values: dict[str, Any]) -> nn.Module:
    """Build a network, whose fields are named as the settings that it reads."""
    names = {field.name for field in dataclasses.fields(network)} - FLAX_OWN
    return network(**{name: values[name] for name in names})


def check_fits(player: str, config: Generator | Discriminator, sample_shape: Shape) -> None:
    """Raise a `ConfigError` unless this player's architecture can make or score such samples.

    Args:
        player: "generator" or "discriminator".
        config: its settings.
        sample_shape: of the samples.
    """
    if config.architecture in TRANSLATORS:
        _check_pictures(player, config, sample_shape)
        return
    if config.architecture == "mlp":
        _check_residual(config, sample_shape)
        _check_of_images(player, config, sample_shape)
        return
    of_sequences = config.architecture == "conv1d"
    if len(sample_shape) != (2 if of_sequences else 3):
        needed = "sequences" if of_sequences else "images"
        others = "'mlp' or 'conv'" if len(sample_shape) == 3 else "'mlp'"
        fitting = "'mlp' or 'conv1d'" if len(sample_shape) == 2 else others
        raise ConfigError(
            f"{player}.architecture = {config.architecture!r}: needs {needed}, this data set has "
            f"samples of shape {sample_shape}; must be {fitting}"
        )
    if of_sequences:
        _check_sequences(player, config, sample_shape)
        return
    check = _check_halvings if config.architecture == "conv" else _check_pyramid
    check(player, config, sample_shape)


def _check_pictures(player: str, config: Generator | Discriminator, sample_shape: Shape) -> None:
    if len(sample_shape) != 3:
        others = "'mlp'" if player == "discriminator" else "a generator from noise"
        raise ConfigError(
            f"{player}.architecture = {config.architecture!r}: needs images, this data set has "
            f"samples of shape {sample_shape}; must be {others}"
        )


def _check_residual(config: Generator | Discriminator, sample_shape: Shape) -> None:
    if isinstance(config, Discriminator) or not config.residual:
        return
    if sample_shape != (config.latent_dim,):
        raise ConfigError(
            f"generator.residual = True: needs latents of the samples' shape {sample_shape}; "
            f"generator.latent_dim is {config.latent_dim}; must be False, or the two be equal"
        )


def _check_of_images(player: str, config: Generator | Discriminator, sample_shape: Shape) -> None:
    """Refuse settings of a perceptron that are of images alone."""
    unset = {"cells": None, "shot_noise": 0.0}
    for name, none in unset.items():
        value = getattr(config, name, none)
        if value != none and len(sample_shape) != 3:
            raise ConfigError(
                f"{player}.{name} = {value}: needs images, this data set has samples of shape "
                f"{sample_shape}; must be {none}"
            )


def _check_halvings(player: str, config: Generator | Discriminator, sample_shape: Shape) -> None:
    height, width = sample_shape[:2]

    def halvings(size: int) -> int:
        whole = range(DEPTH_AT_MOST)
        return max(
            (d for d in whole if height % (size << d) == width % (size << d) == 0), default=0
        )

    if not halvings(1):
        raise ConfigError(
            f"{player}.architecture = 'conv': images of {height}x{width} can't be halved; "
            "must be 'mlp'"
        )
    size = config.patch_size
    if not halvings(size):
        fitting = [each for each in range(1, min(height, width)) if halvings(each)]
        raise ConfigError(
            f"{player}.patch_size = {size}: maps of {height}x{width} pixels in squares of {size} "
            f"can't be halved; must be one of {', '.join(map(str, fitting))}"
        )
    if config.depth > halvings(size):
        in_squares = f" in squares of {size}" if size > 1 else ""
        raise ConfigError(
            f"{player}.depth = {config.depth}: images of {height}x{width}{in_squares} "
            f"can't be halved that often; must be at most {halvings(size)}"
        )


def _check_sequences(player: str, config: Generator | Discriminator, sample_shape: Shape) -> None:
    length, letters = sample_shape
    most = length.bit_length() - 1
    if config.depth > most:
        raise ConfigError(
            f"{player}.depth = {config.depth}: sequences of {length} places can't be halved that "
            f"often; must be at most {most}"
        )
    if isinstance(config, Discriminator) and config.pairs >= length:
        raise ConfigError(
            f"discriminator.pairs = {config.pairs}: sequences of {length} places have no letters "
            f"so far apart; must be at most {length - 1}"
        )
    if isinstance(config, Discriminator) and config.both_strands and letters != BASES:
        raise ConfigError(
            f"discriminator.both_strands = True: needs the {BASES} bases of DNA, this data set has "
            f"{letters} letters; must be False"
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
