"""The residual pair of SNGAN, with the self-attention of SAGAN where asked for.

Miyato et al. 2018, "Spectral normalization for generative adversarial networks", appendix B.4, and
Zhang et al. 2019, "Self-attention generative adversarial networks", section 3. The generator has a
block that doubles the sides for each resolution above 4x4, the discriminator one that halves them
for each, and a last one at 4x4. Spectral norm is `discriminator.spectral_norm`, as everywhere.

What differs from the papers:

- The generator normalises groups of channels of each sample (Wu & He 2018), with a gain and a bias
  for each class, where the papers normalise the batch. `docs/decisions/0009` has the reason.
- The generator has no spectral norm; SAGAN has it there too.
- Images of 32x32 are halved down to 4x4; the paper's discriminator stops at 8x8 and has a second
  block there. The way past a block is a 1x1 convolution always, the paper's last block has none.
- Weights start as He et al. 2015 have them, those of the other networks here.
"""

import math

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import layers
from cgan.networks.attention import SelfAttention
from cgan.networks.conditioning import one_hot
from cgan.networks.convolution import Images
from cgan.networks.factors import times
from cgan.networks.heads import HeadSpec, discriminator_output
from cgan.networks.resample import BASE, NEAREST, doubled, halved, widths
from cgan.types import DiscriminatorOutput, Factors, Labels, Samples

Maps = Float[Array, "n _ _ _"]
"""Maps of any sides and channels."""


class ClassNorm(nn.Module):
    """Group norm of each sample by itself, followed by a gain and bias by class.

    Statistics are of one sample's group over all its pixels, in float32.
    """

    classes: int
    group_size: int

    @nn.compact
    def __call__(self, x: Images, labels: Labels | None) -> Images:
        normed = nn.GroupNorm(
            num_groups=None, group_size=self.group_size, use_bias=False, use_scale=False
        )(x.astype("float32"))
        shape = (max(1, self.classes), x.shape[-1])
        gain = self.param("gain", nn.initializers.ones, shape)
        bias = self.param("bias", nn.initializers.zeros, shape)
        if self.classes:
            chosen = one_hot(labels, self.classes)
            gain, bias = chosen @ gain, chosen @ bias
        return (normed * gain[:, None, None] + bias[:, None, None]).astype(x.dtype)


class UpBlock(nn.Module):
    """SNGAN's doubling block: norm, ReLU, doubling, 3x3, norm, ReLU, 3x3; beside it a 1x1."""

    features: int
    classes: int
    group_size: int

    @nn.compact
    def __call__(
        self, x: Images, labels: Labels | None
    ) -> Float[Array, "n 2*height 2*width features"]:
        y = nn.relu(ClassNorm(self.classes, self.group_size)(x, labels))
        y = layers.Conv3x3(self.features)(doubled(y, NEAREST))
        y = nn.relu(ClassNorm(self.classes, self.group_size)(y, labels))
        y = layers.Conv3x3(self.features)(y)
        return y + doubled(layers.Dense(self.features)(x), NEAREST)


class SNGANGenerator(nn.Module):
    """SNGAN's generator: latents `[n, latent_dim]` to images `[n, side, side, c]` in [-1, 1].

    Classes choose the gains and biases of the norms.
    """

    sample_shape: tuple[int, ...]
    width: int
    max_width: int
    group_size: int
    attention: int
    classes: int = 0

    @nn.compact
    def __call__(
        self, latents: Float[Array, "n latent_dim"], labels: Labels | None = None
    ) -> Samples:
        side, _, channels = self.sample_shape
        of_sides = widths(side, self.width, self.max_width)
        coarsest = (BASE, BASE, of_sides[BASE])
        x = layers.Dense(math.prod(coarsest))(latents).reshape(-1, *coarsest)
        for at, features in sorted(of_sides.items()):
            if at > BASE:
                x = UpBlock(features, self.classes, self.group_size)(x, labels)
            if at == self.attention:
                x = SelfAttention()(x)
        x = nn.relu(ClassNorm(self.classes, self.group_size)(x, labels))
        return jnp.tanh(layers.Conv3x3(channels)(x))


class SNGANDiscriminator(nn.Module):
    """SNGAN's discriminator of images `[n, side, side, channels]`, by sums over the 4x4 pixels.

    The blocks are ReLU, 3x3, ReLU, 3x3, beside a 1x1; the first has no ReLU before it. A mean of
    four pixels stands after a block's sum: it can't be told from one on either side of the 1x1.
    """

    width: int
    max_width: int
    attention: int
    heads: HeadSpec
    spectral_norm: bool = False

    @nn.compact
    def __call__(
        self,
        samples: Samples,
        labels: Labels | None = None,
        update_stats: bool = False,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        def layer(module: nn.Module, x: Maps) -> Maps:
            return layers.normalised(module, self.spectral_norm, update_stats)(x, factors)

        def block(x: Maps, start: Maps, features: int) -> Maps:
            y = nn.relu(layer(layers.Conv3x3(features), start))
            return layer(layers.Conv3x3(features), y) + layer(layers.Dense(features), x)

        x = times(samples, factors)
        x = block(x, x, self.width)
        coarser = list(widths(samples.shape[1], self.width, self.max_width).items())[1:]
        for at, features in coarser:
            x = halved(x, NEAREST)
            if at == self.attention:
                x = SelfAttention(self.spectral_norm)(x, update_stats, factors)
            x = block(x, nn.relu(x), features)
        sums = jnp.sum(nn.relu(x), axis=(1, 2), dtype="float32")
        return discriminator_output(sums, labels, self.heads, self.spectral_norm, update_stats)
