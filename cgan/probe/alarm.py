"""The collapse alarm: figures of probes a few in a row beyond a limit that the run once kept.

A fresh generator is collapsed by nature, and one probe of a few hundred samples can err. So a
limit counts once it was kept a few probes in a row, or after so many images that a healthy run
would have; a few probes in a row beyond it raise the alarm, and as many within it end it.

The alarm is a function of the figures alone: a run that goes on reads them from metrics.jsonl.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cgan.config import Experiment
from cgan.probe.columns import COVERAGE, DUPLICATES, EFFECTIVE, HELD_OUT_GAP, MODES, SCORE_GAP


class Limit(NamedTuple):
    """A limit that a figure of the probes must keep to."""

    figure: str
    """Name of the figure, its column in metrics.jsonl."""
    bound: float
    is_least: bool
    """Whether the bound is the least that is healthy, or else the most."""

    def is_kept(self, value: float) -> bool:
        """Whether a value of the figure is healthy."""
        return value >= self.bound if self.is_least else value <= self.bound

    def __str__(self) -> str:
        return f"at {'least' if self.is_least else 'most'} {self.bound:g}"


def limits(config: Experiment) -> tuple[Limit, ...]:
    """All limits of an experiment; a figure that a run does not have is never compared."""
    alarm = config.alarm
    of_samples = (
        Limit(MODES, alarm.captured, True),
        Limit(COVERAGE, alarm.captured, True),
        Limit(EFFECTIVE, alarm.effective, True),
        Limit(DUPLICATES, alarm.duplicates, False),
    )
    of_scores = ((SCORE_GAP, alarm.score_gap), (HELD_OUT_GAP, alarm.held_out_gap))
    return of_samples + tuple(
        Limit(name, most, False) for name, most in of_scores if most is not None
    )


class Crossing(NamedTuple):
    """A figure's crossing of its limit."""

    limit: Limit
    value: float
    since_nimg: int
    """Images seen at the first probe in a row that was beyond."""

    def __str__(self) -> str:
        since = f"beyond it since {self.since_nimg:,} images"
        return f"{self.limit.figure} = {self.value:.3g}, must be {self.limit}, {since}"


class CollapseAlarm:
    """The alarm of one run: holds its figures against the limits, probe by probe."""

    def __init__(self, config: Experiment) -> None:
        arm_nimg = config.alarm.arm_nimg or config.final_nimg // 2
        self._watched = [
            _Watched(limit, config.alarm.patience, arm_nimg) for limit in limits(config)
        ]

    def update(self, nimg: int, figures: Mapping[str, Any]) -> None:
        """Take in the figures of a probe after so many images."""
        for watched in self._watched:
            if watched.limit.figure in figures:
                watched.update(nimg, figures[watched.limit.figure])

    @property
    def suspected(self) -> list[Crossing]:
        """Crossings of armed limits by the last probe."""
        return [w.crossing for w in self._watched if w.armed and w.beyond]

    @property
    def raised(self) -> list[Crossing]:
        """Crossings that are a collapse."""
        return [w.crossing for w in self._watched if w.raised]


class _Watched:
    """One limit, and where the run stands to it."""

    def __init__(self, limit: Limit, patience: int, arm_nimg: int) -> None:
        self.limit, self._patience, self._arm_nimg = limit, patience, arm_nimg
        self.armed = self.raised = False
        self.beyond = self._within = 0
        self._value, self._since_nimg = 0.0, 0

    @property
    def crossing(self) -> Crossing:
        return Crossing(self.limit, self._value, self._since_nimg)

    def update(self, nimg: int, value: float) -> None:
        self._value = value
        if self.limit.is_kept(value):
            self._within, self.beyond = self._within + 1, 0
        else:
            self._since_nimg = self._since_nimg if self.beyond or self.raised else nimg
            self._within, self.beyond = 0, self.beyond + 1
        self.armed |= self._within >= self._patience or nimg >= self._arm_nimg
        if self._within >= self._patience:
            self.raised = False
        elif self.armed and self.beyond >= self._patience:
            self.raised = True
