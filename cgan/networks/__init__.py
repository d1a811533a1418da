"""The generator and the discriminator as pure functions. Flax does not leave this package."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.config import Experiment
from cgan.networks.architectures import (
    DISCRIMINATORS,
    GENERATORS,
    build_discriminator,
    build_generator,
    check_fits,
)
from cgan.networks.exactness import in_full
from cgan.networks.heads import HeadSpec
from cgan.types import DiscriminatorOutput, Factors, Labels, Params, RandomKey, RowKeys, Samples

Latents = Float[Array, "n latent_dim"]


class Generate(Protocol):
    """A generator's function; a pair with classes takes their labels, and another one none."""

    def __call__(self, params: Params, latents: Latents, labels: Labels | None = None) -> Samples:
        """Generate one sample for each latent."""


class Discriminate(Protocol):
    """A discriminator's function, which leaves its stats as they are; labels as for `Generate`."""

    def __call__(
        self,
        params: Params,
        stats: Params,
        samples: Samples,
        labels: Labels | None = None,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        """One output for each sample, its score multiplied by the factor where there is one."""


class Networks(NamedTuple):
    """A pair of networks: pure functions of parameters and arrays.

    `stats` is what a discriminator carries beside its parameters: the power iteration of its
    spectral norms, or nothing.
    """

    init_generator: Callable[[RandomKey], Params]
    init_discriminator: Callable[[RandomKey], tuple[Params, Params]]
    draw_latents: Callable[[RowKeys], Latents]
    generate: Generate
    discriminate: Discriminate
    update_stats: Callable[[Params, Params], Params]
    """Function `(params, stats)` to the stats after one step of power iteration."""


def build(config: Experiment, sample_shape: tuple[int, ...], classes: int = 0) -> Networks:
    """Build the networks that a config describes.

    Args:
        config: the experiment.
        sample_shape: of the samples.
        classes: of their labels; 0 for networks that see none.

    Raises:
        ConfigError: an architecture that does not fit the samples.
    """
    check_fits("generator", config.generator, sample_shape)
    check_fits("discriminator", config.discriminator, sample_shape)
    generator = build_generator(config.generator, sample_shape, classes, config.conditioning)
    heads = HeadSpec(config.objective.weight > 0, _embedding_dimensions(config), classes)
    discriminator = build_discriminator(config.discriminator, heads)
    latent_dim = config.generator.latent_dim
    # Layers compute in their input's dtype. Parameters, and what comes out, are float32.
    precision = jnp.dtype(config.precision)

    # Made when they are needed: here they would be compiled before bad input can be refused.
    def any_sample() -> Samples:
        return jnp.zeros((1, *sample_shape))

    def any_label() -> Labels | None:
        return jnp.zeros(1, int) if classes else None

    @in_full
    def init_generator(key: RandomKey) -> Params:
        return generator.init(key, jnp.zeros((1, latent_dim)), any_label())["params"]

    @in_full
    def init_discriminator(key: RandomKey) -> tuple[Params, Params]:
        variables = discriminator.init(key, any_sample(), any_label())
        return variables["params"], variables.get("batch_stats", {})

    def draw_latents(keys: RowKeys) -> Latents:
        draw = LATENTS[config.generator.latent]
        return jax.vmap(lambda key: draw(key, (latent_dim,)))(keys)

    @in_full
    def generate(params: Params, latents: Latents, labels: Labels | None = None) -> Samples:
        made = generator.apply({"params": params}, latents.astype(precision), labels)
        return jnp.asarray(made, "float32")

    @in_full
    def discriminate(
        params: Params,
        stats: Params,
        samples: Samples,
        labels: Labels | None = None,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        variables = {"params": params, "batch_stats": stats}
        inputs = samples.astype(precision)
        output = discriminator.apply(variables, inputs, labels, factors=factors)
        assert isinstance(output, DiscriminatorOutput)
        return output

    @in_full
    def update_stats(params: Params, stats: Params) -> Params:
        if not stats:
            return stats
        variables = {"params": params, "batch_stats": stats}
        _, updated = discriminator.apply(
            variables, any_sample(), any_label(), True, mutable=["batch_stats"]
        )
        return updated["batch_stats"]

    return Networks(
        init_generator, init_discriminator, draw_latents, generate, discriminate, update_stats
    )


def _embedding_dimensions(config: Experiment) -> int:
    return config.embedding.dimensions if config.embedding.weight else 0


def count_parameters(params: Params) -> int:
    """Number of scalars in a tree of parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


LATENTS: dict[str, Callable[[RandomKey, tuple[int, ...]], Array]] = {
    "normal": jax.random.normal,
    "uniform": lambda key, shape: jax.random.uniform(key, shape, minval=-(3**0.5), maxval=3**0.5),
}


__all__ = ["DISCRIMINATORS", "GENERATORS", "Latents", "Networks", "build", "count_parameters"]
