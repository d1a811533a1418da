"""Words for searches, which their table, picture and page share."""

from collections.abc import Sequence

import numpy as np

from eval.names import MethodName
from eval.search.record import BAR, Found

NAMES: dict[MethodName, str] = {
    "bayes": "Gaussian process",
    "random": "random",
    "sobol": "Sobol",
    "cmaes": "CMA-ES",
}
HEADINGS = ("best, mean over seeds", "best of all", "percentile, median", "seeds at the bar", "at")


def title(meaning: str, records: Sequence[Found]) -> str:
    """Words for what was searched, and by how much."""
    first = records[0]
    seeds = len({record.seed for record in records})
    cube = (
        f"{first.dimensions} latent dimensions"
        if first.dimensions == first.latent_dim
        else f"a slice of {first.dimensions} of {first.latent_dim} latent dimensions"
    )
    of_class = "" if first.asked_class is None else f" of class {first.asked_class}"
    return (
        f"{first.run}{of_class} ({first.checkpoint_nimg:,} images seen): search for a large "
        f"{meaning}, {first.evaluations} evaluations in {cube}, seeds: {seeds}"
    )


def by_method(records: Sequence[Found]) -> dict[MethodName, list[Found]]:
    """The records of each method, in the order in which they were made."""
    methods = dict.fromkeys(record.method for record in records)
    return {method: [r for r in records if r.method == method] for method in methods}


def row(records: Sequence[Found]) -> list[str]:
    """The cells of a method: see `HEADINGS`."""
    best = np.array([record.best for record in records])
    spread = f" ± {best.std(ddof=1) / len(best) ** 0.5:.1g}" if len(best) > 1 else ""
    percentiles = [r.percentile for r in records if r.percentile is not None]
    reached = [r.reached_at for r in records if r.reached_at is not None]
    compared = len(percentiles) > 0
    return [
        f"{best.mean():.4g}{spread}",
        f"{best.max():.4g}",
        f"{np.median(percentiles):.2f}" if compared else "-",
        f"{len(reached)} of {len(records)}" if compared else "-",
        f"{np.median(reached):.0f}" if reached else "-",
    ]


def footnote(records: Sequence[Found]) -> str:
    """What the columns mean."""
    first = records[0]
    if first.bar is None:
        return "Nothing says what random latents score: --reference-n was 0."
    return (
        f"The bar is the {BAR}th percentile of the scores of {first.reference_n:,} random latents, "
        f"{first.bar:.4g}; at: the evaluation that first reached it, the median of the seeds that "
        "did. ±: standard error."
    )


def summary(records: Sequence[Found]) -> str:
    """The result of the first method in a sentence."""
    method, own = next(iter(by_method(records).items()))
    best = max(own, key=lambda record: record.best)
    told = f"{NAMES[method]}: the best scores {best.best:.4g} (seed {best.seed}"
    told += f", evaluation {best.at})"
    if best.bar is None:
        return f"{told}."
    count = sum(record.reached_at is not None for record in own)
    return (
        f"{told}; the best of {best.evaluations} evaluations reaches the {BAR}th percentile of "
        f"{best.reference_n:,} random latents in {count} of {len(own)} seeds."
    )
