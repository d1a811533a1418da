"""What the ablation compares: named changes to an experiment, in groups."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from cgan.config import Augment, Experiment, Objective, require
from configs import CONFIGS

SOURCES = {"grid25": 512_000, "stacked_digits": 256_000}
"""The experiments, with the images that each run may see."""

FIGURES = (
    "modes_captured_at_1",
    "modes_captured_at_20",
    "high_quality_share_3sigma",
    "mode_width_ratio_3sigma",
    "reverse_kl_nats",
    "frechet_distance",
)
"""What is measured of each run, as far as its data set has it."""

DEFAULT = "softmax"
"""The variant that changes nothing: `base` itself."""


def quick_metrics(known: dict[str, Any]) -> dict[str, Any]:
    """The metrics of `FIGURES` among these."""
    return {name: metric for name, metric in known.items() if name in FIGURES}


def base(source: str) -> Experiment:
    """What all variants start from: the experiment of `configs/`, with the softmax curve."""
    return dataclasses.replace(CONFIGS[source], objective=Objective(loss="softmax"))


Change = Callable[[Experiment], Experiment]


def change(*earlier: Change, **sections: dict[str, Any]) -> Change:
    """A change of some fields after others: `change(objective={"loss": "hinge"})`."""

    def apply(config: Experiment) -> Experiment:
        for step in earlier:
            config = step(config)
        fields = {
            name: dataclasses.replace(getattr(config, name), **values)
            for name, values in sections.items()
        }
        return dataclasses.replace(config, **fields)

    return apply


def views(config: Experiment) -> Experiment:
    """Augmented inputs: of points by a third of a mode's width, of images as far as they allow."""
    strength = {"grid25": 0.05, "stacked_digits": 0.3}[config.data.source]
    return dataclasses.replace(config, augment=Augment(strength))


ALONE: dict[str, dict[str, Any]] = {
    "objective": {"weight": 0.0},
    "penalty": {"r1": 0.0, "r2": 0.0},
    "embedding": {"weight": 1.0},
}
"""The embedding comparison without the score's, and without penalties."""
EMBEDDING_PENALTY = {"embedding": {"weight": 1.0, "r1": 0.5, "r2": 0.5}}


def _finite_differences(step: float) -> dict[str, Any]:
    return {"estimator": "finite_differences", "finite_difference": step}


GROUPS: dict[str, dict[str, Change]] = {
    "losses": {
        DEFAULT: change(),
        "softmax, sum": change(objective={"normalise": "sum"}),
        "softmax, no dual": change(objective={"dual": False}),
        "pairwise": change(objective={"loss": "pairwise"}),
        "average": change(objective={"loss": "average"}),
        "hardest": change(objective={"loss": "hardest"}),
        "listwise": change(objective={"loss": "listwise"}),
        "pairing (K = 1)": change(objective={"fakes_per_real": 1}),
        "nonsaturating": change(objective={"loss": "nonsaturating"}),
        "saturating": change(objective={"loss": "saturating"}),
        "hinge": change(objective={"loss": "hinge"}),
        "least_squares": change(objective={"loss": "least_squares"}),
        "wasserstein + GP": change(
            objective={"loss": "wasserstein"},
            penalty={"r1": 0.0, "r2": 0.0, "gradient_penalty": 10.0},
        ),
    },
    "fakes per real": {
        f"K = {count}": change(objective={"fakes_per_real": count}) for count in (4, 16, 48)
    },
    "temperature": {
        **{f"tau = {tau}": change(objective={"temperature": tau}) for tau in (0.25, 0.5, 2.0, 4.0)},
        "tau learnt in [0.25, 4]": change(objective={"temperature_bounds": (0.25, 4.0)}),
    },
    "penalties": {
        "none": change(penalty={"r1": 0.0, "r2": 0.0}),
        "hutchinson": change(penalty={"estimator": "hutchinson"}),
        "finite differences": change(penalty={"estimator": "finite_differences"}),
        "finite differences, step 0.01": change(penalty=_finite_differences(0.01)),
        "finite differences, step 0.1": change(penalty=_finite_differences(0.1)),
    },
    "hard fakes": {
        "beta = 1": change(objective={"hardness": 1.0}),
        "top 8": change(objective={"top_k": 8}),
    },
    "embedding": {
        "views only": views,
        "beside the score": change(views, embedding={"weight": 1.0}),
        "alone": change(views, **ALONE),
        "alone, no views": change(**ALONE),
        "alone, R1 and R2 on it": change(views, **ALONE | EMBEDDING_PENALTY),
        "alone, tau = 1": change(
            views, **ALONE | {"embedding": {"weight": 1.0, "temperature": 1.0}}
        ),
    },
}
"""Group, then variant, then its change. All start from `base`."""


def require_known(name: str, values: Iterable[str], known: Iterable[str]) -> None:
    """Raise a `ConfigError` unless all the values are known."""
    for value in values:
        require(value in known, name, value, f"one of {', '.join(known)}")
