"""Shares that counts are held against, known or counted themselves, and the exact tests of that.

Of n samples, c lie in a mode. Whether its share is below, or above, a limit L is told by

- the binomial distribution of n and L, where L is known;
- the binomial distribution of c + r and n L / (n L + r), where L is a fraction of what r of so many
  rows showed (Przyborowski & Wilenski 1940). Given c + r it does not depend on the share itself, so
  the test is exact however few rows there are.

A limit that was reckoned from several counts has the r that a single one of the same relative
standard error, 1 / sqrt(r), would have; r need not be whole.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import betainc
from scipy.stats import beta, binom


class Limit(NamedTuple):
    """Limits that the shares of modes are held against, known or counted themselves."""

    shares: Float[np.ndarray, " modes"]
    rows: Float[np.ndarray, " modes"]
    """Number of counted rows that each share rests on; infinity where the share is known."""

    def of(self, which: Int[np.ndarray, " some"] | Bool[np.ndarray, " modes"]) -> "Limit":
        """The limits of some of the modes."""
        return Limit(self.shares[which], self.rows[which])

    def joint(self, which: Bool[np.ndarray, " modes"]) -> "Limit":
        """The limit of these modes' joint share: a limit of one element."""
        shares, rows = self.of(which)
        total = shares.sum(keepdims=True)
        variance = np.divide(shares**2, rows, out=np.zeros(len(rows)), where=rows > 0)
        variance = variance.sum(keepdims=True)
        together = np.divide(total**2, variance, out=np.full(1, np.inf), where=variance > 0)
        return Limit(total, together)

    def halves(self, rng: np.random.Generator) -> tuple["Limit", "Limit"]:
        """Limits from two random halves of the counted rows, each by itself.

        The halves are independent, as Poisson numbers are.
        """
        counted = np.isfinite(self.rows)
        whole = np.where(counted, np.rint(self.rows), 0).astype(np.int64)
        first = rng.binomial(whole, 0.5)
        return self._of(first, whole, counted), self._of(whole - first, whole, counted)

    def _of(
        self,
        some: Int[np.ndarray, " modes"],
        of: Int[np.ndarray, " modes"],
        counted: Bool[np.ndarray, " modes"],
    ) -> "Limit":
        share = 2 * some / np.maximum(of, 1)
        return Limit(
            np.where(counted, share * self.shares, self.shares),
            np.where(counted, some, np.inf),
        )


def known(shares: Float[np.ndarray, " modes"]) -> Limit:
    """A limit without sampling error: shares that are known."""
    return Limit(shares, np.full(len(shares), np.inf))


def chance_of_so_few(
    counts: Int[np.ndarray, " modes"], n: int, limit: Limit
) -> Float[np.ndarray, " modes"]:
    """Probability of so few of n samples, or fewer, in a mode whose share is the limit."""
    rows, samples_share = _given_total(n, limit)
    counted = betainc(rows, counts + 1.0, 1 - samples_share)
    return np.where(np.isinf(limit.rows), binom.cdf(counts, n, limit.shares), counted)


def chance_of_so_many(
    counts: Int[np.ndarray, " modes"], n: int, limit: Limit
) -> Float[np.ndarray, " modes"]:
    """Probability of so many of n samples, or more, in a mode whose share is the limit."""
    rows, samples_share = _given_total(n, limit)
    counted = np.where(counts > 0, betainc(np.maximum(counts, 1), rows + 1, samples_share), 1.0)
    return np.where(np.isinf(limit.rows), binom.sf(counts - 1, n, limit.shares), counted)


def upper(
    counts: Int[np.ndarray, " modes"],
    n: int,
    limit: Limit,
    level: Float[np.ndarray, " modes"] | float,
) -> Float[np.ndarray, " modes"]:
    """The one-sided upper confidence limit of shares, to be compared with the limit.

    It is below the limit where `chance_of_so_few` is below the level.
    """
    rows = np.where(np.isinf(limit.rows), 1.0, limit.rows)
    among_both = beta.isf(level, counts + 1, np.maximum(rows, TINY))
    counted = rows / n * among_both / np.maximum(1 - among_both, TINY)
    exact = upper_limit(counts, n, level)
    return np.where(np.isinf(limit.rows), exact, np.minimum(counted, 1.0))


def upper_limit(
    counts: Int[np.ndarray, "*modes"], n: int, level: Float[np.ndarray, "*modes"] | float
) -> Float[np.ndarray, "*modes"]:
    """The one-sided upper confidence limit of shares (Clopper & Pearson 1934)."""
    return np.where(counts < n, beta.isf(level, counts + 1, np.maximum(n - counts, 1)), 1.0)


def lower_limit(count: int, n: int, level: float) -> float:
    """The one-sided lower confidence limit of a share (Clopper & Pearson 1934)."""
    return float(beta.ppf(level, count, n - count + 1)) if count else 0.0


def samples_to_tell(limit: Limit, level: float) -> Float[np.ndarray, " modes"]:
    """Number of samples by which a mode without any is known to lie below its limit.

    (1 - L)^n <= level where L is known, and (r / (n L + r))^r <= level where it is not.
    """
    rows = np.where(np.isinf(limit.rows), 1.0, np.maximum(limit.rows, TINY))
    counted = rows * np.expm1(-np.log(level) / rows) / limit.shares
    exact = np.log(level) / np.log1p(-limit.shares)
    return np.ceil(np.where(np.isinf(limit.rows), exact, counted))


TINY = 1e-300


def _given_total(
    n: int, limit: Limit
) -> tuple[Float[np.ndarray, " modes"], Float[np.ndarray, " modes"]]:
    """The rows, and the samples' share of samples and rows, where a share is the limit."""
    rows = np.where(np.isinf(limit.rows), 1.0, np.maximum(limit.rows, TINY))
    expected = n * limit.shares
    return rows, expected / (expected + rows)
