"""The pair of StyleGAN2: modulated convolutions with skips to RGB, and a residual discriminator.

Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", sections 2 to 4 and
appendix B: configuration F without what the list names. Weights are drawn with variance 1 and
scaled where they are used (Karras et al. 2018, section 4.1), so that Adam moves them all alike.

What differs from the paper:

- No noise is added to the maps. It is drawn for each sample and pixel, and a generator here is a
  function of the latents. Karras et al. 2021 (StyleGAN3) leave it out as well.
- No standard deviation over the batch in the discriminator: an output is on its own sample.
  Gradient penalties, micro-batches and devices rely on it.
- Doubling is the smooth filter and then the 3x3 convolution, the paper's a transposed convolution
  and then the filter; halving is the convolution, then the filter, the paper's the other way round.
- No mixing of styles, no penalty on path lengths, no truncation: they belong to training and
  sampling. The mapping network is `depth` layers of `latent_dim` units.
- Labels: as in the other networks here, beside the latents and by projection.
"""

from itertools import pairwise

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import exactness
from cgan.networks.conditioning import beside_class_vectors
from cgan.networks.convolution import Images, convolve
from cgan.networks.factors import add_bias, spread, times
from cgan.networks.layers import leaky_relu
from cgan.networks.modules import SAMPLES, TRUNK, Maps
from cgan.networks.resample import BASE, SMOOTH, doubled, halved, widths
from cgan.types import Factors, Labels, Samples

Styles = Float[Array, "n units"]

GAIN = 2**0.5
"""Factor after a leaky ReLU that keeps the variance."""
MAPPING_LR = 0.01
"""Factor on the mapping network's learning rate."""


def activated(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Apply a leaky ReLU, scaled back to the variance that came in."""
    return leaky_relu(x) * GAIN


class ScaledDense(nn.Module):
    """A dense layer, or 1x1 convolution, whose weights are scaled where they are used.

    `lr` slows its learning down: parameters are larger by it at the start, and scaled by it.
    """

    features: int
    lr: float = 1.0
    bias_at_start: float = 0.0
    use_bias: bool = True

    @nn.compact
    def __call__(
        self, x: Float[Array, "*rows inputs"], factors: Factors | None = None
    ) -> Float[Array, "*rows outputs"]:
        inputs = x.shape[-1]
        init = nn.initializers.normal(1 / self.lr)
        kernel = self.param("kernel", init, (inputs, self.features)) * (self.lr * inputs**-0.5)
        y = jnp.matmul(x, kernel.astype(x.dtype), precision=exactness.of_operand(x))
        if not self.use_bias:
            return y
        start = nn.initializers.constant(self.bias_at_start / self.lr)
        bias = self.param("bias", start, (self.features,)) * self.lr
        return add_bias(y, bias, factors)


class ScaledConv3x3(nn.Module):
    """A 3x3 convolution whose weights are scaled where they are used, a bias, and activation."""

    features: int

    @nn.compact
    def __call__(
        self, x: Images, factors: Factors | None = None
    ) -> Float[Array, "n height width features"]:
        inputs = 9 * x.shape[-1]
        init = nn.initializers.normal(1.0)
        kernel = self.param("kernel", init, (inputs, self.features)) * inputs**-0.5
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return activated(add_bias(convolve(x, kernel.astype(x.dtype)), bias, factors))


class ModulatedConv3x3(nn.Module):
    """A 3x3 convolution whose weights are `s_i w_kij / |s w_j|`, bias and activation.

    The style `s` scales input `i`, and each output `j` is divided by the length of its weights
    (eqs. 1 and 3). Both are scalings of the maps, so all samples share one convolution.
    """

    features: int

    @nn.compact
    def __call__(self, x: Images, styles: Styles) -> Float[Array, "n height width features"]:
        channels = x.shape[-1]
        init = nn.initializers.normal(1.0)
        kernel = self.param("kernel", init, (9 * channels, self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        scale = ScaledDense(channels, bias_at_start=1.0, name="style")(styles)
        squares = jnp.sum(jnp.square(kernel).reshape(9, channels, self.features), axis=0)
        lengths = jnp.square(scale.astype("float32")) @ squares
        shrink = jax.lax.rsqrt(lengths + 1e-8)
        x = convolve(x * spread(scale[:, None, None], x), kernel.astype(x.dtype))
        return activated(add_bias(x * spread(shrink[:, None, None], x), bias, None))


class ToRGB(nn.Module):
    """A modulated 1x1 convolution to the channels of an image; its length stays as it is."""

    colors: int

    @nn.compact
    def __call__(self, x: Images, styles: Styles) -> Float[Array, "n height width colours"]:
        scale = ScaledDense(x.shape[-1], bias_at_start=1.0, name="style")(styles)
        return ScaledDense(self.colors, name="out")(x * spread(scale[:, None, None], x))


STYLES = "styles"
"""The tap of a generator that is its latents behind the mapping network."""


class StyledLevel(nn.Module):
    """Maps of twice the sides by two modulated convolutions, or by one where they stay."""

    features: int
    doubles: bool

    @nn.compact
    def __call__(self, x: Images, styles: Styles) -> Float[Array, "n _ _ features"]:
        if self.doubles:
            x = ModulatedConv3x3(self.features, name="conv_0")(doubled(x, SMOOTH), styles)
        return ModulatedConv3x3(self.features, name="conv_1")(x, styles)


class StyleGAN2GeneratorTrunk(nn.Module):
    """Latents `[n, latent_dim]` to styles, and by them to maps of each resolution.

    Latents of length 1 and, where there are classes, the vectors of the labels go through the
    mapping network to styles. A learnt 4x4 map goes through two convolutions a resolution, one at
    the first; images read off each resolution are doubled and added up.
    """

    sample_shape: tuple[int, ...]
    width: int
    max_width: int
    depth: int
    classes: int = 0
    class_dimensions: int = 0

    @nn.compact
    def __call__(self, latents: Float[Array, "n latent_dim"], labels: Labels | None) -> Maps:
        of_sides = widths(self.sample_shape[0], self.width, self.max_width)
        styles = _of_unit_variance(latents)
        styles = beside_class_vectors(styles, labels, self.classes, self.class_dimensions)
        for number in range(self.depth):
            mapping = ScaledDense(latents.shape[-1], MAPPING_LR, name=f"mapping_{number}")
            styles = activated(mapping(styles))
        start = self.param("start", nn.initializers.normal(1.0), (BASE, BASE, of_sides[BASE]))
        x = spread(start, jnp.zeros((len(styles), *start.shape), styles.dtype))
        maps, channels = {STYLES: styles}, self.sample_shape[-1]
        image: Images | None = None
        for number, features in enumerate(of_sides[at] for at in sorted(of_sides)):
            name = f"level_{number}"
            maps[name] = x = StyledLevel(features, doubles=number > 0, name=name)(x, styles)
            read_off = ToRGB(channels, name=f"rgb_{number}")
            coarser = None if image is None else doubled(image, SMOOTH)
            image = read_off(x, styles)
            image = image if coarser is None else coarser + image
        assert image is not None
        return maps | {TRUNK: x, SAMPLES: image}


class StyleGAN2GeneratorHead(nn.Module):
    """The images as the trunk has them: they are read off each resolution, by layers of its own."""

    def __call__(
        self, _latents: Float[Array, "n latent_dim"], maps: Maps, _labels: Labels | None
    ) -> Samples:
        """The image of each latent."""
        return maps[SAMPLES]


class ResidualHalving(nn.Module):
    """Maps of half the sides: `(halved two 3x3 + 1x1 halved) / sqrt 2`."""

    features: int
    coarser: int

    @nn.compact
    def __call__(
        self, x: Images, factors: Factors | None
    ) -> Float[Array, "n height//2 width//2 coarser"]:
        y = ScaledConv3x3(self.features, name="conv_0")(x, factors)
        y = halved(ScaledConv3x3(self.coarser, name="conv_1")(y, factors), SMOOTH)
        skip = ScaledDense(self.coarser, use_bias=False, name="skip")
        return (skip(halved(x, SMOOTH)) + y) * 0.5**0.5


class StyleGAN2DiscriminatorTrunk(nn.Module):
    """Images `[n, side, side, channels]` to features.

    A residual block for each halving; then a 3x3 convolution and a dense layer over all the 4x4
    pixels.
    """

    width: int
    max_width: int

    @nn.compact
    def __call__(
        self, samples: Samples, _update_stats: bool = False, factors: Factors | None = None
    ) -> Maps:
        of_sides = list(widths(samples.shape[1], self.width, self.max_width).values())
        stem = ScaledDense(self.width, name="stem")
        x = activated(stem(times(samples, factors), factors))
        maps = {"level_0": x}
        for number, (features, coarser) in enumerate(pairwise(of_sides), start=1):
            name = f"level_{number}"
            maps[name] = x = ResidualHalving(features, coarser, name=name)(x, factors)
        x = ScaledConv3x3(of_sides[-1], name="conv")(x, factors)
        dense = ScaledDense(of_sides[-1], name="dense")
        return maps | {TRUNK: activated(dense(x.reshape(len(x), -1), factors))}


def _of_unit_variance(x: Float[Array, "n units"]) -> Float[Array, "n units"]:
    wide = x.astype("float32")
    mean_square = jnp.mean(jnp.square(wide), axis=-1, keepdims=True)
    return (wide * jax.lax.rsqrt(mean_square + 1e-8)).astype(x.dtype)
