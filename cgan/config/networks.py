"""The settings of the two networks."""

from dataclasses import dataclass
from typing import Any, Literal

from cgan.config.checks import (
    DEPTH_AT_MOST,
    FLOAT_AT_MOST,
    SIZE_AT_MOST,
    check_types,
    not_negative,
    positive,
    require,
)

Architecture = Literal["mlp", "conv"]


@dataclass(frozen=True)
class Generator:
    """The network that turns latents into samples."""

    architecture: Architecture = "mlp"
    """mlp for points and tiny images, conv for images."""
    latent_dim: int = 64
    """Dimension of the latent vector z."""
    latent: Literal["normal", "uniform"] = "normal"
    """Distribution of z's coordinates: both have mean 0 and variance 1."""
    width: int = 256
    """Units of a hidden layer (mlp), or channels at the finest resolution (conv)."""
    depth: int = 3
    """Hidden layers (mlp), or doublings of the resolution (conv)."""
    fourier_features: int = 0
    """Fixed random sines and cosines of z beside it, as inputs (mlp)."""
    max_frequency: float = 1.0
    """Highest of their angular frequencies, in radians per unit of z; they start at 1."""
    residual: bool = False
    """Add z to the output, for points: latent_dim must be their dimension (mlp)."""

    def __post_init__(self) -> None:
        check_types(self, "generator.")
        positive(self, "generator.", "latent_dim", "width", at_most=SIZE_AT_MOST)
        positive(self, "generator.", "depth", at_most=DEPTH_AT_MOST)
        _check_fourier(self, "generator.")
        if self.residual:
            expected = _with_conv("generator.", "False")
            require(self.architecture == "mlp", "generator.residual", True, expected)


@dataclass(frozen=True)
class Discriminator:
    """The network that scores samples: higher is more like the real ones."""

    architecture: Architecture = "mlp"
    """mlp for points and tiny images, conv for images."""
    width: int = 256
    """Units of a hidden layer (mlp), or channels at the finest resolution (conv)."""
    depth: int = 3
    """Hidden layers (mlp), or halvings of the resolution (conv)."""
    fourier_features: int = 0
    """Fixed random sines and cosines of a sample beside it, as inputs (mlp)."""
    max_frequency: float = 1.0
    """Highest of their angular frequencies, in radians per unit of the data's spread."""
    spectral_norm: bool = False
    """Divide each weight matrix by its largest singular value (Miyato et al. 2018)."""

    def __post_init__(self) -> None:
        check_types(self, "discriminator.")
        positive(self, "discriminator.", "width", at_most=SIZE_AT_MOST)
        positive(self, "discriminator.", "depth", at_most=DEPTH_AT_MOST)
        _check_fourier(self, "discriminator.")


def _check_fourier(config: Any, prefix: str) -> None:
    not_negative(config, prefix, "fourier_features", at_most=SIZE_AT_MOST)
    name, value = prefix + "max_frequency", config.max_frequency
    require(1 <= value < float("inf"), name, value, "1 or more")
    require(value <= FLOAT_AT_MOST, name, value, f"at most {FLOAT_AT_MOST:.3g}, as float32 is")
    if config.architecture == "conv":
        name, value = prefix + "fourier_features", config.fourier_features
        require(value == 0, name, value, _with_conv(prefix, "0"))


def _with_conv(prefix: str, expected: str) -> str:
    return f"{expected} with {prefix}architecture = 'conv'"
