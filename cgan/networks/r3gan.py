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

- A sample's score by class is `Heads`'s, the shared head's and the class's added; the
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
from cgan.networks.layers import LEAK, Pointwise, leaky_relu
from cgan.networks.modules import TRUNK, Maps
from cgan.networks.resample import BASE, LINEAR, doubled, halved, widths
from cgan.types import Factors, Labels, Samples

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
        y = Pointwise(self.expansion * channels, gain, name="expand")(x)
        y = BiasedActivation(name="expanded")(y, factors)
        y = Grouped(self.group_size, gain, name="grouped")(y)
        y = BiasedActivation(name="convolved")(y, factors)
        return x + Pointwise(channels, 0.0, name="reduce")(y)


class Level(nn.Module):
    """The blocks of one resolution, behind a 1x1 convolution where the channels change."""

    features: int
    depth: int
    expansion: int
    group_size: int
    blocks: int
    """Number of blocks of the whole network."""
    doubles: bool = False
    """Whether the maps' sides are doubled behind that convolution."""

    @nn.compact
    def __call__(self, x: Images, factors: Factors | None = None) -> Float[Array, "n _ _ features"]:
        if self.features != x.shape[-1]:
            x = Pointwise(self.features, name="widths")(x)
        if self.doubles:
            x = doubled(x, LINEAR)
        for number in range(self.depth):
            block = Block(self.expansion, self.group_size, self.blocks, name=f"block_{number}")
            x = block(x, factors)
        return x


class R3GANGeneratorTrunk(nn.Module):
    """Latents `[n, latent_dim]` to maps of each resolution.

    A learnt 4x4 map whose channels are weighted by a linear map of the latents and, where there are
    classes, the vectors of the labels; then the stages.
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
    def __call__(self, latents: Float[Array, "n latent_dim"], labels: Labels | None) -> Maps:
        of_sides = widths(self.sample_shape[0], self.width, self.max_width)
        blocks = self.depth * len(of_sides)
        z = beside_class_vectors(latents, labels, self.classes, self.class_dimensions)
        shape = (BASE, BASE, of_sides[BASE])
        basis = self.param("basis", nn.initializers.normal(1.0), shape)
        weights = Pointwise(of_sides[BASE], name="weights")(z)[:, None, None]
        x = jnp.zeros((len(z), *shape), z.dtype)
        x = spread(basis, x) * spread(weights, x)
        maps: Maps = {}
        for number, (at, features) in enumerate(sorted(of_sides.items())):
            level = Level(
                features,
                self.depth,
                self.expansion,
                self.group_size,
                blocks,
                doubles=at > BASE,
                name=f"level_{number}",
            )
            maps[f"level_{number}"] = x = level(x)
        return maps | {TRUNK: x}


class R3GANGeneratorHead(nn.Module):
    """Maps to images `[n, side, side, channels]`, about in [-1, 1], by a 1x1 convolution."""

    sample_shape: tuple[int, ...]

    @nn.compact
    def __call__(
        self, _latents: Float[Array, "n latent_dim"], maps: Maps, _labels: Labels | None
    ) -> Samples:
        return Pointwise(self.sample_shape[-1], name="out")(maps[TRUNK])


class R3GANDiscriminatorTrunk(nn.Module):
    """Images `[n, side, side, channels]` to features: the generator's mirror image.

    The last maps are read by one 4x4 filter for each channel. With classes a linear map follows, as
    the vector of the sample's class has to find its own features.
    """

    width: int
    max_width: int
    depth: int
    expansion: int
    group_size: int
    classes: int

    @nn.compact
    def __call__(
        self, samples: Samples, _update_stats: bool = False, factors: Factors | None = None
    ) -> Maps:
        of_sides = widths(samples.shape[1], self.width, self.max_width)
        blocks = self.depth * len(of_sides)
        x = Pointwise(self.width, name="stem")(times(samples, factors))
        maps: Maps = {}
        for number, features in enumerate(of_sides.values()):
            if number:
                x = halved(x, LINEAR)
            level = Level(
                features,
                self.depth,
                self.expansion,
                self.group_size,
                blocks,
                name=f"level_{number}",
            )
            maps[f"level_{number}"] = x = level(x, factors)
        init = nn.initializers.normal(1 / BASE)
        filters = self.param("filters", init, (BASE, BASE, x.shape[-1])).astype(x.dtype)
        precision = exactness.of_operand(x)
        read = jnp.einsum("nhwc,hwc->nc", x, filters, precision=precision)
        if self.classes:
            read = Pointwise(read.shape[-1], name="mix")(read)
        return maps | {TRUNK: read}
