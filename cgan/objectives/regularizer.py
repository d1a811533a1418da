"""Outputs on a batch's reals and fakes together with the gradient penalties taken there."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from cgan.config import Experiment
from cgan.objectives import penalties
from cgan.objectives.penalties import BoundDiscriminate, HeadNames
from cgan.types import DiscriminatorOutput, Factors, Labels, PerSample, RowKeys, Samples

LabeledDiscriminate = Callable[..., DiscriminatorOutput]
"""A discriminator of samples and of their labels, which are None where there are no classes.

One that scales with factors takes them behind the labels.
"""


class Keys(NamedTuple):
    """Keys from which a step's random directions are drawn, row by row."""

    real: RowKeys
    fake: RowKeys
    between: RowKeys


class Regularizer:
    """The penalties of a config; heads and sides without a weight cost nothing."""

    def __init__(self, config: Experiment, scales_with_factors: bool = False) -> None:
        """The penalties that the config weighs.

        Args:
            config: the experiment.
            scales_with_factors: the discriminator multiplies its scores by factors, which makes
                exact penalties cheaper.
        """
        penalty, embedding = config.penalty, config.embedding
        self.estimate = penalties.build(penalty, scales_with_factors)
        self.r1 = _weights(penalty.r1, embedding.r1)
        self.r2 = _weights(penalty.r2, embedding.r2)
        self.gradient_penalty = penalty.gradient_penalty

    def __call__(
        self,
        discriminate: LabeledDiscriminate,
        keys: Keys,
        real: Samples,
        fake: Samples,
        labels: Labels | None = None,
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput, dict[str, PerSample]]:
        """Outputs on reals and on fakes, and the weighted penalties as terms of `[n]`.

        A row's real, its fake and what lies between share their label.
        """
        of_rows = partial(_with_labels, discriminate, labels)
        if self.r1.keys() == self.r2.keys():  # one pass over both is faster
            both_keys = jnp.concatenate([keys.real, keys.fake])
            twice = jax.tree.map(lambda kept: jnp.concatenate([kept, kept]), labels)
            of_both = partial(_with_labels, discriminate, twice)
            both = self._discriminate(
                of_both, both_keys, jnp.concatenate([real, fake]), tuple(self.r1)
            )
            (real_out, at_real), (fake_out, at_fake) = _halves(both)
        else:
            real_out, at_real = self._discriminate(of_rows, keys.real, real, tuple(self.r1))
            fake_out, at_fake = self._discriminate(of_rows, keys.fake, fake, tuple(self.r2))
        terms = _terms("r1", self.r1, at_real) | _terms("r2", self.r2, at_fake)
        if self.gradient_penalty:
            between = penalties.between(keys.between, real, fake)
            excess = penalties.pull_to_unit_norm(of_rows, between)
            terms["gradient_penalty"] = self.gradient_penalty * excess
        return real_out, fake_out, terms

    def _discriminate(
        self, discriminate: BoundDiscriminate, keys: RowKeys, samples: Samples, heads: HeadNames
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        if heads:
            return self.estimate(discriminate, samples, keys, heads)
        return discriminate(samples), DiscriminatorOutput(None, None)


def _with_labels(
    discriminate: LabeledDiscriminate,
    labels: Labels | None,
    samples: Samples,
    *factors: Factors,
) -> DiscriminatorOutput:
    return discriminate(samples, labels, *factors)


def _weights(score: float, embedding: float) -> dict[penalties.Head, float]:
    """Weights of penalties by head, without those that are 0."""
    weights: dict[penalties.Head, float] = {"score": score, "embedding": embedding}
    return {head: weight for head, weight in weights.items() if weight}


def _terms(
    name: str, weights: dict[penalties.Head, float], squares: DiscriminatorOutput
) -> dict[str, PerSample]:
    prefixes = {"score": "", "embedding": "embedding_"}
    at = squares._asdict()
    return {prefixes[head] + name: weight * at[head] / 2 for head, weight in weights.items()}


def _halves(
    both: tuple[DiscriminatorOutput, DiscriminatorOutput],
) -> tuple[
    tuple[DiscriminatorOutput, DiscriminatorOutput], tuple[DiscriminatorOutput, DiscriminatorOutput]
]:
    """Split outputs and penalties into the rows of the first half and of the second."""
    first = jax.tree.map(lambda leaf: leaf[: len(leaf) // 2], both)
    second = jax.tree.map(lambda leaf: leaf[len(leaf) // 2 :], both)
    return first, second
