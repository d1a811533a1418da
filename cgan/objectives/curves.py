"""Curves: how a row of margins becomes the loss of the one sample that is graded.

A row holds the margins of one real over its K rivals, the fakes (or, in the dual, of K reals over
one fake). Every curve falls where a margin grows, is `softplus(-M)` for one rival (relativistic
pairing, Jolicoeur-Martineau 2018, eq. 10), and takes weights with mean 1 that say how much each
rival counts. Margins of zero give `log 2`, or the constant that the curve's docstring names.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from cgan.types import Margins, PerSample

Curve = Callable[[Margins, Margins], PerSample]
"""`curve(margins, weights)`, both `[rows, K]`, to a loss for each row."""


def softmax_sum(margins: Margins, weights: Margins) -> PerSample:
    """InfoNCE: `log(1 + sum_j w_j exp(-M_j))`; `log(K + 1)` at zero.

    References:
        van den Oord et al. 2018, eq. 4; over all fakes and with the dual, Yu et al. 2021, eqs. 3
        and 4 (dual contrastive loss). Weighted: Robinson et al. 2021, eq. 4.
    """
    return jax.nn.softplus(jax.nn.logsumexp(-margins, axis=1, b=weights))


def softmax_mean(margins: Margins, weights: Margins) -> PerSample:
    """`log(1 + mean_j w_j exp(-M_j))`: the same, so that it does not shift with K."""
    return softmax_sum(margins, weights / margins.shape[1])


def pairwise(margins: Margins, weights: Margins) -> PerSample:
    """`mean_j w_j softplus(-M_j)`: every pair is graded alone."""
    return jnp.mean(weights * jax.nn.softplus(-margins), axis=1)


def average(margins: Margins, weights: Margins) -> PerSample:
    """`softplus(-mean_j w_j M_j)`: against the average rival.

    References:
        Jolicoeur-Martineau 2018, eqs. 14 and 15 (relativistic average), with cross-entropy.
    """
    return jax.nn.softplus(-jnp.mean(weights * margins, axis=1))


def hardest(margins: Margins, weights: Margins) -> PerSample:
    """`softplus(-min_j M_j)`: only the most convincing rival counts, so weights do nothing."""
    del weights
    return jax.nn.softplus(-jnp.min(margins, axis=1))


def listwise_sum(margins: Margins, weights: Margins) -> PerSample:
    """Plackett-Luce: minus the log-probability of the list "the real, then rivals by their score".

    The list is drawn place by place, each time by a softmax over those not placed yet. With the
    rivals' scores sorted, `u_1 >= ... >= u_K` and `u = -M` (the real's own is 0), it is
    `log(1 + sum_j exp(u_j)) + sum_k [log(sum_{j >= k} exp(u_j)) - u_k]`; `log((K + 1)!)` at zero.
    The first place is `softmax_sum`; the others grade the rivals against each other, by the order
    that the discriminator itself gives them. Weights do nothing.

    References:
        Plackett 1975; as a loss for ranking, Xia et al. 2008, eq. 7 (ListMLE).
    """
    del weights
    rivals = -jnp.sort(margins, axis=1)
    from_each_on = jax.lax.cumlogsumexp(rivals, axis=1, reverse=True)
    first_place = jax.nn.softplus(from_each_on[:, 0])
    return first_place + jnp.sum(from_each_on - rivals, axis=1)


def listwise_mean(margins: Margins, weights: Margins) -> PerSample:
    """The same for each of the list's K choices: `log((K + 1)!) / K` at zero."""
    return listwise_sum(margins, weights) / margins.shape[1]


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
