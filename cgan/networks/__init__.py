"""The generator and the discriminator as pure functions. Flax does not leave this package."""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.config import ConfigError, Discriminator, Experiment, Generator
from cgan.networks.conv import ConvDiscriminator, ConvGenerator
from cgan.networks.layers import Heads
from cgan.networks.mlp import MLPDiscriminator, MLPGenerator
from cgan.types import Params, RandomKey, RowKeys, Samples, Verdict

Latents = Float[Array, "n latent_dim"]


class Networks(NamedTuple):
    """A pair of networks: pure functions of parameters and arrays.

    `stats` is what a discriminator carries beside its parameters: the power iteration of its
    spectral norms, or nothing.
    """

    init_generator: Callable[[RandomKey], Params]
    init_discriminator: Callable[[RandomKey], tuple[Params, Params]]
    draw_latents: Callable[[RowKeys], Latents]
    generate: Callable[[Params, Latents], Samples]
    judge: Callable[[Params, Params, Samples], Verdict]
    """`judge(params, stats, samples)`: a discriminator's verdicts, its stats left as they are."""
    update_stats: Callable[[Params, Params], Params]
    """`update_stats(params, stats)`: the stats after one step of power iteration."""


def build(config: Experiment, sample_shape: tuple[int, ...]) -> Networks:
    """The networks that a config describes, for samples of this shape.

    Raises:
        ConfigError: an architecture that does not fit the samples.
    """
    _check_fits("generator", config.generator, sample_shape)
    _check_fits("discriminator", config.discriminator, sample_shape)
    generator = GENERATORS[config.generator.architecture](config.generator, sample_shape)
    heads = Heads(config.objective.weight > 0, _embedding_dimensions(config))
    discriminator = DISCRIMINATORS[config.discriminator.architecture](config.discriminator, heads)
    latent_dim = config.generator.latent_dim

    def init_generator(key: RandomKey) -> Params:
        return generator.init(key, jnp.zeros((1, latent_dim)))["params"]

    def init_discriminator(key: RandomKey) -> tuple[Params, Params]:
        variables = discriminator.init(key, jnp.zeros((1, *sample_shape)))
        return variables["params"], variables.get("batch_stats", {})

    def draw_latents(keys: RowKeys) -> Latents:
        draw = LATENTS[config.generator.latent]
        return jax.vmap(lambda key: draw(key, (latent_dim,)))(keys)

    def generate(params: Params, latents: Latents) -> Samples:
        return jnp.asarray(generator.apply({"params": params}, latents))

    def judge(params: Params, stats: Params, samples: Samples) -> Verdict:
        said = discriminator.apply({"params": params, "batch_stats": stats}, samples)
        assert isinstance(said, Verdict)
        return said

    def update_stats(params: Params, stats: Params) -> Params:
        if not stats:
            return stats
        variables = {"params": params, "batch_stats": stats}
        any_sample = jnp.zeros((1, *sample_shape))
        _, updated = discriminator.apply(variables, any_sample, True, mutable=["batch_stats"])
        return updated["batch_stats"]

    return Networks(init_generator, init_discriminator, draw_latents, generate, judge, update_stats)


def _embedding_dimensions(config: Experiment) -> int:
    return config.embedding.dimensions if config.embedding.weight else 0


def count_parameters(params: Params) -> int:
    """Number of scalars in a tree of parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def _mlp_generator(config: Generator, sample_shape: tuple[int, ...]) -> nn.Module:
    if config.residual and sample_shape != (config.latent_dim,):
        raise ConfigError(
            f"generator.residual = True: needs latents of the samples' shape {sample_shape}; "
            f"generator.latent_dim is {config.latent_dim}"
        )
    return MLPGenerator(
        sample_shape=sample_shape,
        width=config.width,
        depth=config.depth,
        fourier_features=config.fourier_features,
        max_frequency=config.max_frequency,
        residual=config.residual,
    )


def _conv_generator(config: Generator, sample_shape: tuple[int, ...]) -> nn.Module:
    return ConvGenerator(sample_shape=sample_shape, width=config.width, depth=config.depth)


def _mlp_discriminator(config: Discriminator, heads: Heads) -> nn.Module:
    return MLPDiscriminator(
        width=config.width,
        depth=config.depth,
        heads=heads,
        spectral_norm=config.spectral_norm,
        fourier_features=config.fourier_features,
        max_frequency=config.max_frequency,
    )


def _conv_discriminator(config: Discriminator, heads: Heads) -> nn.Module:
    return ConvDiscriminator(
        width=config.width,
        depth=config.depth,
        heads=heads,
        spectral_norm=config.spectral_norm,
    )


GENERATORS = {"mlp": _mlp_generator, "conv": _conv_generator}
DISCRIMINATORS = {"mlp": _mlp_discriminator, "conv": _conv_discriminator}
LATENTS: dict[str, Callable[[RandomKey, tuple[int, ...]], Array]] = {
    "normal": jax.random.normal,
    "uniform": lambda key, shape: jax.random.uniform(key, shape, minval=-(3**0.5), maxval=3**0.5),
}


def _check_fits(
    player: str, config: Generator | Discriminator, sample_shape: tuple[int, ...]
) -> None:
    if config.architecture != "conv":
        return
    if len(sample_shape) != 3:
        raise ConfigError(
            f"{player}.architecture = 'conv': needs images, this data set has samples of shape "
            f"{sample_shape}; must be 'mlp'"
        )
    sides, shrink = sample_shape[:2], 2**config.depth
    if any(side % shrink for side in sides):
        most = max(d for d in range(32) if all(side % 2**d == 0 for side in sides))
        raise ConfigError(
            f"{player}.depth = {config.depth}: images of {sides[0]}x{sides[1]} can't be halved "
            f"that often; must be at most {most}"
        )


__all__ = ["Latents", "Networks", "build", "count_parameters"]
