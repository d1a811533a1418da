"""A pair of networks as pure functions: what training and sampling ask of a user's own."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Protocol

from jaxtyping import Array, Float

from cgan.config import ConfigError, require
from cgan.networks.former_names import NO_FORMER_NAMES, FormerNames
from cgan.networks.levels import Levels
from cgan.types import DiscriminatorOutput, Factors, Labels, Params, RandomKey, RowKeys, Samples

Latents = Float[Array, "n *latent"]
"""What a generator starts from: vectors of noise, or pictures that it translates."""


class Generate(Protocol):
    """A generator; a pair with classes takes their labels, and another one none."""

    def __call__(self, params: Params, latents: Latents, labels: Labels | None = None) -> Samples:
        """One sample for each latent."""


class Discriminate(Protocol):
    """A discriminator's outputs, its stats left as they are; labels as for `Generate`.

    One without the capability `scales_with_factors` is never given factors, and need not take any.
    """

    def __call__(
        self,
        params: Params,
        stats: Params,
        samples: Samples,
        labels: Labels | None = None,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        """One output for each sample, its score multiplied by the factor where there is one."""


class Features(Protocol):
    """A discriminator's maps of samples at a tap; what they are called is in docs/networks.md."""

    def __call__(
        self, params: Params, stats: Params, samples: Samples, tap: str = "trunk"
    ) -> Float[Array, "n ..."]:
        """The map of each sample, float32; a `ConfigError` names the taps that there are."""


class GeneratorFeatures(Protocol):
    """A generator's maps of latents at a tap, labels as for `Generate`."""

    def __call__(
        self, params: Params, latents: Latents, labels: Labels | None = None, tap: str = "trunk"
    ) -> Float[Array, "n ..."]:
        """The map of each latent, float32; a `ConfigError` names the taps that there are."""


class PatchVectors(Protocol):
    """Unit vectors of patches, by what a translator makes of pictures before it translates."""

    def __call__(
        self, params: Params, pictures: Samples, keys: RowKeys, count: int
    ) -> tuple[Float[Array, "n _ dimensions"], ...]:
        """Vectors of `count` places of each map of a picture, drawn by its key; all where fewer."""


def keep_stats(_params: Params, stats: Params) -> Params:
    """The stats as they are: of a discriminator that moves none."""
    return stats


def no_features(*_arguments: Any, **_keywords: Any) -> NoReturn:
    """The maps of a network without taps: there are none.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(
        "tap: this network is a function of one's own, without taps; must be one of "
        "docs/networks.md's, or be given some by _replace(features=...)"
    )


@dataclass(frozen=True)
class OwnDiscriminate:
    """`Networks.discriminate` of a function of one's own: see `Networks.with_discriminator`."""

    function: Callable[..., DiscriminatorOutput | Array]
    takes: frozenset[str]
    """Names of the function's arguments."""

    def __call__(
        self,
        params: Params,
        stats: Params,
        samples: Samples,
        labels: Labels | None = None,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        """One output for each sample; what the function does not take is left out."""
        more = {"labels": labels, "factors": factors}
        given = {name: value for name, value in more.items() if name in self.takes}
        said = self.function(params, samples, **given)
        return said if isinstance(said, DiscriminatorOutput) else DiscriminatorOutput(said, None)

    def __repr__(self) -> str:
        return getattr(self.function, "__qualname__", repr(self.function))


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
    update_stats: Callable[[Params, Params], Params] = keep_stats
    """`update_stats(params, stats)`: the stats after one step of power iteration."""
    scales_with_factors: bool = False
    """Whether `discriminate` multiplies its scores by `factors`.

    Exact penalties are cheaper then, and right without it. Checked before training: see
    `cgan/networks/scaling.py`.
    """
    features: Features = no_features
    """The discriminator's maps by the name of the tap, `trunk` being what its heads read."""
    generator_features: GeneratorFeatures = no_features
    """The generator's maps by the name of the tap."""
    former_names: FormerNames = NO_FORMER_NAMES
    """What parameters were called before they had names of their own: checkpoints have those."""
    levels: Levels = ()
    """The levels of the discriminator's trunk, lowest first; none of a function of one's own."""
    patch_vectors: PatchVectors = no_features
    """Vectors of patches of pictures, of a generator that translates them."""

    def frozen_groups(self, number: int) -> frozenset[str]:
        """The trunk's parameters in its lowest levels, by the names of their groups.

        Args:
            number: of levels, as `init_frozen` says.

        Raises:
            ConfigError: the discriminator has fewer.
        """
        most = f"at most {len(self.levels)}, the levels that this discriminator has"
        require(number <= len(self.levels), "init_frozen", number, most)
        return frozenset(group for level in self.levels[:number] for group in level.groups)

    def with_generator(
        self, init: Callable[[RandomKey], Params], generate: Callable[..., Samples]
    ) -> "Networks":
        """The pair with another generator; latents are drawn as before.

        Args:
            init: `init(key)` to parameters: any tree of float32 arrays.
            generate: `generate(params, latents)` to samples `[n, *sample_shape]`; it may take
                `labels` too.
        """
        takes_labels = "labels" in _names(generate)

        def of_latents(params: Params, latents: Latents, labels: Labels | None = None) -> Samples:
            more = {"labels": labels} if takes_labels else {}
            return generate(params, latents, **more)

        return self._replace(
            init_generator=init,
            generate=of_latents,
            generator_features=no_features,
            patch_vectors=no_features,
            former_names=self.former_names._replace(generator={}),
        )

    def with_discriminator(
        self,
        init: Callable[[RandomKey], Params],
        discriminate: Callable[..., DiscriminatorOutput | Array],
    ) -> "Networks":
        """The pair with another discriminator, which carries no stats.

        Args:
            init: `init(key)` to parameters: any tree of float32 arrays.
            discriminate: `discriminate(params, samples)` to scores `[n]`, or to a
                `DiscriminatorOutput`. It must see its samples one by one. It may take `labels`, and
                `factors`: a function that does multiplies its scores by them.
        """
        takes = _names(discriminate)
        return self._replace(
            init_discriminator=lambda key: (init(key), {}),
            discriminate=OwnDiscriminate(discriminate, takes),
            update_stats=keep_stats,
            scales_with_factors="factors" in takes,
            features=no_features,
            former_names=self.former_names._replace(discriminator={}),
            levels=(),
        )


def _names(function: Callable[..., Any]) -> frozenset[str]:
    """Names of a function's arguments."""
    return frozenset(inspect.signature(function).parameters)
