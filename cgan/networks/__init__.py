"""The generator and the discriminator as pure functions. Flax does not leave this package."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.config import Conditioning, ConfigError, Discriminator, Experiment, Generator
from cgan.networks.conv import ConvDiscriminator, ConvGenerator
from cgan.networks.heads import Heads
from cgan.networks.mlp import MLPDiscriminator, MLPGenerator
from cgan.types import Labels, Params, RandomKey, RowKeys, Samples, Verdict

Latents = Float[Array, "n latent_dim"]


class Generate(Protocol):
    """A generator; a pair with classes takes their labels, and another one none."""

    def __call__(self, params: Params, latents: Latents, labels: Labels | None = None) -> Samples:
        """One sample for each latent."""


class Judge(Protocol):
    """A discriminator's verdicts, its stats left as they are; labels as for `Generate`."""

    def __call__(
        self, params: Params, stats: Params, samples: Samples, labels: Labels | None = None
    ) -> Verdict:
        """One verdict for each sample."""


class Networks(NamedTuple):
    """A pair of networks: pure functions of parameters and arrays.

    `stats` is what a discriminator carries beside its parameters: the power iteration of its
    spectral norms, or nothing.
    """

    init_generator: Callable[[RandomKey], Params]
    init_discriminator: Callable[[RandomKey], tuple[Params, Params]]
    draw_latents: Callable[[RowKeys], Latents]
    generate: Generate
    judge: Judge
    update_stats: Callable[[Params, Params], Params]
    """`update_stats(params, stats)`: the stats after one step of power iteration."""


def build(config: Experiment, sample_shape: tuple[int, ...], classes: int = 0) -> Networks:
    """The networks that a config describes.

    Args:
        config: the experiment.
        sample_shape: of the samples.
        classes: of their labels; 0 for networks that see none.

    Raises:
        ConfigError: an architecture that does not fit the samples.
    """
    _check_fits("generator", config.generator, sample_shape)
    _check_fits("discriminator", config.discriminator, sample_shape)
    generator = GENERATORS[config.generator.architecture](
        config.generator, sample_shape, classes, config.conditioning
    )
    heads = Heads(config.objective.weight > 0, _embedding_dimensions(config), classes)
    discriminator = DISCRIMINATORS[config.discriminator.architecture](config.discriminator, heads)
    latent_dim = config.generator.latent_dim

    # Made when they are needed: here they would be compiled before bad input can be refused.
    def any_sample() -> Samples:
        return jnp.zeros((1, *sample_shape))

    def any_label() -> Labels | None:
        return jnp.zeros(1, int) if classes else None

    def init_generator(key: RandomKey) -> Params:
        return generator.init(key, jnp.zeros((1, latent_dim)), any_label())["params"]

    def init_discriminator(key: RandomKey) -> tuple[Params, Params]:
        variables = discriminator.init(key, any_sample(), any_label())
        return variables["params"], variables.get("batch_stats", {})

    def draw_latents(keys: RowKeys) -> Latents:
        draw = LATENTS[config.generator.latent]
        return jax.vmap(lambda key: draw(key, (latent_dim,)))(keys)

    def generate(params: Params, latents: Latents, labels: Labels | None = None) -> Samples:
        return jnp.asarray(generator.apply({"params": params}, latents, labels))

    def judge(
        params: Params, stats: Params, samples: Samples, labels: Labels | None = None
    ) -> Verdict:
        said = discriminator.apply({"params": params, "batch_stats": stats}, samples, labels)
        assert isinstance(said, Verdict)
        return said

    def update_stats(params: Params, stats: Params) -> Params:
        if not stats:
            return stats
        variables = {"params": params, "batch_stats": stats}
        _, updated = discriminator.apply(
            variables, any_sample(), any_label(), True, mutable=["batch_stats"]
        )
        return updated["batch_stats"]

    return Networks(init_generator, init_discriminator, draw_latents, generate, judge, update_stats)


def _embedding_dimensions(config: Experiment) -> int:
    return config.embedding.dimensions if config.embedding.weight else 0


def count_parameters(params: Params) -> int:
    """Number of scalars in a tree of parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def _mlp_generator(
    config: Generator, sample_shape: tuple[int, ...], classes: int, conditioning: Conditioning
) -> nn.Module:
    if config.residual and sample_shape != (config.latent_dim,):
        raise ConfigError(
            f"generator.residual = True: needs latents of the samples' shape {sample_shape}; "
            f"generator.latent_dim is {config.latent_dim}; must be False, or the two be equal"
        )
    return MLPGenerator(
        sample_shape=sample_shape,
        width=config.width,
        depth=config.depth,
        fourier_features=config.fourier_features,
        max_frequency=config.max_frequency,
        residual=config.residual,
        classes=classes,
        class_dimensions=conditioning.dimensions,
    )


def _conv_generator(
    config: Generator, sample_shape: tuple[int, ...], classes: int, conditioning: Conditioning
) -> nn.Module:
    return ConvGenerator(
        sample_shape=sample_shape,
        width=config.width,
        depth=config.depth,
        classes=classes,
        class_dimensions=conditioning.dimensions,
    )


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
