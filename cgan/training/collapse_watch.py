"""The collapse alarm of a run in training: when it is probed, what is said, what may be saved.

Only the first of many processes watches; the others have `WatchedElsewhere`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cgan.assemble import Parts
from cgan.config import Experiment, Launch, require
from cgan.data import Source
from cgan.probe import AT_LEAST, CollapseAlarm, Crossing, Probe, Splits, fixed_splits
from cgan.probe.columns import ALARMS, COVERAGE, MODES
from cgan.state import TrainState
from cgan.system.errors import CollapseError
from cgan.training.outputs import Outputs
from cgan.training.progress import TrainingProgress
from cgan.training.watch import NoWatch


class CollapseWatch:
    """A watch over one run by its probes."""

    def __init__(
        self,
        config: Experiment,
        probe: Probe,
        stops: bool,
        outputs: Outputs,
        progress: TrainingProgress,
        rows: Iterable[Mapping[str, Any]],
    ) -> None:
        """Begin to watch where the run stands.

        Args:
            config: of the experiment.
            probe: of its players.
            stops: whether a collapse ends the run.
            outputs: where the figures go.
            progress: what warnings are said on.
            rows: of metrics, as far as the run has come.
        """
        self._config, self._probe, self._stops = config, probe, stops
        self._outputs, self._progress = outputs, progress
        self._alarm = CollapseAlarm(config)
        for row in rows:
            self._alarm.update(row["nimg"], row)
        self._collapse = self._first_raised()
        """Alarm that a run which stops ends for.

        Also if the run is healthy again before all processes end.
        """

    def look(self, state: TrainState, nimg: int) -> Any:
        return (
            self._probe.look(state) if self._config.passes(nimg, self._config.probe_nimg) else None
        )

    def update(self, nimg: int, look: Any) -> None:
        figures = self._probe.figures(look)
        before = {crossing.limit for crossing in self._alarm.raised}
        self._alarm.update(nimg, figures)
        raised = {crossing.limit: crossing for crossing in self._alarm.raised}
        self._collapse = self._collapse or self._first_raised()
        self._outputs.row(nimg, figures | {ALARMS: float(len(raised))})
        self._progress.note(_short(figures, self._alarm.raised))
        for limit in raised.keys() - before:
            self._say(nimg, f"mode collapse: {raised[limit]}; {self._outputs.newest()}")
        for limit in before - raised.keys():
            self._say(nimg, f"{limit.figure} = {figures[limit.figure]:.3g}, healthy again")

    def allows_checkpoint(self, nimg: int) -> bool:
        if not self._stops:
            return True
        is_last = nimg == self._config.final_nimg
        return not (self._collapse or (self._alarm.suspected and not is_last))

    @property
    def wants_end(self) -> bool:
        return self._stops and self._collapse is not None

    def ending(self) -> CollapseError:
        return CollapseError(
            f"mode collapse: {self._collapse}; {self._outputs.newest()}; {WAYS_OUT}"
        )

    def _first_raised(self) -> Crossing | None:
        return next(iter(self._alarm.raised), None)

    def _say(self, nimg: int, text: str) -> None:
        self._progress.say(f"{nimg:>10,} images seen: {text}")


class WatchedElsewhere(NoWatch):
    """A watch that leaves it to the first process, which may end all of them."""

    def ending(self) -> CollapseError:
        return CollapseError("process 0 saw a mode collapse; it says which")


WAYS_OUT = (
    "the same command would come here again: --on-collapse warn goes on past it, and other "
    "settings (more penalty.r1 and penalty.r2, a smaller optim.lr) need a --workdir of their own"
)


def find_reals(parts: Parts, held_out: Source) -> Splits | None:
    """Find the reals to probe with; None where the run has no probes.

    Raises:
        ConfigError: the reals can't be read.
    """
    return fixed_splits(parts, held_out) if _is_probed(parts.config) else None


def require_probes(config: Experiment, reals: Splits | None, launch: Launch) -> None:
    """Refuse to stop at a collapse that no probe would see.

    Raises:
        ConfigError: such a stop.
    """
    due, stops = _is_probed(config), launch.on_collapse == "stop"
    expected = f"warn with probe_nimg = {config.probe_nimg} in {config.final_nimg} images: no probe"
    require(due or not stops, "on_collapse", launch.on_collapse, expected)
    expected = f"warn with fewer than {AT_LEAST} samples in a split, which are too few to probe"
    require(reals is not None or not stops, "on_collapse", launch.on_collapse, expected)


def _is_probed(config: Experiment) -> bool:
    return 0 < config.probe_nimg <= config.final_nimg


def _short(figures: Mapping[str, float], raised: list[Crossing]) -> str:
    """A few characters for the progress line: what is captured, or what is wrong."""
    told = [crossing.limit.figure for crossing in raised] or [
        n for n in (MODES, COVERAGE) if n in figures
    ]
    shown = " ".join(f"{name.removeprefix('probe/')} {figures[name]:.0%}" for name in told)
    return f"COLLAPSE {shown}" if raised else shown
