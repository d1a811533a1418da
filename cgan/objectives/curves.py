"""Curves: how a row of margins becomes the loss of the one sample that is graded.

A row holds the margins of one real over its K negatives, the fakes (or, in the dual, of K reals
over one fake). Every curve falls where a margin grows, is `softplus(-M)` for one negative
(relativistic pairing, Jolicoeur-Martineau 2018), and takes weights with mean 1 that say how much
each negative counts. A negative of weight 0 is not there; those that are stand for all K where a
curve takes their sum. Margins of zero give `log 2`, or the constant that the curve's docstring
names.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from cgan.types import Margins, PerSample

Curve = Callable[[Margins, Margins], PerSample]
"""Function `curve(margins, weights)`, both `[rows, K]`, to a loss for each row."""

NEVER = 1e30
"""A margin over a negative that is not there: finite, so that differences of two are."""


def softmax_sum(margins: Margins, weights: Margins) -> PerSample:
    """InfoNCE: `log(1 + sum_j w_j exp(-M_j))`; `log(K + 1)` at zero.

    References:
        van den Oord et al. 2018, eq. 4. Over all fakes and with the dual, what the discriminator of
        Yu et al. 2021 minimises (dual contrastive loss). Weighted: Robinson et al. 2021, section 3.
    """
    return jax.nn.softplus(jax.nn.logsumexp(jnp.log(weights) - margins, axis=1))


def softmax_mean(margins: Margins, weights: Margins) -> PerSample:
    """InfoNCE with the mean, `log(1 + mean_j w_j exp(-M_j))`, which does not shift with K."""
    return softmax_sum(margins, weights / margins.shape[1])


def pairwise(margins: Margins, weights: Margins) -> PerSample:
    """Mean over pairs, each graded alone: `mean_j w_j softplus(-M_j)`."""
    return jnp.mean(weights * jax.nn.softplus(-margins), axis=1)


def average(margins: Margins, weights: Margins) -> PerSample:
    """Loss against the average negative: `softplus(-mean_j w_j M_j)`.

    References:
        Jolicoeur-Martineau 2018 (relativistic average GAN), with cross-entropy.
    """
    return jax.nn.softplus(-jnp.mean(weights * margins, axis=1))


def hardest(margins: Margins, weights: Margins) -> PerSample:
    """Loss against the hardest negative alone: `softplus(-min_j M_j)`, whatever its weight."""
    return jax.nn.softplus(-jnp.min(jnp.where(weights > 0, margins, jnp.inf), axis=1))


def listwise_sum(margins: Margins, weights: Margins) -> PerSample:
    """Plackett-Luce: minus the log-probability of the list "real, then negatives by score".

    The list is drawn place by place, each time by a softmax over those not placed yet. With the
    negatives' scores sorted, `u_1 >= ... >= u_K` and `u = -M` (the real's own is 0), it is
    `log(1 + sum_j exp(u_j)) + sum_k [log(sum_{j >= k} exp(u_j)) - u_k]`; `log((K + 1)!)` at zero.
    The first place is `softmax_sum`; the others grade the negatives against each other, by the
    order that the discriminator itself gives them. Weights but 0 are all alike.

    References:
        Plackett 1975; as a loss for ranking, Xia et al. 2008 (ListMLE).
    """
    even = _even(weights)
    return softmax_sum(margins, even) + jnp.sum(_later_places(margins, even), axis=1)


def listwise_mean(margins: Margins, weights: Margins) -> PerSample:
    """Plackett-Luce with `softmax_mean` for the first place, and the mean of the other K.

    The mean over all places would leave the one that tells real from fake a weight of 1/K.
    `log 2 + log(K!) / K` at zero.
    """
    even = _even(weights)
    return softmax_mean(margins, even) + jnp.mean(_later_places(margins, even), axis=1)


def _even(weights: Margins) -> Margins:
    """Weights alike for all negatives that are there, with mean 1."""
    there = (weights > 0).astype(weights.dtype)
    return there / jnp.mean(there, axis=1, keepdims=True)


def _later_places(margins: Margins, even: Margins) -> Margins:
    """Minus the log-probability of each negative's place, given those before it; with its weight.

    Negatives that are not there come last, too unlikely to matter to those before them.
    """
    negatives = -jnp.sort(jnp.where(even > 0, margins, NEVER), axis=1)
    places = jax.lax.cumlogsumexp(negatives, axis=1, reverse=True) - negatives
    return -jnp.sort(-even, axis=1) * places


CURVES: dict[tuple[str, str], Curve] = {
    ("softmax", "mean"): softmax_mean,
    ("softmax", "sum"): softmax_sum,
    ("pairwise", "mean"): pairwise,
    ("average", "mean"): average,
    ("hardest", "mean"): hardest,
    ("listwise", "mean"): listwise_mean,
    ("listwise", "sum"): listwise_sum,
}
"""Curves by (name, normalisation)."""
