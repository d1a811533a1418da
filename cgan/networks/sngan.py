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
from cgan.networks.modules import TRUNK, Maps
from cgan.networks.resample import BASE, NEAREST, doubled, halved, widths
from cgan.types import Factors, Labels, Samples


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
        norms = [ClassNorm(self.classes, self.group_size, name=f"norm_{at}") for at in (0, 1)]
        y = nn.relu(norms[0](x, labels))
        y = layers.Conv3x3(self.features, name="conv_0")(doubled(y, NEAREST))
        y = nn.relu(norms[1](y, labels))
        y = layers.Conv3x3(self.features, name="conv_1")(y)
        return y + doubled(layers.Dense(self.features, name="skip")(x), NEAREST)


class SNGANGeneratorTrunk(nn.Module):
    """Latents `[n, latent_dim]` to maps of each resolution.

    Classes choose the gains and biases of the norms.
    """

    sample_shape: tuple[int, ...]
    width: int
    max_width: int
    group_size: int
    attention: int
    classes: int = 0

    @nn.compact
    def __call__(self, latents: Float[Array, "n latent_dim"], labels: Labels | None) -> Maps:
        of_sides = widths(self.sample_shape[0], self.width, self.max_width)
        coarsest = (BASE, BASE, of_sides[BASE])
        x = layers.Dense(math.prod(coarsest), name="start")(latents).reshape(-1, *coarsest)
        maps: Maps = {}
        for number, (at, features) in enumerate(sorted(of_sides.items())):
            if at > BASE:
                block = UpBlock(features, self.classes, self.group_size, name=f"level_{number}")
                x = block(x, labels)
            if at == self.attention:
                x = SelfAttention(name="attention")(x)
            maps[f"level_{number}"] = x
        return maps | {TRUNK: x}


class SNGANGeneratorHead(nn.Module):
    """Maps to images `[n, side, side, channels]` in [-1, 1]: norm, ReLU and a 3x3 convolution."""

    sample_shape: tuple[int, ...]
    group_size: int
    classes: int = 0

    @nn.compact
    def __call__(
        self, _latents: Float[Array, "n latent_dim"], maps: Maps, labels: Labels | None
    ) -> Samples:
        x = nn.relu(ClassNorm(self.classes, self.group_size, name="norm")(maps[TRUNK], labels))
        return jnp.tanh(layers.Conv3x3(self.sample_shape[-1], name="out")(x))


class DownBlock(nn.Module):
    """ReLU, 3x3, ReLU, 3x3, beside a 1x1; without the first ReLU on an image."""

    features: int
    spectral_norm: bool
    on_image: bool

    @nn.compact
    def __call__(
        self, x: Images, update_stats: bool, factors: Factors | None
    ) -> Float[Array, "n height width features"]:
        def layer(module: nn.Module, x: Images) -> Float[Array, "..."]:
            return layers.normalized(module, self.spectral_norm, update_stats)(x, factors)

        start = x if self.on_image else nn.relu(x)
        y = nn.relu(layer(layers.Conv3x3(self.features, name="conv_0"), start))
        y = layer(layers.Conv3x3(self.features, name="conv_1"), y)
        return y + layer(layers.Dense(self.features, name="skip"), x)


class SNGANDiscriminatorTrunk(nn.Module):
    """Images `[n, side, side, channels]` to sums over the 4x4 pixels.

    A mean of four pixels stands after a block's sum: it can't be told from one on either side of
    the 1x1.
    """

    width: int
    max_width: int
    attention: int
    spectral_norm: bool = False

    @nn.compact
    def __call__(
        self, samples: Samples, update_stats: bool = False, factors: Factors | None = None
    ) -> Maps:
        x = times(samples, factors)
        maps: Maps = {}
        of_sides = widths(samples.shape[1], self.width, self.max_width)
        for number, (at, features) in enumerate(of_sides.items()):
            if number:
                x = halved(x, NEAREST)
            if number and at == self.attention:
                attention = SelfAttention(self.spectral_norm, name="attention")
                x = attention(x, update_stats, factors)
            name = f"level_{number}"
            block = DownBlock(features, self.spectral_norm, on_image=number == 0, name=name)
            maps[name] = x = block(x, update_stats, factors)
        return maps | {TRUNK: jnp.sum(nn.relu(x), axis=(1, 2), dtype="float32")}
