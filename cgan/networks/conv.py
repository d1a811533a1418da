"""A small convolutional pair for images, without normalisation layers in the generator."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import layers
from cgan.networks.chance import counted
from cgan.networks.conditioning import beside_class_vectors
from cgan.networks.convolution import Images
from cgan.networks.factors import times
from cgan.networks.modules import TRUNK, Maps
from cgan.types import Factors, Labels, Samples


class Doubling(nn.Module):
    """Maps of twice the sides, by a dense layer and a pixel shuffle, and a 3x3 convolution."""

    features: int

    @nn.compact
    def __call__(self, x: Images) -> Float[Array, "n 2*height 2*width outputs"]:
        up = layers.Dense(4 * self.features, name="up")
        x = layers.leaky_relu(layers.depth_to_space(up(x)))
        return layers.leaky_relu(layers.Conv3x3(self.features, name="conv")(x))


class Halving(nn.Module):
    """A 3x3 convolution, and maps of half the sides and twice the channels: `Doubling` mirrored."""

    features: int
    spectral_norm: bool

    @nn.compact
    def __call__(
        self, x: Images, update_stats: bool, factors: Factors | None
    ) -> Float[Array, "n height//2 width//2 outputs"]:
        def layer(module: nn.Module, x: Images) -> Float[Array, "..."]:
            return layers.normalized(module, self.spectral_norm, update_stats)(x, factors)

        x = layers.leaky_relu(layer(layers.Conv3x3(self.features, name="conv"), x))
        halved = layers.space_to_depth(x)
        return layers.leaky_relu(layer(layers.Dense(2 * self.features, name="down"), halved))


class ConvGeneratorTrunk(nn.Module):
    """Latents `[n, latent_dim]` to maps `[n, height/patch_size, width/patch_size, width]`.

    A dense layer paints the coarsest map, from latents and, where there are classes, the vectors
    of the labels, or from hidden units that see these; each level doubles its sides, halves its
    channels and applies one 3x3 convolution. `width` counts the channels of the finest map.
    """

    sample_shape: tuple[int, ...]
    width: int
    depth: int
    hidden_units: int = 0
    patch_size: int = 1
    classes: int = 0
    class_dimensions: int = 0

    @nn.compact
    def __call__(self, latents: Float[Array, "n latent_dim"], labels: Labels | None) -> Maps:
        height, width, _ = self.sample_shape
        doubled = 2**self.depth
        shrink = self.patch_size * doubled
        coarsest = (height // shrink, width // shrink, self.width * doubled)
        x = beside_class_vectors(latents, labels, self.classes, self.class_dimensions)
        if self.hidden_units:
            x = layers.leaky_relu(layers.Dense(self.hidden_units, name="hidden")(x))
        start = layers.Dense(coarsest[0] * coarsest[1] * coarsest[2], name="start")
        x = layers.leaky_relu(start(x)).reshape(-1, *coarsest)
        maps = {"level_0": x}
        for level in range(1, self.depth + 1):
            features = self.width * 2 ** (self.depth - level)
            maps[f"level_{level}"] = x = Doubling(features, name=f"level_{level}")(x)
        return maps | {TRUNK: x}


class ConvGeneratorHead(nn.Module):
    """Maps to images `[n, height, width, channels]` in [-1, 1], by a 3x3 convolution.

    Each place of the maps paints a square of pixels, whose channels the convolution makes.
    With shot noise they are of the electrons expected, and what is recorded is drawn.
    """

    sample_shape: tuple[int, ...]
    patch_size: int = 1
    shot_noise: float = 0.0

    @nn.compact
    def __call__(
        self, latents: Float[Array, "n latent_dim"], maps: Maps, _labels: Labels | None
    ) -> Samples:
        out = layers.Conv3x3(self.patch_size**2 * self.sample_shape[-1], name="out")
        x = layers.depth_to_space(out(maps[TRUNK]), self.patch_size)
        if not self.shot_noise:
            return jnp.tanh(x)
        return counted(jnp.tanh(x.astype("float32")), latents, self.shot_noise)


class ConvDiscriminatorTrunk(nn.Module):
    """Images `[n, height, width, channels]` to features: the generator's mirror image.

    Each place of the finest map reads a square of pixels. Where the coarsest map is large, as 7x7,
    no convolution sees a whole image: hidden units do.
    """

    width: int
    depth: int
    hidden_units: int = 0
    patch_size: int = 1
    spectral_norm: bool = False

    @nn.compact
    def __call__(
        self, samples: Samples, update_stats: bool = False, factors: Factors | None = None
    ) -> Maps:
        stem = layers.normalized(
            layers.Conv3x3(self.width, name="stem"), self.spectral_norm, update_stats
        )
        patches = layers.space_to_depth(samples, self.patch_size)
        x = layers.leaky_relu(stem(times(patches, factors), factors))
        maps = {"level_0": x}
        for level in range(1, self.depth + 1):
            features = self.width * 2 ** (level - 1)
            halving = Halving(features, self.spectral_norm, name=f"level_{level}")
            maps[f"level_{level}"] = x = halving(x, update_stats, factors)
        x = x.reshape(len(x), -1)
        if self.hidden_units:
            hidden = layers.normalized(
                layers.Dense(self.hidden_units, name="hidden"), self.spectral_norm, update_stats
            )
            maps["hidden"] = x = layers.leaky_relu(hidden(x, factors))
        return maps | {TRUNK: x}
