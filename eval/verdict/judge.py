"""From measured evidence to a verdict: pure rules, in the order in which they are asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool

from eval.metrics.birthday import BIRTHDAY
from eval.metrics.precision_recall import PRECISION
from eval.metrics.quality import HIGH_QUALITY, WIDTH_RATIO
from eval.records.record import Record
from eval.verdict.limits import lower_limit, upper_limit
from eval.verdict.modes import FRACTION, LEVEL, ModeCounts, Tested, examine, samples_to_decide

Kind = Literal["covers", "collapsed", "drops", "undecided", "unrecognisable"]
Reason = Literal["shares", "repeats", "width", "fidelity"]
"""What a verdict rests on, which is one of four findings.

The modes' shares, samples that repeat each other, narrow modes, or samples that do not look like
data.
"""

EXIT_CODES: dict[Kind, int] = {
    "covers": 0,
    "collapsed": 1,
    "drops": 3,
    "undecided": 4,
    "unrecognisable": 5,
}
"""Exit codes of `python -m eval collapse` by verdict; 2 is bad input."""

HALF = 0.5
"""Half of the data's mass, or of the samples: the share that makes a collapse."""
ROUNDING = 1e-9
"""Rounding that sums of shares may be off by."""
RECOGNIZED = 0.1
"""Share of real data's fidelity below which samples are not recognisable as this data."""
ONE_SIDED = 1.645
"""Standard errors from a value to its one-sided 95 % limit."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a verdict is drawn from: counts of modes, and figures."""

    modes: ModeCounts
    real_modes: ModeCounts
    """Counts of the modes of held-out real samples."""
    generated: Mapping[str, Record]
    """Figures of the generated samples, by metric."""
    real: Mapping[str, Record]
    """Figures of the held-out real samples, by metric."""

    @property
    def fidelity(self) -> Record:
        """The figure for the share of the samples that lie where data lie."""
        return self.generated.get(HIGH_QUALITY.name) or self.generated[PRECISION.name]


@dataclass(frozen=True, eq=False)
class Verdict:
    """A conclusion on a generator, with its reason and evidence."""

    kind: Kind
    reason: Reason
    evidence: Evidence
    tested: Tested
    real_tested: Tested
    named: Bool[np.ndarray, " modes"]
    """The modes that are dropped; none where counts of modes say nothing."""
    samples_to_decide: int | None
    """Samples that would tell more of undecided modes; None where no mode is undecided."""

    @property
    def exit_code(self) -> int:
        """The exit code that scripts see."""
        return EXIT_CODES[self.kind]


def judge(evidence: Evidence, seed: int) -> Verdict:
    """Draw the verdict from the evidence, by the first rule that holds.

    Collapsed (the samples repeat each other), unrecognisable, collapsed (modes that hold half of
    the data are dropped, or modes are narrow), drops, covers; and else undecided.

    Args:
        evidence: what was measured.
        seed: what halves the samples.
    """
    modes = evidence.modes
    tested = examine(modes, seed)
    kind, reason = _decide(evidence, tested)
    return Verdict(
        kind=kind,
        reason=reason,
        evidence=evidence,
        tested=tested,
        real_tested=examine(evidence.real_modes, seed),
        named=tested.named & (reason != "fidelity"),
        samples_to_decide=_to_decide(modes, tested.undecided),
    )


def _decide(evidence: Evidence, tested: Tested) -> tuple[Kind, Reason]:
    if repeats(evidence.generated[BIRTHDAY.name]):
        return "collapsed", "repeats"
    if unrecognizable(evidence.fidelity):
        return "unrecognisable", "fidelity"
    if evidence.modes.held(tested.named) >= HALF - ROUNDING:
        return "collapsed", "shares"
    if narrow(evidence.generated.get(WIDTH_RATIO.name), FRACTION):
        return "collapsed", "width"
    if tested.named.any():
        return "drops", "shares"
    return ("covers" if tested.covered.all() else "undecided"), "shares"


def repeats(record: Record) -> bool:
    """Whether the samples are few different ones, by the record of the birthday support.

    The support's 95 % interval lies below a hundredth of real data's and a tenth of the train set,
    and at least half of the samples come back as often as samples of so small a support do.
    """
    if record.value is None:
        return False
    high, share = record.details["interval_95"][1], record.details["repeated_share"]
    at_least = lower_limit(round(share * record.n), record.n, LEVEL)
    return bool(high < record.details["small_below"] and at_least >= HALF)


def unrecognizable(record: Record) -> bool:
    """Whether the share of the samples that lie where data lie is below a tenth of real data's."""
    if record.value is None or record.floor is None:
        return False
    count = np.array(round(record.value * record.n))
    return float(upper_limit(count, record.n, LEVEL)) < RECOGNIZED * record.floor


def narrow(record: Record | None, fraction: float) -> bool:
    """Whether the width of the modes, by its upper 95 % limit, is below a fraction of the true."""
    if record is None or record.value is None:
        return False
    return record.value + ONE_SIDED * (record.standard_error or 0.0) < fraction


def _to_decide(modes: ModeCounts, undecided: Bool[np.ndarray, " modes"]) -> int | None:
    """Number of samples that would tell more of undecided modes; None where there are none.

    With enough to tell of a mode without samples, four times as many halve the interval.
    """
    if not undecided.any():
        return None
    least = samples_to_decide(modes.against.dropped_below.of(undecided), len(modes.names))
    return least if least > modes.n else 4 * modes.n
