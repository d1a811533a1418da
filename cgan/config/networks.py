"""The settings of the two networks, and which architecture reads which of them."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from cgan.config.checks import (
    DEPTH_AT_MOST,
    FLOAT_AT_MOST,
    SIZE_AT_MOST,
    check_types,
    not_negative,
    only_defaults,
    positive,
    require,
)

Architecture = Literal["mlp", "conv", "r3gan", "sngan", "stylegan2"]

PYRAMID = ("max_width",)
BOTTLENECKS = ("expansion", "group_size")
GENERATOR_READS: dict[Architecture, tuple[str, ...]] = {
    "mlp": ("depth", "fourier_features", "residual"),
    "conv": ("depth",),
    "r3gan": ("depth", *PYRAMID, *BOTTLENECKS),
    "sngan": (*PYRAMID, "group_size", "attention"),
    "stylegan2": ("depth", *PYRAMID),
}
DISCRIMINATOR_READS: dict[Architecture, tuple[str, ...]] = {
    "mlp": ("depth", "fourier_features", "spectral_norm"),
    "conv": ("depth", "spectral_norm"),
    "r3gan": ("depth", *PYRAMID, *BOTTLENECKS),
    "sngan": (*PYRAMID, "attention", "spectral_norm"),
    "stylegan2": PYRAMID,
}
"""Settings that each architecture reads of those that not all have; others keep their defaults."""


@dataclass(frozen=True)
class Generator:
    """The network that turns latents into samples."""

    architecture: Architecture = "mlp"
    """Kind: mlp for points and tiny images, conv for images; r3gan, sngan, stylegan2 at scale."""
    latent_dim: int = 64
    """Dimension of the latent vector z."""
    latent: Literal["normal", "uniform"] = "normal"
    """Distribution of z's coordinates: both have mean 0 and variance 1."""
    width: int = 256
    """Units of a hidden layer (mlp), or channels at the finest resolution."""
    depth: int = 3
    """Hidden layers (mlp), doublings (conv), blocks a side (r3gan), style layers (stylegan2)."""
    max_width: int = 512
    """Most channels: each halving of the resolution doubles them up to here (at scale)."""
    expansion: int = 2
    """How much wider the middle of a block is (r3gan)."""
    group_size: int = 16
    """Channels that are convolved (r3gan) or normalised (sngan) together."""
    attention: int = 0
    """Side of the maps that have self-attention; 0 for none (sngan)."""
    fourier_features: int = 0
    """Fixed random sines and cosines of z beside it, as inputs (mlp)."""
    max_frequency: float = 1.0
    """Highest angular frequency of the sines, in radians per unit of z; they start at 1."""
    residual: bool = False
    """Add z to the output, for points: latent_dim must be their dimension (mlp)."""

    def __post_init__(self) -> None:
        check_types(self, "generator.")
        positive(self, "generator.", "latent_dim", at_most=SIZE_AT_MOST)
        _check(self, "generator.", GENERATOR_READS)


@dataclass(frozen=True)
class Discriminator:
    """The network that scores samples: higher is more like the real ones."""

    architecture: Architecture = "mlp"
    """Kind: mlp for points and tiny images, conv for images; r3gan, sngan, stylegan2 at scale."""
    width: int = 256
    """Units of a hidden layer (mlp), or channels at the finest resolution."""
    depth: int = 3
    """Hidden layers (mlp), halvings of the resolution (conv), or blocks at each (r3gan)."""
    max_width: int = 512
    """Most channels: each halving of the resolution doubles them up to here (at scale)."""
    expansion: int = 2
    """How much wider the middle of a block is (r3gan)."""
    group_size: int = 16
    """Channels that are convolved together (r3gan)."""
    attention: int = 0
    """Side of the maps that have self-attention; 0 for none (sngan)."""
    fourier_features: int = 0
    """Fixed random sines and cosines of a sample beside it, as inputs (mlp)."""
    max_frequency: float = 1.0
    """Highest angular frequency of the sines, in radians per unit of the data's spread."""
    spectral_norm: bool = False
    """Divide weights by their largest singular value (Miyato et al. 2018; mlp, conv, sngan)."""

    def __post_init__(self) -> None:
        check_types(self, "discriminator.")
        _check(self, "discriminator.", DISCRIMINATOR_READS)


def _check(config: Any, prefix: str, reads: dict[Architecture, tuple[str, ...]]) -> None:
    sizes = ("width", "max_width", "expansion", "group_size")
    positive(config, prefix, *sizes, at_most=SIZE_AT_MOST)
    positive(config, prefix, "depth", at_most=DEPTH_AT_MOST)
    not_negative(config, prefix, "fourier_features", "attention", at_most=SIZE_AT_MOST)
    name, value = prefix + "max_frequency", config.max_frequency
    require(1 <= value < float("inf"), name, value, "1 or more")
    require(value <= FLOAT_AT_MOST, name, value, f"at most {FLOAT_AT_MOST:.3g}, as float32 is")
    own = reads[config.architecture]
    known = {setting for settings in reads.values() for setting in settings}
    idle = [item.name for item in dataclasses.fields(config) if item.name in known - set(own)]
    when = f"with {prefix}architecture = {config.architecture!r}"
    only_defaults(config, prefix, idle, when)
    if "max_width" in own:
        _check_pyramid(config, prefix, own)


def _check_pyramid(config: Any, prefix: str, own: tuple[str, ...]) -> None:
    """Refuse widths that are not whole groups of channels, from the finest to the coarsest maps."""
    name, value = prefix + "max_width", config.max_width
    require(value >= config.width, name, value, f"at least {prefix}width = {config.width}")
    if "group_size" not in own:
        return
    times = config.expansion if "expansion" in own else 1
    widest = " times expansion" if times > 1 else ""
    for width in ("width", "max_width"):
        channels = times * getattr(config, width)
        expected = f"a divisor of {prefix}{width}{widest} = {channels}"
        name, value = prefix + "group_size", config.group_size
        require(channels % value == 0, name, value, expected)
