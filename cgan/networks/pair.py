"""A pair of networks as pure functions: what training and sampling ask of a user's own."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from jaxtyping import Array, Float

from cgan.config import ConfigError
from cgan.networks.former_names import NO_FORMER_NAMES, FormerNames
from cgan.types import DiscriminatorOutput, Factors, Labels, Params, RandomKey, RowKeys, Samples

Latents = Float[Array, "n latent_dim"]


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


def keep_stats(_params: Params, stats: Params) -> Params:
    """The stats as they are: of a discriminator that moves none."""
    return stats


def no_features(*_arguments: Any, tap: str = "trunk") -> Float[Array, "n ..."]:
    """The maps of a network without taps: there are none.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(f"tap = {tap!r}: these networks are functions of one's own, without taps")


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
    """Whether `discriminate` multiplies its scores by `factors`: exact penalties are cheaper then,
    and right without it. Checked before training: see `cgan/networks/scaling.py`."""
    features: Features = no_features
    """The discriminator's maps by the name of the tap, `trunk` being what its heads read."""
    generator_features: GeneratorFeatures = no_features
    """The generator's maps by the name of the tap."""
    former_names: FormerNames = NO_FORMER_NAMES
    """What parameters were called before they had names of their own: checkpoints have those."""

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
        names = _names(discriminate)

        def of_samples(
            params: Params,
            _stats: Params,
            samples: Samples,
            labels: Labels | None = None,
            factors: Factors | None = None,
        ) -> DiscriminatorOutput:
            given: dict[str, Any] = {"labels": labels, "factors": factors}
            more = {name: value for name, value in given.items() if name in names}
            said = discriminate(params, samples, **more)
            return (
                said if isinstance(said, DiscriminatorOutput) else DiscriminatorOutput(said, None)
            )

        of_samples.__qualname__ = getattr(discriminate, "__qualname__", repr(discriminate))
        return self._replace(
            init_discriminator=lambda key: (init(key), {}),
            discriminate=of_samples,
            update_stats=keep_stats,
            scales_with_factors="factors" in names,
            features=no_features,
            former_names=self.former_names._replace(discriminator={}),
        )


def _names(function: Callable[..., Any]) -> set[str]:
    """Of a function's arguments."""
    return set(inspect.signature(function).parameters)
