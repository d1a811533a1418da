"""Words for surrogate models, which their table and their picture share."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eval.surrogate.record import Error, Method

METHODS: dict[Method, str] = {
    "source": "source's network as it is",
    "scratch": "network from scratch",
    "weight_decay": "from scratch, weight decay",
    "fine_tuning": "fine-tuning, no prior",
    "prior": "prior",
    "gaussian_process": "Gaussian process",
    "ridge_on_residuals": "ridge on residuals",
    "gaussian_process_on_residuals": "Gaussian process on residuals",
}


class Strength(NamedTuple):
    """How strong a prior is best at one number of points."""

    points: int
    chosen: tuple[float, ...]
    """In samples, by cross-validation within each draw's points."""
    best: float
    """In hindsight: that of the least mean error."""

    @property
    def typical(self) -> float:
        """Geometric mean of those that were chosen."""
        return float(np.exp(np.mean(np.log(self.chosen))))


def by_method(records: Sequence[Error]) -> dict[Method, list[Error]]:
    """The records of each method, by ascending numbers of points."""
    return {
        method: sorted((r for r in records if r.method == method), key=lambda r: r.points)
        for method in METHODS
        if any(record.method == method for record in records)
    }


def strengths(records: Sequence[Error]) -> list[Strength]:
    """How strong the prior is best, by ascending numbers of points."""
    found = []
    for record in by_method(records)["prior"]:
        if record.strengths is None or record.rmse_by_strength is None:
            raise ValueError("a record of the prior lacks its strengths")
        best = min(record.rmse_by_strength, key=lambda pair: pair[1])[0]
        found.append(Strength(record.points, record.strengths, best))
    return found


def one_strength(records: Sequence[Error]) -> float:
    """The strength of the least mean log error over all numbers of points: known in hindsight."""
    tables = [dict(r.rmse_by_strength or ()) for r in by_method(records)["prior"]]
    return min(tables[0], key=lambda mu: sum(float(np.log(table[mu])) for table in tables))


def title(record: Error) -> tuple[str, str]:
    """Words for the source, the target, and what methods are judged on."""
    draws = f"{len(record.rmses):,} draw{'s' * (len(record.rmses) > 1)}"
    return (
        f"{record.source}, {record.source_n:,} points, to {record.target}",
        f"{record.output} from {', '.join(record.inputs)}; {draws} of the points "
        f"(seed {record.seed}), judged on {record.judged_on}",
    )


def value_and_error(value: float, error: float | None) -> str:
    """A number with its standard error, where it has one: what no draw changes has none."""
    return f"{value:.3g}" if error is None or error < 1e-9 * value else f"{value:.3g} ± {error:.1g}"


def summary(records: Sequence[Error]) -> list[str]:
    """Sentences: the prior beside the networks from scratch, and how strong it is best."""
    of = by_method(records)
    decayed = {record.points: record.rmse for record in of["weight_decay"]}
    ratios = (
        f"{r.over_scratch:.2f} ({r.rmse / decayed[r.points]:.2f}) at {r.points}"
        for r in of["prior"]
    )
    told = strengths(records)
    chosen = (f"{each.typical:.2g} at {each.points}" for each in told)
    best = (f"{each.best:.2g} at {each.points}" for each in told)
    return [
        "The prior's error over that of a network from scratch (with weight decay): "
        f"{', '.join(ratios)} points.",
        f"Strength mu of the prior in samples, chosen within the points (geometric mean): "
        f"{', '.join(chosen)}; best in hindsight: {', '.join(best)}; one for all: "
        f"{one_strength(records):.2g}.",
    ]
