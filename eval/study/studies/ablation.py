"""Which parts of an objective matter: losses, their settings, penalties, views, one at a time.

Each variant changes one thing in the experiment with the softmax curve, for which networks,
learning rate and penalties were tuned; so a row says how a change does as a drop-in, not at its
best. All of it takes some two hours on 2 idle cores.
"""

import dataclasses
from typing import Any

from cgan.config import Augment, Experiment
from eval.study.declare import Benchmark, Change, Figure, Study, Variant, change
from eval.study.studies.contenders import POINTS

DEFAULT = "softmax"
"""Name of the variant that changes nothing else."""


def softmax(config: Experiment) -> Experiment:
    """The experiment that all variants start from: that of `configs/`, with the softmax curve."""
    return change(objective={"loss": "softmax"})(config)


def views(config: Experiment) -> Experiment:
    """The experiment with augmented inputs: points by a third of a mode's width, images fully."""
    strength = {"grid25": 0.05, "stacked_digits": 0.3}[config.data.source]
    return dataclasses.replace(config, augment=Augment(strength))


MIRRORED: dict[str, Any] = {"game": "mirrored", "weight": 1.0}
ALONE: dict[str, dict[str, Any]] = {
    "objective": {"weight": 0.0},
    "penalty": {"r1": 0.0, "r2": 0.0},
    "embedding": MIRRORED,
}
"""Settings for the mirrored game on embeddings alone: no score, and no penalties."""
EMBEDDING_PENALTY = {"embedding": MIRRORED | {"r1": 0.5, "r2": 0.5}}


def _finite_differences(step: float) -> dict[str, Any]:
    return {"estimator": "finite_differences", "finite_difference": step}


GROUPS: dict[str, dict[str, Change]] = {
    "losses": {
        DEFAULT: change(),
        "softmax, sum": change(objective={"normalize": "sum"}),
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
    "mirrored embedding": {
        "views only": views,
        "beside the score": change(views, embedding=MIRRORED),
        "alone": change(views, **ALONE),
        "alone, no views": change(**ALONE),
        "alone, R1 and R2 on it": change(views, **ALONE | EMBEDDING_PENALTY),
        "alone, tau = 1": change(views, **ALONE | {"embedding": MIRRORED | {"temperature": 1.0}}),
    },
}
"""Changes of settings by group and variant. All start from `softmax`."""

STUDY = Study(
    summary="which parts of an objective matter, as drop-ins on two data sets",
    variants={
        name: Variant(change(softmax, of_one))
        for variants in GROUPS.values()
        for name, of_one in variants.items()
    },
    benchmarks={
        "grid25": Benchmark(total_nimg=512_000, figures=POINTS),
        "stacked_digits": Benchmark(
            total_nimg=256_000,
            figures=(
                Figure("modes_captured_at_1", "modes", "{:.1f}"),
                Figure("reverse_kl_nats", "reverse KL", "{:.4f}"),
                Figure("frechet_distance", "Frechet distance", "{:.1f}"),
            ),
        ),
    },
    baseline=DEFAULT,
    groups={title: tuple(variants) for title, variants in GROUPS.items()},
)
