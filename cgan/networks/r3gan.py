"""The pair of R3GAN: residual networks of grouped convolutions, without normalisation.

Huang et al. 2024, "The GAN is dead; long live the GAN! A modern GAN baseline", section 4 and
appendix. A stage for each resolution from 4x4 up is a change of resolution and `depth` residual
blocks `x + W3 a(W2 a(W1 x))`: an inverted bottleneck of a 1x1, a grouped 3x3 and a 1x1 convolution
(Xie et al. 2017; Sandler et al. 2018), where `a` adds a bias for each channel and applies a leaky
ReLU. Weights start so that neither the depth of a block nor the number of blocks changes the
outputs' size (Zhang, Dauphin & Ma 2019, Fixup, section 3).

The published sizes, in millions of parameters, and those here, generator and discriminator:

| data | published | here |
|---|---|---|
| CIFAR-10, by class | 20.8, 21.3 | 20.8, 21.3 |
| FFHQ-64 | 22.4, 22.4 | 22.4, 22.4 |
| FFHQ-256 | 23.1, 23.0 | 23.1, 23.0 |
| ImageNet-32, by class | 82.9, 86.6 | 82.9, 86.6 |
| ImageNet-64, by class | 103.6, 107.2 | 103.6, 107.2 |

What differs from the paper:

- A sample's score by class is `heads`'s, the shared head's and the class's added; the
  paper's is the class's alone.
- Vectors of classes in the generator start as draws of the standard normal distribution.
- All resolutions are computed in the experiment's one precision; the paper mixes two.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import exactness
from cgan.networks.conditioning import beside_class_vectors
from cgan.networks.convolution import Images, convolve
from cgan.networks.factors import add_bias, spread, times
from cgan.networks.heads import HeadSpec, discriminator_output
from cgan.networks.layers import LEAK, Pointwise, leaky_relu
from cgan.networks.resample import BASE, LINEAR, doubled, halved, widths
from cgan.types import DiscriminatorOutput, Factors, Labels, Samples

GAIN = (2 / (1 + LEAK**2)) ** 0.5
"""Factor on weights that makes up for what a leaky ReLU takes (He et al. 2015, eq. 15)."""
LAYERS_OF_A_BLOCK = 3


class Grouped(nn.Module):
    """A 3x3 convolution of groups of channels, each by itself, with as many outputs; no bias."""

    group_size: int
    gain: float

    @nn.compact
    def __call__(self, x: Images) -> Images:
        inputs, features = 9 * self.group_size, x.shape[-1]
        init = nn.initializers.normal(self.gain * inputs**-0.5)
        kernel = self.param("kernel", init, (inputs, features)).astype(x.dtype)
        return convolve(x, kernel, features // self.group_size)


class BiasedActivation(nn.Module):
    """A bias for each channel, then the leaky ReLU."""

    @nn.compact
    def __call__(self, x: Images, factors: Factors | None = None) -> Images:
        bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        return leaky_relu(add_bias(x, bias, factors))


class Block(nn.Module):
    """Residual block `x + W3 a(W2 a(W1 x))`, which starts as the identity since W3 starts at 0.

    The others are scaled by `blocks ** (-1 / (2 m - 2))`, m = 3 the layers of a block.
    """

    expansion: int
    group_size: int
    blocks: int

    @nn.compact
    def __call__(self, x: Images, factors: Factors | None = None) -> Images:
        channels = x.shape[-1]
        gain = GAIN * self.blocks ** (-1 / (2 * LAYERS_OF_A_BLOCK - 2))
        y = BiasedActivation()(Pointwise(self.expansion * channels, gain)(x), factors)
        y = BiasedActivation()(Grouped(self.group_size, gain)(y), factors)
        return x + Pointwise(channels, 0.0)(y)


class R3GANGenerator(nn.Module):
    """R3GAN's generator: latents `[n, latent_dim]` to images `[n, side, side, c]` about in [-1, 1].

    A learnt 4x4 map whose channels are weighted by a linear map of the latents and, where there are
    classes, the vectors of the labels; then the stages, and a 1x1 convolution.
    """

    sample_shape: tuple[int, ...]
    width: int
    max_width: int
    depth: int
    expansion: int
    group_size: int
    classes: int = 0
    class_dimensions: int = 0

    @nn.compact
    def __call__(
        self, latents: Float[Array, "n latent_dim"], labels: Labels | None = None
    ) -> Samples:
        side, _, channels = self.sample_shape
        of_sides = widths(side, self.width, self.max_width)
        blocks = self.depth * len(of_sides)
        z = beside_class_vectors(latents, labels, self.classes, self.class_dimensions)
        shape = (BASE, BASE, of_sides[BASE])
        basis = self.param("basis", nn.initializers.normal(1.0), shape)
        weights = Pointwise(of_sides[BASE])(z)[:, None, None]
        x = jnp.zeros((len(z), *shape), z.dtype)
        x = spread(basis, x) * spread(weights, x)
        for at, features in sorted(of_sides.items()):
            if features != x.shape[-1]:
                x = Pointwise(features)(x)
            if at > BASE:
                x = doubled(x, LINEAR)
            for _ in range(self.depth):
                x = Block(self.expansion, self.group_size, blocks)(x)
        return Pointwise(channels)(x)


class R3GANDiscriminator(nn.Module):
    """R3GAN's discriminator of images `[n, side, side, channels]`: the generator's mirror image.

    The last maps are read by one 4x4 filter for each channel. With classes a linear map follows, as
    the vector of the sample's class has to find its own features.
    """

    width: int
    max_width: int
    depth: int
    expansion: int
    group_size: int
    heads: HeadSpec

    @nn.compact
    def __call__(
        self,
        samples: Samples,
        labels: Labels | None = None,
        update_stats: bool = False,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        of_sides = widths(samples.shape[1], self.width, self.max_width)
        blocks = self.depth * len(of_sides)
        x = Pointwise(self.width)(times(samples, factors))
        for at, features in of_sides.items():
            if at != samples.shape[1]:
                x = halved(x, LINEAR)
            if features != x.shape[-1]:
                x = Pointwise(features)(x)
            for _ in range(self.depth):
                x = Block(self.expansion, self.group_size, blocks)(x, factors)
        init = nn.initializers.normal(1 / BASE)
        filters = self.param("filters", init, (BASE, BASE, x.shape[-1])).astype(x.dtype)
        precision = exactness.of_operand(x)
        read = jnp.einsum("nhwc,hwc->nc", x, filters, precision=precision)
        if self.heads.classes:
            read = Pointwise(read.shape[-1])(read)
        return discriminator_output(read, labels, self.heads, False, update_stats)
