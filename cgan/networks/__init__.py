"""The generator and the discriminator as pure functions. Flax does not leave this package."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.config import (
    Conditioning,
    ConfigError,
    Discriminator,
    Experiment,
    Generator,
    Translation,
    require,
)
from cgan.networks import former_names
from cgan.networks.architectures import (
    DISCRIMINATORS,
    GENERATORS,
    build_discriminator,
    build_generator,
    build_translator,
    check_fits,
    scales_with_factors,
)
from cgan.networks.exactness import in_full
from cgan.networks.heads import HeadSpec
from cgan.networks.levels import levels_of
from cgan.networks.modules import TRUNK, ModuleDiscriminate
from cgan.networks.pair import Latents, Networks, no_features
from cgan.types import Labels, Params, RandomKey, RowKeys, Samples


@runtime_checkable
class PairSettings(Protocol):
    """What a config says of its pair of networks, whatever trains them."""

    @property
    def generator(self) -> Generator:
        """The network that makes samples."""

    @property
    def discriminator(self) -> Discriminator:
        """The network that judges them."""

    @property
    def precision(self) -> str:
        """The dtype that both compute in."""


def build(config: Experiment, sample_shape: tuple[int, ...], classes: int = 0) -> Networks:
    """Build the networks that an experiment describes.

    Args:
        config: the experiment.
        sample_shape: of the samples.
        classes: of their labels; 0 for networks that see none.

    Raises:
        ConfigError: an architecture that does not fit the samples.
    """
    heads = HeadSpec(config.objective.weight > 0, _embedding_dimensions(config), classes)
    vectors = config.translation.dimensions
    return build_pair(config, sample_shape, heads, config.conditioning, vectors)


def build_pair(
    config: PairSettings,
    sample_shape: tuple[int, ...],
    heads: HeadSpec,
    conditioning: Conditioning | None = None,
    patch_dimensions: int = Translation.dimensions,
) -> Networks:
    """Build a pair of networks, the discriminator with these heads.

    Args:
        config: what says of which architecture they are.
        sample_shape: of the samples.
        heads: the discriminator's; the generator sees as many classes.
        conditioning: how the generator sees them; None where there are none.
        patch_dimensions: length of the vectors of patches, of a generator that translates.

    Raises:
        ConfigError: an architecture that does not fit the samples.
    """
    classes = heads.classes
    check_fits("generator", config.generator, sample_shape)
    check_fits("discriminator", config.discriminator, sample_shape)
    translates = config.generator.translates
    given_shape = sample_shape if translates else (config.generator.latent_dim,)
    if not translates:
        generator = build_generator(
            config.generator, sample_shape, classes, conditioning or Conditioning()
        )
    else:
        generator = build_translator(config.generator, sample_shape, patch_dimensions)
    discriminator = build_discriminator(config.discriminator, heads)
    former = former_names.of(config.generator, config.discriminator, heads, sample_shape)
    # Layers compute in their input's dtype. Parameters, and what comes out, are float32.
    precision = jnp.dtype(config.precision)

    # Made when they are needed: here they would be compiled before bad input can be refused.
    def any_sample() -> Samples:
        return jnp.zeros((1, *sample_shape))

    def any_label() -> Labels | None:
        return jnp.zeros(1, int) if classes else None

    # One program each: their operations, one by one, would take twice as long to compile.
    @jax.jit
    @in_full
    def init_generator(key: RandomKey) -> Params:
        with former_names.keyed_by(former.generator):
            variables = generator.init(key, jnp.zeros((1, *given_shape)), any_label())
        return variables["params"]

    @jax.jit
    @in_full
    def init_discriminator(key: RandomKey) -> tuple[Params, Params]:
        with former_names.keyed_by(former.discriminator):
            variables = discriminator.init(key, any_sample(), any_label())
        return variables["params"], variables.get("batch_stats", {})

    def draw_latents(keys: RowKeys) -> Latents:
        if translates:
            raise ConfigError(
                f"generator.architecture = {config.generator.architecture!r}: translates pictures, "
                "and has no latents to be drawn; must be a run whose generator starts from noise"
            )
        draw = LATENTS[config.generator.latent]
        return jax.vmap(lambda key: draw(key, given_shape))(keys)

    @in_full
    def generate(params: Params, latents: Latents, labels: Labels | None = None) -> Samples:
        made = generator.apply({"params": params}, latents.astype(precision), labels)
        return jnp.asarray(made, "float32")

    @in_full
    def generator_features(
        params: Params, latents: Latents, labels: Labels | None = None, tap: str = TRUNK
    ) -> Float[Array, "n ..."]:
        inputs = latents.astype(precision)
        maps = generator.apply({"params": params}, inputs, labels, method="maps")
        return _tapped(maps, tap)

    @in_full
    def patch_vectors(
        params: Params, pictures: Samples, keys: RowKeys, count: int
    ) -> tuple[Float[Array, "n _ dimensions"], ...]:
        inputs = pictures.astype(precision)
        found = generator.apply({"params": params}, inputs, keys, count, method="vectors")
        assert isinstance(found, tuple)
        return found

    @in_full
    def features(
        params: Params, stats: Params, samples: Samples, tap: str = TRUNK
    ) -> Float[Array, "n ..."]:
        variables = {"params": params, "batch_stats": stats}
        maps = discriminator.apply(variables, samples.astype(precision), method="maps")
        return _tapped(maps, tap)

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
        init_generator,
        init_discriminator,
        draw_latents,
        generate,
        ModuleDiscriminate(discriminator, precision),
        update_stats,
        scales_with_factors(discriminator.trunk),
        features,
        generator_features,
        former,
        levels_of(config.discriminator, sample_shape),
        patch_vectors if translates else no_features,
    )


def _tapped(maps: Any, tap: str) -> Float[Array, "n ..."]:
    require(tap in maps, "tap", tap, f"one of {', '.join(maps)}")
    return maps[tap].astype("float32")


def _embedding_dimensions(config: Experiment) -> int:
    """Length of the one embedding that games on it and graded targets share."""
    if config.embedding.weight:
        return config.embedding.dimensions
    return config.graded.dimensions if config.graded.weight else 0


def count_parameters(params: Params) -> int:
    """Number of scalars in a tree of parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


LATENTS: dict[str, Callable[[RandomKey, tuple[int, ...]], Array]] = {
    "normal": jax.random.normal,
    "uniform": lambda key, shape: jax.random.uniform(key, shape, minval=-(3**0.5), maxval=3**0.5),
}


__all__ = [
    "DISCRIMINATORS",
    "GENERATORS",
    "TRUNK",
    "HeadSpec",
    "Latents",
    "Networks",
    "build",
    "build_pair",
    "count_parameters",
]
