"""A small convolutional pair for sequences: one-hot letters in, shares of letters out.

A convolution is a matrix product with windows of the maps: its derivatives of every order are
products too, which are fast on every backend.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import layers
from cgan.networks.chance import noise_of
from cgan.networks.conditioning import beside_class_vectors
from cgan.networks.factors import times
from cgan.networks.modules import TRUNK, Maps
from cgan.types import Factors, Labels, Samples

LETTERS_SEEN, PLACES_SEEN = 9, 5
"""Size of the generator's windows of letters, and of windows of maps."""
BASES = 4
RESIDUES = 21
"""Letters of proteins, of which the last stands for a residue that is not known, or for none."""
LEAST_SHARE = 1e-6
"""What is added to shares of pairs, whose square root has no derivative at 0."""

Places = Float[Array, "n length channels"]
Strands = Float[Array, "_ length channels"]
"""Maps of sequences, and of their other strands behind them."""


def windows(x: Places, size: int) -> Float[Array, "n length _"]:
    """The window around each place, with zeros beyond the ends; an even one begins earlier."""
    length = x.shape[1]
    room = jnp.pad(x, [(0, 0), (size // 2, (size - 1) // 2), (0, 0)])
    return jnp.concatenate([room[:, at : at + length] for at in range(size)], axis=-1)


def halved_length(length: int, times: int) -> int:
    """The length of maps after so many halvings, of which each rounds up."""
    return -(-length // 2**times)


def spaced_pairs(x: Places, lags: int, factors: Factors | None) -> Float[Array, "n _"]:
    """Square roots of how often each two letters stand so many places apart, 1 to `lags`.

    The shares of pairs at one lag are a spectrum of spaced words (Leslie, Eskin & Noble 2002;
    Leimeister et al. 2014), and Euclidean distances of their roots are Hellinger's. The root of
    a sum of products of two weights is multiplied by what the samples are multiplied by.

    Args:
        x: sequences.
        lags: how many.
        factors: what the samples are multiplied by.
    """
    length, known = x.shape[1], x.shape[2] - (x.shape[2] == RESIDUES)
    letters = x[..., :known].astype("float32")
    least = jnp.asarray(LEAST_SHARE) if factors is None else LEAST_SHARE * factors[:, None] ** 2
    found = []
    for lag in range(1, lags + 1):
        sums = jnp.einsum(
            "nla,nlb->nab", letters[:, :-lag], letters[:, lag:], precision=jax.lax.Precision.HIGHEST
        )
        shares = jnp.maximum(sums.reshape(len(x), -1) / length, 0)
        found.append(jnp.sqrt(shares + least))
    return jnp.concatenate(found, axis=-1)


class DoublingOfPlaces(nn.Module):
    """Maps of twice the length, by a dense layer and a shuffle, and a convolution."""

    features: int

    @nn.compact
    def __call__(self, x: Places) -> Float[Array, "n 2*length outputs"]:
        up = layers.leaky_relu(layers.Dense(2 * self.features, name="up")(x))
        x = windows(up.reshape(len(x), 2 * x.shape[1], self.features), PLACES_SEEN)
        return layers.leaky_relu(layers.Dense(self.features, name="conv")(x))


class HalvingOfPlaces(nn.Module):
    """A convolution, and maps of half the length, rounded up, and twice the channels."""

    features: int
    spectral_norm: bool

    @nn.compact
    def __call__(
        self, x: Places, update_stats: bool, factors: Factors | None
    ) -> Float[Array, "n _ outputs"]:
        def layer(name: str, features: int, x: Array) -> Array:
            dense = layers.Dense(features, name=name)
            applied = layers.normalized(dense, self.spectral_norm, update_stats)
            return layers.leaky_relu(applied(x, factors))

        x = layer("conv", self.features, windows(x, PLACES_SEEN))
        x = jnp.pad(x, [(0, 0), (0, x.shape[1] % 2), (0, 0)])
        pairs = x.reshape(len(x), x.shape[1] // 2, 2 * self.features)
        return layer("down", 2 * self.features, pairs)


class Conv1dGeneratorTrunk(nn.Module):
    """Latents `[n, latent_dim]` to maps `[n, length, width]`: see `ConvGeneratorTrunk`.

    Where the length can't be halved `depth` times, maps are a little longer and are cut at the end.
    """

    sample_shape: tuple[int, ...]
    width: int
    depth: int
    classes: int = 0
    class_dimensions: int = 0

    @nn.compact
    def __call__(self, latents: Float[Array, "n latent_dim"], labels: Labels | None) -> Maps:
        length = self.sample_shape[0]
        coarsest = (halved_length(length, self.depth), self.width * 2**self.depth)
        x = beside_class_vectors(latents, labels, self.classes, self.class_dimensions)
        start = layers.Dense(coarsest[0] * coarsest[1], name="start")
        maps = {"level_0": (x := layers.leaky_relu(start(x)).reshape(-1, *coarsest))}
        for level in range(1, self.depth + 1):
            features = self.width * 2 ** (self.depth - level)
            maps[f"level_{level}"] = x = DoublingOfPlaces(features, name=f"level_{level}")(x)
        return maps | {TRUNK: x[:, :length]}


class Conv1dGeneratorHead(nn.Module):
    """Maps to letters `[n, length, letters]`: at each place shares that sum to 1, or one letter.

    One letter is drawn by the shares (Gumbel's trick, Gumbel 1954), and gradients are those of the
    softmax that it is the largest of: straight-through Gumbel-softmax (Jang, Gu & Poole 2017,
    section 2.2; Maddison, Mnih & Teh 2017) at a temperature of 1. The noise is a function of the
    latent alone, so that a latent makes one sample.
    """

    sample_shape: tuple[int, ...]
    letters: str = "softmax"

    @nn.compact
    def __call__(
        self, latents: Float[Array, "n latent_dim"], maps: Maps, _labels: Labels | None
    ) -> Samples:
        dense = layers.Dense(self.sample_shape[-1], name="out")
        logits = dense(windows(maps[TRUNK], LETTERS_SEEN)).astype("float32")
        if self.letters == "softmax":
            return jax.nn.softmax(logits)
        shares = jax.nn.softmax(logits + noise_of(latents, self.sample_shape, jax.random.gumbel))
        one_hot = jax.nn.one_hot(shares.argmax(axis=-1), self.sample_shape[-1])
        return shares + jax.lax.stop_gradient(one_hot - shares)


class Conv1dDiscriminatorTrunk(nn.Module):
    """Sequences `[n, length, letters]` to features: convolutions, a mean over places, a layer.

    The first convolution's filters are of `kmer` letters. Without halvings (`depth` 0) the mean is
    over these windows: soft counts of learnt k-mers.

    With `both_strands` a sequence of A, C, G and T is read on both of its strands, and what they
    yield is averaged, from the maps on: features are the same for either strand. In genomics that
    is a siamese, or conjoined, network (Zhou, Shrikumar & Kundaje 2022, Proceedings of Machine
    Learning Research 165).

    With `pairs` features are also how often each two letters are so many places apart.
    """

    width: int
    depth: int
    spectral_norm: bool = False
    both_strands: bool = False
    kmer: int = 9
    pairs: int = 0

    @nn.compact
    def __call__(
        self, samples: Samples, update_stats: bool = False, factors: Factors | None = None
    ) -> Maps:
        n, read = len(samples), samples
        if self.both_strands:
            read = jnp.concatenate([samples, samples[:, ::-1, ::-1]])
        of_all = None if factors is None else jnp.tile(factors, len(read) // max(n, 1))

        def layer(name: str, features: int, x: Array, factors: Factors | None) -> Array:
            dense = layers.Dense(features, name=name)
            applied = layers.normalized(dense, self.spectral_norm, update_stats)
            return layers.leaky_relu(applied(x, factors))

        x = layer("stem", self.width, windows(times(read, of_all), self.kmer), of_all)
        maps = {"level_0": self._joined(x, n)}
        for level in range(1, self.depth + 1):
            features = self.width * 2 ** (level - 1)
            halving = HalvingOfPlaces(features, self.spectral_norm, name=f"level_{level}")
            x = halving(x, update_stats, of_all)
            maps[f"level_{level}"] = self._joined(x, n)
        pooled = self._joined(x, n).astype("float32").mean(axis=1).astype(x.dtype)
        mixed = layer("mix", pooled.shape[-1], pooled, factors)
        if self.pairs:
            of_pairs = spaced_pairs(times(samples, factors), self.pairs, factors)
            mixed = jnp.concatenate([mixed, of_pairs.astype(mixed.dtype)], axis=-1)
        return maps | {TRUNK: mixed}

    def _joined(self, x: Strands, n: int) -> Strands:
        """The mean of both strands' maps, each place beside its partner."""
        return (x[:n] + x[n:, ::-1]) / 2 if self.both_strands else x
