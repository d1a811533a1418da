"""The settings of the two networks, and which architectures read which of them."""

from dataclasses import dataclass
from typing import Literal, get_args

from cgan.config.augment import SHOT_NOISE_AT_MOST, Augment
from cgan.config.checks import (
    DEPTH_AT_MOST,
    FLOAT_AT_MOST,
    SIZE_AT_MOST,
    Vectors,
    check_types,
    check_vectors,
    not_negative,
    positive,
    require,
)
from cgan.config.setting import check_read, is_read, setting

Architecture = Literal["mlp", "conv", "conv1d", "r3gan", "sngan", "stylegan2"]
TranslatorName = Literal["resnet", "unet"]
"""Generators that translate pictures, in place of drawing from noise, and their encoders."""
NetworkName = Literal[Architecture, TranslatorName]

FROM_NOISE: tuple[Architecture, ...] = get_args(Architecture)
"""Architectures whose generators have latents."""
TRANSLATORS: tuple[TranslatorName, ...] = get_args(TranslatorName)
OF_GENERATORS_DEPTH: tuple[Architecture, ...] = ("mlp", "conv", "conv1d", "r3gan", "stylegan2")
"""Architectures whose generators have a depth."""
AT_SCALE: tuple[Architecture, ...] = ("r3gan", "sngan", "stylegan2")
"""Architectures whose maps get wider where they get coarser."""
WITH_SPECTRAL_NORM: tuple[Architecture, ...] = ("mlp", "conv", "conv1d", "sngan")
"""Architectures whose discriminators can have spectral norms."""
OF_SEQUENCES = {"architecture": ("conv1d",)}

KMER_AT_MOST = 32
"""Most letters of a filter: there are more ways to write these than weights can tell apart."""
SHOT_NOISE_AT_LEAST = 0.001
"""Least levels of grey an electron of a generator: with more electrons noise is not to be seen."""
PAIRS_AT_MOST = 32
"""Most lags of pairs: of each the discriminator sees as many shares as there are pairs."""


@dataclass(frozen=True)
class Generator:
    """The network that turns latents into samples, or pictures into others."""

    architecture: NetworkName = "mlp"
    """Kind: mlp for points, conv for images, conv1d for DNA; r3gan, sngan, stylegan2 at scale.

    resnet and unet translate pictures of `translation.source`.
    """
    latent_dim: int = setting(64, read_by={"architecture": FROM_NOISE})
    """Dimension of the latent vector z (from noise)."""
    latent: Literal["normal", "uniform"] = setting("normal", read_by={"architecture": FROM_NOISE})
    """Distribution of z's coordinates: both have mean 0 and variance 1 (from noise)."""
    width: int = 256
    """Units of a hidden layer (mlp), or channels of the finest map."""
    depth: int = setting(3, read_by={"architecture": OF_GENERATORS_DEPTH})
    """Hidden layers (mlp), doublings (conv, conv1d), blocks (r3gan), style layers (stylegan2)."""
    hidden_units: int = setting(0, read_by={"architecture": ("conv",)})
    """Units of a dense layer before the coarsest map; 0 for none (conv)."""
    patch_size: int = setting(1, read_by={"architecture": ("conv",)})
    """Side of the squares of pixels that a place of the finest map paints by itself (conv)."""
    max_width: int = setting(512, read_by={"architecture": AT_SCALE})
    """Most channels: each halving of the resolution doubles them up to here (at scale)."""
    expansion: int = setting(2, read_by={"architecture": ("r3gan",)})
    """How much wider the middle of a block is (r3gan)."""
    group_size: int = setting(16, read_by={"architecture": ("r3gan", "sngan")})
    """Channels that are convolved (r3gan) or normalised (sngan) together."""
    attention: int = setting(0, read_by={"architecture": ("sngan",)})
    """Side of the maps that have self-attention; 0 for none (sngan)."""
    fourier_features: int = setting(0, read_by={"architecture": ("mlp",)})
    """Fixed random sines and cosines of z beside it, as inputs (mlp)."""
    max_frequency: float = 1.0
    """Highest angular frequency of the sines, in radians per unit of z; they start at 1."""
    residual: bool = setting(False, read_by={"architecture": ("mlp",)})
    """Add z to the output, for points: latent_dim must be their dimension (mlp)."""
    letters: Literal["softmax", "gumbel"] = setting("softmax", read_by=OF_SEQUENCES)
    """At each place the letters' shares, or one letter, drawn: straight-through Gumbel (conv1d)."""
    shot_noise: float = setting(0.0, read_by={"architecture": ("mlp", "conv")})
    """Levels of grey of an electron: what a network makes is expected, and drawn (mlp, conv)."""
    cells: Vectors | None = setting(None, read_by={"architecture": ("mlp",)})
    """An image is alike around all sites of a lattice, as 7 4 0 8, but one, drawn evenly (mlp)."""

    def __post_init__(self) -> None:
        check_types(self, "generator.")
        positive(self, "generator.", "latent_dim", at_most=SIZE_AT_MOST)
        not_negative(self, "generator.", "shot_noise", at_most=SHOT_NOISE_AT_MOST)
        many = self.shot_noise == 0 or self.shot_noise >= SHOT_NOISE_AT_LEAST
        expected = f"0 or at least {SHOT_NOISE_AT_LEAST}: white is 255 / shot_noise electrons"
        require(many, "generator.shot_noise", self.shot_noise, expected)
        _check(self, "generator.")
        if self.cells is not None:
            check_vectors("generator.cells", self.cells)

    @property
    def translates(self) -> bool:
        """Whether it turns pictures into others, in place of noise into samples."""
        return self.architecture in TRANSLATORS


@dataclass(frozen=True)
class Discriminator:
    """The network that scores samples: higher is more like the real ones."""

    architecture: NetworkName = "mlp"
    """Kind: mlp for points, conv for images, conv1d for DNA; r3gan, sngan, stylegan2 at scale.

    resnet and unet are the first half of a generator that translates, to be pretrained for it.
    """
    width: int = 256
    """Units of a hidden layer (mlp), or channels of the finest map."""
    depth: int = setting(3, read_by={"architecture": ("mlp", "conv", "conv1d", "r3gan")})
    """Hidden layers (mlp), halvings (conv, conv1d: 0 leaves the first layer), or blocks (r3gan)."""
    hidden_units: int = setting(0, read_by={"architecture": ("conv",)})
    """Units of a dense layer after the coarsest map; 0 for none (conv)."""
    patch_size: int = setting(1, read_by={"architecture": ("conv",)})
    """Side of the squares of pixels that a place of the finest map reads at once (conv)."""
    max_width: int = setting(512, read_by={"architecture": AT_SCALE})
    """Most channels: each halving of the resolution doubles them up to here (at scale)."""
    expansion: int = setting(2, read_by={"architecture": ("r3gan",)})
    """How much wider the middle of a block is (r3gan)."""
    group_size: int = setting(16, read_by={"architecture": ("r3gan",)})
    """Channels that are convolved together (r3gan)."""
    attention: int = setting(0, read_by={"architecture": ("sngan",)})
    """Side of the maps that have self-attention; 0 for none (sngan)."""
    fourier_features: int = setting(0, read_by={"architecture": ("mlp",)})
    """Fixed random sines and cosines of a sample beside it, as inputs (mlp)."""
    max_frequency: float = 1.0
    """Highest angular frequency of the sines, in radians per unit of the data's spread."""
    spectral_norm: bool = setting(False, read_by={"architecture": WITH_SPECTRAL_NORM})
    """Divide weights by their largest singular value (Miyato 2018; mlp, conv, conv1d, sngan)."""
    cells: Vectors | None = setting(None, read_by={"architecture": ("mlp",)})
    """Read an image around each site of the lattice of two vectors, as 7 4 0 8, and pool (mlp)."""
    both_strands: bool = setting(False, read_by=OF_SEQUENCES)
    """Read DNA on both strands and average: the verdict on either is the same (conv1d)."""
    kmer: int = setting(9, read_by=OF_SEQUENCES)
    """Letters that a filter of the first layer reads, as the k of k-mers (conv1d)."""
    pairs: int = setting(0, read_by=OF_SEQUENCES)
    """Lags up to which shares of pairs of letters are features too; 0 for none (conv1d)."""

    def __post_init__(self) -> None:
        check_types(self, "discriminator.")
        positive(self, "discriminator.", "kmer", at_most=KMER_AT_MOST)
        not_negative(self, "discriminator.", "pairs", at_most=PAIRS_AT_MOST)
        expected = "0 with discriminator.both_strands, which pairs would tell apart"
        alone = not (self.pairs and self.both_strands)
        require(alone, "discriminator.pairs", self.pairs, expected)
        _check(self, "discriminator.")
        if self.cells is not None:
            check_vectors("discriminator.cells", self.cells)


def _check(config: Generator | Discriminator, prefix: str) -> None:
    sizes = ("width", "max_width", "expansion", "group_size", "patch_size")
    positive(config, prefix, *sizes, at_most=SIZE_AT_MOST)
    counts_kmers = isinstance(config, Discriminator) and config.architecture == "conv1d"
    (not_negative if counts_kmers else positive)(config, prefix, "depth", at_most=DEPTH_AT_MOST)
    not_negative(
        config, prefix, "fourier_features", "attention", "hidden_units", at_most=SIZE_AT_MOST
    )
    name, value = prefix + "max_frequency", config.max_frequency
    require(1 <= value < float("inf"), name, value, "1 or more")
    require(value <= FLOAT_AT_MOST, name, value, f"at most {FLOAT_AT_MOST:.3g}, as float32 is")
    check_read(config, prefix)
    if is_read(config, "max_width"):
        _check_pyramid(config, prefix)


def _check_pyramid(config: Generator | Discriminator, prefix: str) -> None:
    """Refuse widths that are not whole groups of channels, from the finest to the coarsest maps."""
    name, value = prefix + "max_width", config.max_width
    require(value >= config.width, name, value, f"at least {prefix}width = {config.width}")
    if not is_read(config, "group_size"):
        return
    times = config.expansion if is_read(config, "expansion") else 1
    widest = " times expansion" if times > 1 else ""
    for width in ("width", "max_width"):
        channels = times * getattr(config, width)
        expected = f"a divisor of {prefix}{width}{widest} = {channels}"
        name, value = prefix + "group_size", config.group_size
        require(channels % value == 0, name, value, expected)


def check_window(augment: Augment, discriminator: Discriminator) -> None:
    """Raise a `ConfigError` for views of another length than the samples' and a fixed network."""
    expected = f"'conv1d' with augment.window = {augment.window}, which reads any length"
    fits = augment.window is None or discriminator.architecture == "conv1d"
    require(fits, "discriminator.architecture", discriminator.architecture, expected)


def check_precision(precision: str, generator: Generator, discriminator: Discriminator) -> None:
    """Raise a `ConfigError` for Fourier features in bfloat16, too short for their phases."""
    if precision == "float32":
        return
    features = {
        "generator": generator.fourier_features,
        "discriminator": discriminator.fourier_features,
    }
    for player, value in features.items():
        name = f"{player}.fourier_features"
        expected = "0 with precision = 'bfloat16': its 3 digits are too few for phases"
        require(value == 0, name, value, expected)
