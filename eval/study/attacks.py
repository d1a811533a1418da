"""How far the score of a run falls within a ball around reals: figures of its discriminator."""

from collections.abc import Sequence

from cgan.assemble import Parts
from cgan.state import TrainState
from eval.gather import silent
from eval.robustness.attacked import Attacked
from eval.robustness.measure import STEPS, plan
from eval.robustness.measure import measure as measure_attacked
from eval.robustness.record import Robustness
from eval.splits import Splits
from eval.study.declare import SCORE_CHANGE_SHARE, Figure

SEED = 0
"""Seed of the attacks' starts: the same for all runs."""


def measure(
    figures: Sequence[Figure], parts: Parts, state: TrainState, splits: Splits, nimg: int
) -> dict[str, float | None]:
    """Measure those of the figures that have a radius, by their keys; None where it has no score.

    Args:
        figures: of a benchmark.
        parts: of the run.
        state: of the run, on the host.
        splits: the whole data set.
        nimg: images that the run has seen.
    """
    radii = {figure: figure.radius for figure in figures if figure.radius is not None}
    if not radii:
        return {}
    weights = (state.discriminator, state.discriminator_stats)
    run = Attacked(parts.config.workdir, parts, weights, splits, nimg)
    planned = plan([run], tuple(sorted(set(radii.values()))), None, STEPS, SEED)
    records = measure_attacked([run], planned, silent)
    at = {of.radius: of for of in records if of.head == "score"}
    return {figure.key: _value(figure, at.get(radius)) for figure, radius in radii.items()}


def _value(figure: Figure, record: Robustness | None) -> float | None:
    if record is None:
        return None
    return record.relative if figure.metric == SCORE_CHANGE_SHARE else record.worst_change
