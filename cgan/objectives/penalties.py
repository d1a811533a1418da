"""Gradient penalties on the discriminator's outputs, at its inputs.

R1 and R2 are half the squared gradient norm of the score at reals and at fakes (Mescheder et al.
2018, eqs. 9 and 10). Of a head with several outputs it is the squared Frobenius norm of the
Jacobian. Three estimators of it:

| name | value | cost |
|---|---|---|
| `exact` | the norm itself (of an embedding, along one random vector) | double backward |
| `hutchinson` | `(J v)^2`, unbiased for random signs `v` | one forward-mode product |
| `finite_differences` | `((D(x + e v) - D(x)) / e)^2`, biased by curvature | one more pass |
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.config import Penalty
from cgan.types import (
    DiscriminatorOutput,
    Factors,
    Head,
    PerSample,
    RowKeys,
    Samples,
    Scores,
    present,
)


@runtime_checkable
class BoundDiscriminate(Protocol):
    """A discriminator with its parameters, whose outputs depend on their own sample only."""

    def __call__(self, samples: Samples, factors: Factors | None = None, /) -> DiscriminatorOutput:
        """One output for each sample, its score multiplied by the factor where there is one."""


HeadNames = tuple[Head, ...]

Estimator = Callable[
    [BoundDiscriminate, Samples, RowKeys, HeadNames],
    tuple[DiscriminatorOutput, DiscriminatorOutput],
]
"""Function `(discriminate, samples, keys, heads)` to outputs and `[n]` squared norms of heads."""


def exact(
    discriminate: BoundDiscriminate, samples: Samples, keys: RowKeys, heads: HeadNames
) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    """Squared gradient norms by the backward pass, exact for the score.

    The gradient of the sum of all scores holds the gradients of each.

    An embedding would take a pass for each of its dimensions; one random vector `u` with unit
    covariance gives `|u J|^2`, whose mean is the squared Frobenius norm.

    Where a score is the only head, its derivatives come out of the same backward pass. With `D` the
    sum of scores, each multiplied by its factor `f_i`, the pass has `dD/df_i` beside the gradient:
    the score itself. A loss that takes both from there sends its own gradient through that pass
    alone, and where factors go in with the inputs (`cgan/networks/factors.py`) two more passes are
    saved: four products for each layer in place of six. A discriminator that left its score as it
    is, whatever the factors, would give it no derivatives. An embedding's loss goes through the
    forward pass anyway.

    References:
        docs/decisions/0010-scores-multiplied-by-factors.md has the derivation and measurements.
    """
    if not heads:
        return discriminate(samples), DiscriminatorOutput(None, None)
    found = DiscriminatorOutput(None, None)
    if "score" in heads:
        output, score, pullback = _pull_back(discriminate, samples, "score")
        gradients, by_factors = pullback(jnp.ones_like(score))
        if output.embedding is None:
            output = output._replace(score=_with_derivatives(score, by_factors))
        found = found._replace(score=_squared_norm(gradients))
    if "embedding" in heads:
        output, embedding, pullback = _pull_back(discriminate, samples, "embedding")
        gradients, _ = pullback(random_signs(keys, embedding))
        found = found._replace(embedding=_squared_norm(gradients))
    return output, found


def _pull_back(
    discriminate: BoundDiscriminate, samples: Samples, head: Head
) -> tuple[DiscriminatorOutput, Array, Callable[[Array], tuple[Samples, Factors]]]:
    """Outputs, one head's own, and the backward pass from it to samples and factors.

    The other head is left out of that pass: cotangents of 0 would cost as much as others.
    """

    def of_head(samples: Samples, factors: Factors) -> tuple[Array, DiscriminatorOutput]:
        output = discriminate(samples, factors)
        return present(getattr(output, head)), output

    found, pullback, output = jax.vjp(of_head, samples, jnp.ones(len(samples)), has_aux=True)
    return output, found, pullback


@jax.custom_jvp
def _with_derivatives(value: Scores, same: Scores) -> Scores:
    """The first value with the second's derivatives; the two are equal but for rounding."""
    return value


@_with_derivatives.defjvp
def _derivatives_of_the_same(
    primals: tuple[Scores, Scores], tangents: tuple[Scores, Scores]
) -> tuple[Scores, Scores]:
    return primals[0], tangents[1].astype(primals[0].dtype)


def hutchinson(
    discriminate: BoundDiscriminate, samples: Samples, keys: RowKeys, heads: HeadNames
) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    """Squared gradient norms by one forward-mode product along random signs: unbiased.

    Their variance is below `2 |g|^4`.

    References:
        Hutchinson 1990, "A stochastic estimator of the trace of the influence matrix for
        Laplacian smoothing splines".
    """
    output, slopes = jax.jvp(discriminate, (samples,), (random_signs(keys, samples),))
    return output, _squares(slopes, heads)


def finite_differences(
    discriminate: BoundDiscriminate, samples: Samples, keys: RowKeys, heads: HeadNames, step: float
) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    """Squared gradient norms by a second evaluation, `step` away in each dimension, signs random.

    What large generators use where a second derivative is too dear or a kernel has none (Lin et
    al. 2025, Seaweed-APT: "approximated R1", with Gaussian directions). A step too short is lost
    in rounding, one too long in curvature.
    """
    output = discriminate(samples)
    moved = discriminate(samples + step * random_signs(keys, samples))
    slopes = jax.tree.map(lambda after, before: (after - before) / step, moved, output)
    return output, _squares(slopes, heads)


def _squares(slopes: DiscriminatorOutput, heads: HeadNames) -> DiscriminatorOutput:
    return DiscriminatorOutput(
        score=_squared_norm(present(slopes.score)) if "score" in heads else None,
        embedding=_squared_norm(present(slopes.embedding)) if "embedding" in heads else None,
    )


def build(config: Penalty) -> Estimator:
    """Build the estimator that a config names."""
    if config.estimator == "finite_differences":
        return partial(finite_differences, step=config.finite_difference)
    return {"exact": exact, "hutchinson": hutchinson}[config.estimator]


def pull_to_unit_norm(discriminate: BoundDiscriminate, samples: Samples) -> PerSample:
    """Gradient penalty `(|grad D| - 1)^2` at each sample (Gulrajani et al. 2017, eq. 3), exact."""

    def total(inputs: Samples) -> Float[Array, ""]:
        return jnp.sum(present(discriminate(inputs).score))

    squared = _squared_norm(jax.grad(total)(samples))
    # The square root has no slope at 0; the penalty's own slope there is 0 by symmetry.
    flat = squared == 0
    norm = jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, squared)))
    return jnp.square(norm - 1)


def between(keys: RowKeys, reals: Samples, fakes: Samples) -> Samples:
    """Draw a random point on the line from each real to its row's fake."""
    shares = jax.vmap(lambda key: jax.random.uniform(key, dtype=reals.dtype))(keys)
    shares = shares.reshape(-1, *[1] * (reals.ndim - 1))
    return shares * reals + (1 - shares) * fakes


def random_signs(keys: RowKeys, like: Float[Array, "n *shape"]) -> Float[Array, "n *shape"]:
    """Draw entries of -1 and 1, each row from its own key."""
    draw = partial(jax.random.rademacher, shape=like.shape[1:], dtype=like.dtype)
    return jax.vmap(draw)(keys)


def _squared_norm(gradients: Float[Array, "n *shape"]) -> Scores:
    return jnp.sum(jnp.square(gradients), axis=range(1, gradients.ndim))
