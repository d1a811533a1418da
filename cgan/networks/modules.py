"""What the architectures share: a trunk that returns its maps by name, and a head on top of it.

A trunk's taps are maps, finest or earliest first, and the last is `trunk`: what its head reads.
"""

from dataclasses import dataclass
from typing import Any

import flax.linen as nn
from jaxtyping import Array, Float

from cgan.networks.exactness import in_full
from cgan.networks.heads import Heads, HeadSpec
from cgan.types import DiscriminatorOutput, Factors, Labels, Params, Samples

Maps = dict[str, Float[Array, "n ..."]]
"""What a trunk makes of each row, by the names of its taps."""
TRUNK = "trunk"
"""The tap that a head reads."""
SAMPLES = "samples"
"""The tap of a generator that is its samples."""


class Discriminator(nn.Module):
    """Samples to maps by a trunk, and from its last maps to outputs by the heads of them all."""

    trunk: nn.Module
    heads: HeadSpec
    spectral_norm: bool = False

    def setup(self) -> None:
        """The heads, named as their parameters are."""
        self.head = Heads(self.heads, self.spectral_norm)

    def __call__(
        self,
        samples: Samples,
        labels: Labels | None = None,
        update_stats: bool = False,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        """Score and embedding of each sample, so far as there are such heads."""
        scaled = {} if factors is None else {"factors": factors}
        maps = self.trunk(samples, update_stats, **scaled)
        return self.head(maps[TRUNK], labels, update_stats)

    def maps(self, samples: Samples) -> Maps:
        """The trunk's maps of each sample."""
        return self.trunk(samples)


class Generator(nn.Module):
    """Latents, or pictures in their place, to maps by a trunk, and to samples by its head."""

    trunk: nn.Module
    head: nn.Module

    def __call__(self, latents: Float[Array, "n *latent"], labels: Labels | None = None) -> Samples:
        """A sample for each latent."""
        return self.maps(latents, labels)[SAMPLES]

    def maps(self, latents: Float[Array, "n *latent"], labels: Labels | None = None) -> Maps:
        """The trunk's maps of each latent, and its sample."""
        maps = self.trunk(latents, labels)
        return maps | {SAMPLES: self.head(latents, maps, labels)}


@dataclass(frozen=True)
class ModuleDiscriminate:
    """`Networks.discriminate` of a module of this package, whose factors its tests hold."""

    module: nn.Module
    precision: Any
    """The dtype that it computes in."""

    @in_full
    def __call__(
        self,
        params: Params,
        stats: Params,
        samples: Samples,
        labels: Labels | None = None,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        """One output for each sample, its score multiplied by the factor where there is one."""
        variables = {"params": params, "batch_stats": stats}
        inputs = samples.astype(self.precision)
        output = self.module.apply(variables, inputs, labels, factors=factors)
        assert isinstance(output, DiscriminatorOutput)
        return output
