"""Networks that turn pictures into others, and the vectors of patches by which they are compared.

The residual one is CycleGAN's (Zhu et al. 2017, "Unpaired image-to-image translation using
cycle-consistent adversarial networks", appendix 7.2) and CUT's (Park et al. 2020, "Contrastive
learning for unpaired image-to-image translation", section 3): halvings, residual blocks, doublings.
The other one is a U-Net (Ronneberger et al. 2015; Isola et al. 2017, pix2pix). Each picture's
channels are normalised over its own pixels. The depth follows from the sides of the pictures:

| side | 8 | 16 | 32 | 64 | 128 | 256 |
|---|---|---|---|---|---|---|
| halvings (resnet) | 1 | 1 | 2 | 2 | 2 | 2 |
| residual blocks | 3 | 3 | 3 | 3 | 6 | 9 |
| halvings (unet) | 1 | 2 | 3 | 4 | 5 | 6 |

A side that can't be halved so often is halved as often as it can be. Resampling is that of
`layers.py`, in place of strided and transposed convolutions. The first half of each, by whose maps
patches are compared, is also the trunk of a discriminator: a pretext can train it.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.config import NetworkName
from cgan.networks import layers
from cgan.networks.convolution import Images
from cgan.networks.modules import SAMPLES, TRUNK, Generator, Maps
from cgan.types import Labels, RandomKey, RowKeys, Samples

LARGE, SMALLEST = 32, 4
"""Sides from which on pictures are halved twice, and to which a U-Net halves them."""
BLOCKS = 3
"""Residual blocks of a picture of up to 64 pixels; as many more for each doubling beyond."""
MOST_TIMES = 8
"""How much wider than the finest maps of a U-Net the coarsest are at most."""
ENCODED = "level_"
"""What names of taps begin with whose maps are made before anything is doubled."""


def halvings(shape: tuple[int, ...], wanted: int) -> int:
    """How often pictures `[height, width, channels]` are halved, at most as often as wanted."""
    height, width, _ = shape
    often = [at for at in range(wanted + 1) if height % 2**at == 0 and width % 2**at == 0]
    return often[-1]


def encoder_halvings(architecture: NetworkName, shape: tuple[int, ...]) -> int:
    """How often the first half of this architecture halves pictures of this shape."""
    side = min(shape[:2])
    if architecture == "resnet":
        return halvings(shape, 2 if side >= LARGE else 1)
    return halvings(shape, max(0, (side // SMALLEST).bit_length() - 1))


def blocks_of(shape: tuple[int, ...]) -> int:
    """The number of residual blocks for pictures of this shape."""
    return BLOCKS * max(1, min(shape[:2]).bit_length() - 6)


def encoder_blocks(shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Numbers of the residual blocks up to each of two taps: the first, and half of all.

    As CUT, whose taps are blocks 1 and 5 of 9.
    """
    return (0,), tuple(range(1, blocks_of(shape) // 2 + 1))


class Normed(nn.Module):
    """Each channel over a picture's own pixels, to mean 0 and variance 1; a gain and a bias.

    Ulyanov et al. 2016, "Instance normalization". In float32.
    """

    @nn.compact
    def __call__(self, x: Images) -> Images:
        norm = nn.GroupNorm(num_groups=None, group_size=1, name="norm")
        return norm(x.astype("float32")).astype(x.dtype)


class Convolved(nn.Module):
    """A 3x3 convolution, the norm, a leaky ReLU."""

    features: int

    @nn.compact
    def __call__(self, x: Images) -> Float[Array, "n height width features"]:
        x = layers.Conv3x3(self.features, name="conv")(x)
        return layers.leaky_relu(Normed(name="normed")(x))


class Halved(nn.Module):
    """Maps of half the sides: a 2x2 convolution with stride 2, then `Convolved`."""

    features: int

    @nn.compact
    def __call__(self, x: Images) -> Float[Array, "n height//2 width//2 features"]:
        x = layers.Dense(self.features, name="down")(layers.space_to_depth(x))
        return Convolved(self.features, name="convolved")(layers.leaky_relu(x))


class Doubled(nn.Module):
    """Maps of twice the sides, a pixel shuffle; beside those of these sides, then `Convolved`."""

    features: int

    @nn.compact
    def __call__(
        self, x: Images, beside: Float[Array, "n 2*height 2*width others"] | None = None
    ) -> Float[Array, "n 2*height 2*width features"]:
        x = layers.depth_to_space(layers.Dense(4 * self.features, name="up")(x))
        x = layers.leaky_relu(x)
        if beside is not None:
            x = jnp.concatenate([x, beside], axis=-1)
        return Convolved(self.features, name="convolved")(x)


class Residual(nn.Module):
    """Residual block: 3x3, norm, leaky ReLU, 3x3, norm, beside the maps themselves."""

    @nn.compact
    def __call__(self, x: Images) -> Images:
        y = Convolved(x.shape[-1], name="convolved")(x)
        y = layers.Conv3x3(x.shape[-1], name="conv")(y)
        return x + Normed(name="normed")(y)


class ResNetTrunk(nn.Module):
    """Pictures to maps of the same sides, by blocks on coarse maps; `width` is the finest's."""

    sample_shape: tuple[int, ...]
    width: int

    @nn.compact
    def __call__(self, pictures: Samples, _labels: Labels | None) -> Maps:
        shape = self.sample_shape
        maps = residual_maps(pictures, shape, self.width)
        x = list(maps.values())[-1]
        for number in range(blocks_of(shape) // 2 + 1, blocks_of(shape)):
            x = Residual(name=f"block_{number}")(x)
        for level in reversed(range(encoder_halvings("resnet", shape))):
            x = Doubled(self.width * 2**level, name=f"up_{level}")(x)
        return maps | {TRUNK: x}


class UNetTrunk(nn.Module):
    """Pictures to maps of the same sides: coarser and back, beside those of the way there."""

    sample_shape: tuple[int, ...]
    width: int

    @nn.compact
    def __call__(self, pictures: Samples, _labels: Labels | None) -> Maps:
        maps = halved_maps(pictures, self.sample_shape, self.width)
        x = list(maps.values())[-1]
        for level in reversed(range(len(maps) - 1)):
            features = self.width * min(2**level, MOST_TIMES)
            x = Doubled(features, name=f"up_{level}")(x, maps[f"level_{level}"])
        return maps | {TRUNK: x}


class ResNetEncoder(nn.Module):
    """Pictures to features by the first half of a `ResNetTrunk`, whose parameters' names it has."""

    width: int

    @nn.compact
    def __call__(self, pictures: Samples, update_stats: bool = False) -> Maps:
        return with_features(residual_maps(pictures, pictures.shape[1:], self.width))


class UNetEncoder(nn.Module):
    """Pictures to features by the first half of a `UNetTrunk`, whose parameters' names it has."""

    width: int

    @nn.compact
    def __call__(self, pictures: Samples, update_stats: bool = False) -> Maps:
        return with_features(halved_maps(pictures, pictures.shape[1:], self.width))


def residual_maps(pictures: Samples, shape: tuple[int, ...], width: int) -> Maps:
    """Maps by which CUT compares patches: those of each resolution, and of two residual blocks.

    Called by a compact module, whose layers these are.
    """
    x = Convolved(width, name="level_0")(pictures)
    maps: Maps = {"level_0": x}
    for level in range(1, encoder_halvings("resnet", shape) + 1):
        maps[f"level_{level}"] = x = Halved(width * 2**level, name=f"level_{level}")(x)
    for blocks in encoder_blocks(shape):
        for number in blocks:
            x = Residual(name=f"block_{number}")(x)
        maps[f"level_{len(maps)}"] = x
    return maps


def halved_maps(pictures: Samples, shape: tuple[int, ...], width: int) -> Maps:
    """Maps of each resolution of a U-Net's way down; called by a compact module, as the others."""
    depth = encoder_halvings("unet", shape)
    x = Convolved(width, name="level_0")(pictures)
    maps: Maps = {"level_0": x}
    for level in range(1, depth + 1):
        features = width * min(2**level, MOST_TIMES)
        maps[f"level_{level}"] = x = Halved(features, name=f"level_{level}")(x)
    return maps


def with_features(maps: Maps) -> Maps:
    """The maps, and as features the means of the last over stretches of it.

    4x4 stretches where its sides are 4, 8, 16, ...; else as few as halving leaves, such as 7x7.
    """
    x = list(maps.values())[-1]
    n, height, width, channels = x.shape
    side = 2 ** encoder_halvings("unet", x.shape[1:])
    tiled = x.reshape(n, height // side, side, width // side, side, channels)
    return maps | {TRUNK: tiled.mean(axis=(2, 4)).reshape(n, -1)}


class TranslatorHead(nn.Module):
    """Maps to pictures `[n, height, width, channels]` in [-1, 1], by a 3x3 convolution."""

    sample_shape: tuple[int, ...]

    @nn.compact
    def __call__(self, _pictures: Samples, maps: Maps, _labels: Labels | None) -> Samples:
        return jnp.tanh(layers.Conv3x3(self.sample_shape[-1], name="out")(maps[TRUNK]))


class Projection(nn.Module):
    """Unit vectors of patches: two layers for each map, with a ReLU between them."""

    dimensions: int

    @nn.compact
    def __call__(self, maps: Maps) -> Maps:
        found: Maps = {}
        for name, x in maps.items():
            x = nn.relu(layers.Dense(self.dimensions, name=f"{name}_hidden")(x))
            x = layers.Dense(self.dimensions, name=f"{name}_out")(x)
            flat = x.astype("float32").reshape(-1, self.dimensions)
            found[name] = layers.on_sphere(flat).reshape(x.shape)
        return found


class Translator(Generator):
    """Pictures to others by a trunk and a head; patches to vectors by the trunk's first half."""

    projection: nn.Module

    def __call__(self, latents: Samples, labels: Labels | None = None) -> Samples:
        """The translation of each picture."""
        if self.is_initializing():
            self.projection(self.encoded(latents))
        return self.maps(latents, labels)[SAMPLES]

    def encoded(self, pictures: Samples) -> Maps:
        """The pictures themselves and the maps of the trunk's first half, by their names."""
        maps = self.trunk(pictures, None)
        first = {name: x for name, x in maps.items() if name.startswith(ENCODED)}
        return {"pictures": pictures} | first

    def vectors(
        self, pictures: Samples, keys: RowKeys, count: int
    ) -> tuple[Float[Array, "n _ dimensions"], ...]:
        """Unit vectors of some patches of each picture, for each map.

        Args:
            pictures: to be encoded.
            keys: of each picture's places: the same key draws the same places in every picture.
            count: number of places, all where there are fewer.
        """
        chosen = {
            name: at_places(x, jax.vmap(jax.random.fold_in, (0, None))(keys, number), count)
            for number, (name, x) in enumerate(self.encoded(pictures).items())
        }
        return tuple(self.projection(chosen).values())


def at_places(
    maps: Float[Array, "n height width channels"], keys: RowKeys, count: int
) -> Float[Array, "n _ channels"]:
    """So many places of each map, drawn by its key without replacement; all where fewer."""
    flat = maps.reshape(len(maps), -1, maps.shape[-1])
    places = flat.shape[1]
    if places <= count:
        return flat

    def of_one(key: RandomKey, x: Float[Array, "places channels"]) -> Float[Array, "_ channels"]:
        return x[jax.random.choice(key, places, (count,), replace=False)]

    return jax.vmap(of_one)(keys, flat)
