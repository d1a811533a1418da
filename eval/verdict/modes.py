"""Which modes a generator drops and which it covers: exact tests of counts against true shares.

A mode counts as *dropped* if its share of the samples lies below a quarter of its true share, and
as *covered* if it does not. Three tests look at the counts:

- each mode alone, whether it is dropped: exact one-sided tests with Holm's correction (Holm 1979)
  over all modes, at a level of 2.5 %;
- the likeliest others together: suspects are named by one half of the samples, and whether their
  joint share lies below a quarter of their true one is tested once on the other half, at 2.5 %.
  That finds the missing hundred of a thousand modes where each has too few samples to be named
  alone. Those that were named are left out, which makes the rest look the better;
- each mode alone, whether it is covered, at 5 % without correction: only that *all* are is ever
  claimed of it, and that is wrong only if a mode that is not covered passes its own test (an
  intersection-union test, Berger 1982).

So a generator that drops nothing is said to drop something with a probability of at most 5 %, and
one that drops a mode is said to cover all with one of at most 5 %. A mode that is neither is
*undecided*. One that can't be judged at all, however many samples there are, is neither as well.

The tests are those of `limits`: they know whether true shares are known or counted themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from eval.verdict.limits import (
    Limit,
    chance_of_so_few,
    chance_of_so_many,
    known,
    samples_to_tell,
    upper,
)

ModeKind = Literal["classes", "modes", "bins"]
"""The kind of a mode: a class of images, a mode of a mixture, or a bin of data without classes."""

FRACTION = 0.25
"""Fraction of its true share below which a mode is dropped."""
LEVEL = 0.05
"""Probability that either claim is wrong: that something is dropped, and that all is covered."""
ALONE = TOGETHER = LEVEL / 2
SUSPICIOUS = 0.2
"""Probability, for one half of the samples, below which so few in a mode make it a suspect."""


class Expected(NamedTuple):
    """The shares that counts of modes are held against, if not the true ones as they are."""

    dropped_below: Limit
    """A quarter of the share that each mode has in counts of samples with the true shares."""
    covered_above: Limit
    """The limit for coverage: `dropped_below`, or more where others are counted as this mode."""
    judged: Bool[np.ndarray, " modes"]
    """Whether counts can tell of each mode."""

    def of(self, which: Int[np.ndarray, " some"]) -> "Expected":
        """The expected shares of some of the modes."""
        below, above, judged = self
        return Expected(below.of(which), above.of(which), judged[which])


@dataclass(frozen=True, eq=False)
class ModeCounts:
    """Counts of n samples by mode, with the share that each mode should have."""

    kind: ModeKind
    names: Sequence[str]
    labels: Int[np.ndarray, " modes"]
    """The label of each mode in the data's labels of samples."""
    true_shares: Float[np.ndarray, " modes"]
    """True share of each mode, more than 0."""
    counts: Int[np.ndarray, " modes"]
    n: int
    """Number of samples, those that lie in no mode among them."""
    expected: Expected | None = None
    """Shares that counts are held against; None for the true shares, which are known."""

    @property
    def against(self) -> Expected:
        """The shares that the counts are held against."""
        if self.expected is not None:
            return self.expected
        limit = known(FRACTION * self.true_shares)
        return Expected(limit, limit, np.ones(len(self.counts), bool))

    @property
    def shares_as_counted(self) -> Float[np.ndarray, " modes"]:
        """Each mode's share in counts of samples that have the true shares."""
        return self.against.dropped_below.shares / FRACTION

    def held(self, which: Bool[np.ndarray, " modes"]) -> float:
        """Share of the data that these modes hold, of all that lies in modes."""
        return float(self.true_shares[which].sum() / self.true_shares.sum())


@dataclass(frozen=True, eq=False)
class Tested:
    """Results of the tests for each mode: dropped, covered, or neither."""

    judged: Bool[np.ndarray, " modes"]
    """Whether each mode was tested; the others are neither dropped nor covered."""
    dropped: Bool[np.ndarray, " modes"]
    """Whether each mode is dropped by itself."""
    covered: Bool[np.ndarray, " modes"]
    upper: Float[np.ndarray, " modes"]
    """Upper limit of each mode's share, at the level at which Holm's procedure compares it."""
    suspects: Bool[np.ndarray, " modes"]
    """Whether each mode is a suspect, not dropped by itself."""
    suspects_upper: float
    """Upper limit of the suspects' joint share."""
    together: bool
    """Whether the suspects are dropped, taken together."""

    @property
    def named(self) -> Bool[np.ndarray, " modes"]:
        """Whether each mode is dropped, by itself or together with others."""
        return self.dropped | self.suspects if self.together else self.dropped

    @property
    def undecided(self) -> Bool[np.ndarray, " modes"]:
        """Whether each mode is neither known to be dropped nor known to be covered."""
        return self.judged & ~(self.dropped | self.covered)


def examine(modes: ModeCounts, seed: int) -> Tested:
    """Test which modes are dropped, and which are covered.

    Args:
        modes: what was counted.
        seed: what halves the samples.
    """
    counts, n, (below, above, judged) = modes.counts, modes.n, modes.against
    rare = np.where(judged, chance_of_so_few(counts, n, below), 1.0)
    levels = _holm_levels(rare)
    dropped = _holm(rare, levels)
    suspects, limit, together = _test_suspects(modes, judged & ~dropped, seed)
    return Tested(
        judged=judged,
        dropped=dropped,
        covered=judged & (chance_of_so_many(counts, n, above) <= LEVEL),
        upper=upper(counts, n, below, levels),
        suspects=suspects,
        suspects_upper=limit,
        together=together,
    )


def _holm_levels(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Holm's level for each p-value: level / tests for the smallest, level for the largest."""
    ranks = np.empty(len(p_values), np.int64)
    ranks[np.argsort(p_values, kind="stable")] = np.arange(len(p_values))
    return ALONE / (len(p_values) - ranks)


def _holm(
    p_values: Float[np.ndarray, " tests"], levels: Float[np.ndarray, " tests"]
) -> Bool[np.ndarray, " tests"]:
    """Whether each p-value and all smaller ones are within their levels."""
    order = np.argsort(p_values, kind="stable")
    passed = np.zeros(len(p_values), bool)
    passed[order] = np.logical_and.accumulate((p_values <= levels)[order])
    return passed


def _test_suspects(
    modes: ModeCounts, among: Bool[np.ndarray, " modes"], seed: int
) -> tuple[Bool[np.ndarray, " modes"], float, bool]:
    """Find suspects by one half of the samples, and test them together by the other half.

    Returns the suspects among these modes, the limit of their share in the other half, and whether
    that is below a quarter of their true one. What the limits were counted from is halved too:
    shares that came out too high make suspects.
    """
    bins, n = np.append(modes.counts, modes.n - modes.counts.sum()), modes.n // 2
    rng = np.random.default_rng([seed, 5])
    first = rng.multivariate_hypergeometric(bins, n, method="marginals")[:-1]
    one, other = modes.against.dropped_below.halves(rng)
    suspects = (chance_of_so_few(first, n, one) <= SUSPICIOUS) & among
    if not suspects.any():
        return suspects, 1.0, False
    count, joint = (modes.counts - first)[suspects].sum(keepdims=True), other.joint(suspects)
    (limit,) = upper(count, modes.n - n, joint, TOGETHER)
    return suspects, float(limit), bool(limit < joint.shares[0])


def samples_to_decide(limit: Limit, modes: int) -> int:
    """Number of samples by which any of these modes, had it none, would be known to be dropped.

    With fewer, even that tells nothing of a mode alone.

    Args:
        limit: of the modes to be decided on.
        modes: how many modes are tested.
    """
    return int(samples_to_tell(limit, ALONE / modes).max())
