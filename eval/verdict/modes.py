"""Which modes a generator drops and which it covers: exact tests of counts against true shares.

A mode counts as *dropped* if its share of the samples lies below a quarter of its true share, and
as *covered* if it does not. Three tests look at the counts:

- each mode alone, whether it is dropped: exact one-sided binomial tests with Holm's correction
  (Holm 1979) over all modes, at a level of 2.5 %;
- the likeliest others together: suspects are named by one half of the samples, and whether their
  joint share lies below a quarter of their true one is tested once on the other half, at 2.5 %.
  That finds the missing hundred of a thousand modes where each has too few samples to be named
  alone. Those that were named are left out, which makes the rest look the better;
- each mode alone, whether it is covered, at 5 % without correction: only that *all* are is ever
  claimed of it, and that is wrong only if a mode that is not covered passes its own test (an
  intersection-union test, Berger 1982).

So a generator that drops nothing is said to drop something with a probability of at most 5 %, and
one that drops a mode is said to cover all with one of at most 5 %. A mode that is neither is
*undecided*.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import beta, binom

ModeKind = Literal["classes", "modes", "bins"]
"""What modes are: classes of images, modes of a mixture, or bins of data without classes."""

FRACTION = 0.25
"""Of a mode's true share; below it, the mode is dropped."""
LEVEL = 0.05
"""Of either claim, that something is dropped and that all is covered, to be wrong."""
ALONE = TOGETHER = LEVEL / 2
SUSPICIOUS = 0.2
"""A mode is a suspect if one half of the samples would hold so few of it less often than this."""


@dataclass(frozen=True, eq=False)
class ModeCounts:
    """How many of n samples lie in each mode, and which share of them should."""

    kind: ModeKind
    names: Sequence[str]
    labels: Int[np.ndarray, " modes"]
    """By which samples are labelled."""
    true_shares: Float[np.ndarray, " modes"]
    """More than 0 each."""
    counts: Int[np.ndarray, " modes"]
    n: int
    """Samples, those that lie in no mode among them."""

    def held(self, which: Bool[np.ndarray, " modes"]) -> float:
        """What these modes hold of all that modes hold of the data."""
        return float(self.true_shares[which].sum() / self.true_shares.sum())


@dataclass(frozen=True, eq=False)
class Tested:
    """What the tests say of each mode."""

    dropped: Bool[np.ndarray, " modes"]
    """Each for itself."""
    covered: Bool[np.ndarray, " modes"]
    upper: Float[np.ndarray, " modes"]
    """The limit of each mode's share at the level at which Holm's procedure compares it."""
    suspects: Bool[np.ndarray, " modes"]
    """That are not dropped each for itself."""
    suspects_upper: float
    """The limit of the suspects' joint share."""
    together: bool
    """Whether the suspects are dropped, taken together."""

    @property
    def named(self) -> Bool[np.ndarray, " modes"]:
        """Dropped, each for itself or together."""
        return self.dropped | self.suspects if self.together else self.dropped

    @property
    def undecided(self) -> Bool[np.ndarray, " modes"]:
        """Neither known to be dropped nor to be covered."""
        return ~(self.dropped | self.covered)


def upper_limit(
    counts: Int[np.ndarray, "*modes"], n: int, level: Float[np.ndarray, "*modes"] | float
) -> Float[np.ndarray, "*modes"]:
    """The one-sided upper confidence limit of shares (Clopper & Pearson 1934)."""
    return np.where(counts < n, beta.isf(level, counts + 1, np.maximum(n - counts, 1)), 1.0)


def lower_limit(count: int, n: int, level: float) -> float:
    """The one-sided lower confidence limit of a share."""
    return float(beta.ppf(level, count, n - count + 1)) if count else 0.0


def examine(modes: ModeCounts, seed: int) -> Tested:
    """Which modes are dropped, and which are covered.

    Args:
        modes: what was counted.
        seed: what halves the samples.
    """
    limits = FRACTION * modes.true_shares
    rare = binom.cdf(modes.counts, modes.n, limits)
    levels = _holm_levels(rare)
    dropped = _holm(rare, levels)
    suspects, upper, together = _test_suspects(modes, dropped, seed)
    return Tested(
        dropped=dropped,
        covered=binom.sf(modes.counts - 1, modes.n, limits) <= LEVEL,
        upper=upper_limit(modes.counts, modes.n, levels),
        suspects=suspects,
        suspects_upper=upper,
        together=together,
    )


def _holm_levels(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """What each p-value is compared with: level / tests for the smallest, level for the largest."""
    ranks = np.empty(len(p_values), np.int64)
    ranks[np.argsort(p_values, kind="stable")] = np.arange(len(p_values))
    return ALONE / (len(p_values) - ranks)


def _holm(
    p_values: Float[np.ndarray, " tests"], levels: Float[np.ndarray, " tests"]
) -> Bool[np.ndarray, " tests"]:
    """Those up to the first that is not small enough, in the order of their p-values."""
    order = np.argsort(p_values, kind="stable")
    passed = np.zeros(len(p_values), bool)
    passed[order] = np.logical_and.accumulate((p_values <= levels)[order])
    return passed


def _test_suspects(
    modes: ModeCounts, dropped: Bool[np.ndarray, " modes"], seed: int
) -> tuple[Bool[np.ndarray, " modes"], float, bool]:
    """The suspects of one half of the samples beside modes that are known to be dropped, the limit
    of their share in the other half, and whether that is below a quarter of their true one."""
    bins = np.append(modes.counts, modes.n - modes.counts.sum())
    rng = np.random.default_rng([seed, 5])
    first = rng.multivariate_hypergeometric(bins, modes.n // 2, method="marginals")[:-1]
    chance = binom.cdf(first, modes.n // 2, FRACTION * modes.true_shares)
    suspects = (chance <= SUSPICIOUS) & ~dropped
    if not suspects.any():
        return suspects, 1.0, False
    count, n = int((modes.counts - first)[suspects].sum()), modes.n - modes.n // 2
    upper = float(upper_limit(np.array(count), n, TOGETHER))
    return suspects, upper, upper < FRACTION * float(modes.true_shares[suspects].sum())


def samples_to_decide(true_shares: Float[np.ndarray, " modes"], modes: int) -> int:
    """Samples by which a mode without any would be known to be dropped, for the rarest of these.

    (1 - share / 4)^n <= level / modes: with fewer, even that tells nothing of a mode alone.

    Args:
        true_shares: of the modes to be decided on.
        modes: how many modes are tested.
    """
    return int(np.ceil(np.log(ALONE / modes) / np.log1p(-FRACTION * true_shares.min())))
