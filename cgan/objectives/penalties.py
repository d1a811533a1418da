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
    discriminate: BoundDiscriminate,
    samples: Samples,
    keys: RowKeys,
    heads: HeadNames,
    scales_with_factors: bool = False,
) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    """Squared gradient norms by the backward pass: exact for scores, whose sum has all gradients.

    An embedding would take a pass for each of its dimensions; one random vector `u` with unit
    covariance gives `|u J|^2`, whose mean is the squared Frobenius norm.

    Where a score is the only head and the discriminator scales it with factors, its derivatives
    come out of the same backward pass. With `D` the sum of scores, each multiplied by its factor
    `f_i`, the pass has `dD/df_i` beside the gradient: the score itself. A loss that takes both from
    there sends its own gradient through that pass alone, and where factors go in with the inputs
    (`cgan/networks/factors.py`) two more passes are saved: four products for each layer in place of
    six. An embedding's loss goes through the forward pass anyway.

    Args:
        discriminate: the discriminator.
        samples: where the norms are taken.
        keys: of the random directions, row by row.
        heads: whose norms to take.
        scales_with_factors: the discriminator multiplies its scores by factors. One that leaves
            them as they are would give the score no derivatives: without this it sees no factors.

    References:
        docs/decisions/0010-scores-multiplied-by-factors.md has the derivation and measurements.

    >>> def discriminate(x, factors=1.0):
    ...     return DiscriminatorOutput(factors * jnp.sum(x**2, axis=1), None)
    >>> keys = jax.random.split(jax.random.key(0), 2)
    >>> _, norms = exact(discriminate, jnp.array([[1.0, 0.0], [3.0, 4.0]]), keys, ("score",))
    >>> print(norms.score)
    [  4. 100.]
    """
    if not heads:
        return discriminate(samples), DiscriminatorOutput(None, None)
    inputs = (samples, jnp.ones(len(samples))) if scales_with_factors else (samples,)
    found = DiscriminatorOutput(None, None)
    if "score" in heads:
        output, score, pullback = _pull_back(discriminate, inputs, "score")
        gradients, *by_factors = pullback(jnp.ones_like(score))
        if by_factors and output.embedding is None:
            output = output._replace(score=_with_derivatives(score, *by_factors))
        found = found._replace(score=_squared_norm(gradients))
    if "embedding" in heads:
        output, embedding, pullback = _pull_back(discriminate, inputs, "embedding")
        gradients, *_ = pullback(random_signs(keys, embedding))
        found = found._replace(embedding=_squared_norm(gradients))
    return output, found


def _pull_back(
    discriminate: BoundDiscriminate, inputs: tuple[Array, ...], head: Head
) -> tuple[DiscriminatorOutput, Array, Callable[[Array], tuple[Array, ...]]]:
    """Outputs, one head's output, and the backward pass from it to samples and any factors.

    The other head is left out of that pass: cotangents of 0 would cost as much as others.
    """

    def of_head(*inputs: Array) -> tuple[Array, DiscriminatorOutput]:
        output = discriminate(*inputs)
        return present(getattr(output, head)), output

    found, pullback, output = jax.vjp(of_head, *inputs, has_aux=True)
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
    """Squared gradient norms by one product along random signs: unbiased, variance below `2 |g|^4`.

    References:
        Hutchinson 1990, "A stochastic estimator of the trace of the influence matrix for
        Laplacian smoothing splines".

    >>> def discriminate(x, factors=1.0):
    ...     return DiscriminatorOutput(factors * x[:, 0] ** 2, None)
    >>> keys = jax.random.split(jax.random.key(0), 2)
    >>> _, norms = hutchinson(discriminate, jnp.array([[1.0], [3.0]]), keys, ("score",))
    >>> print(norms.score)
    [ 4. 36.]
    """
    output, slopes = jax.jvp(discriminate, (samples,), (random_signs(keys, samples),))
    return output, _squares(slopes, heads)


def finite_differences(
    discriminate: BoundDiscriminate, samples: Samples, keys: RowKeys, heads: HeadNames, step: float
) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    """Squared gradient norms by a second evaluation, `step` away along random signs.

    What large generators use where a second derivative is too dear or a kernel has none (Lin et
    al. 2025, Seaweed-APT: "approximated R1", with Gaussian directions). A step too short is lost
    in rounding, one too long in curvature.

    >>> def discriminate(x, factors=1.0):
    ...     return DiscriminatorOutput(factors * x[:, 0] ** 2, None)
    >>> keys = jax.random.split(jax.random.key(0), 1)
    >>> _, norms = finite_differences(discriminate, jnp.zeros((1, 1)), keys, ("score",), step=0.5)
    >>> print(norms.score)
    [0.25]
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


def build(config: Penalty, scales_with_factors: bool = False) -> Estimator:
    """The estimator that a config names; its discriminator multiplies scores by factors, or not.

    >>> build(Penalty(estimator="hutchinson")) is hutchinson
    True
    """
    if config.estimator == "finite_differences":
        return partial(finite_differences, step=config.finite_difference)
    if scales_with_factors and config.estimator == "exact":
        return partial(exact, scales_with_factors=True)
    return {"exact": exact, "hutchinson": hutchinson}[config.estimator]


def pull_to_unit_norm(discriminate: BoundDiscriminate, samples: Samples) -> PerSample:
    """`(|grad D| - 1)^2` at each sample (Gulrajani et al. 2017, eq. 3), exact.

    >>> def discriminate(x, factors=1.0):
    ...     return DiscriminatorOutput(factors * 3 * x[:, 0], None)
    >>> print(pull_to_unit_norm(discriminate, jnp.ones((1, 2))))
    [4.]
    """

    def total(inputs: Samples) -> Float[Array, ""]:
        return jnp.sum(present(discriminate(inputs).score))

    squared = _squared_norm(jax.grad(total)(samples))
    # The square root has no slope at 0; the penalty's own slope there is 0 by symmetry.
    flat = squared == 0
    norm = jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, squared)))
    return jnp.square(norm - 1)


def between(keys: RowKeys, reals: Samples, fakes: Samples) -> Samples:
    """A random point on the line from each real to its row's fake.

    >>> keys = jax.random.split(jax.random.key(0), 2)
    >>> found = between(keys, jnp.zeros((2, 3)), jnp.ones((2, 3)))
    >>> bool(jnp.all((found > 0) & (found < 1) & (found == found[:, :1])))
    True
    """
    shares = jax.vmap(lambda key: jax.random.uniform(key, dtype=reals.dtype))(keys)
    shares = shares.reshape(-1, *[1] * (reals.ndim - 1))
    return shares * reals + (1 - shares) * fakes


def random_signs(keys: RowKeys, like: Float[Array, "n *shape"]) -> Float[Array, "n *shape"]:
    """Entries of -1 and 1, each row from its own key.

    >>> signs = random_signs(jax.random.split(jax.random.key(0), 2), jnp.zeros((2, 3)))
    >>> print(jnp.abs(signs))
    [[1. 1. 1.]
     [1. 1. 1.]]
    """
    draw = partial(jax.random.rademacher, shape=like.shape[1:], dtype=like.dtype)
    return jax.vmap(draw)(keys)


def _squared_norm(gradients: Float[Array, "n *shape"]) -> Scores:
    return jnp.sum(jnp.square(gradients), axis=range(1, gradients.ndim))
