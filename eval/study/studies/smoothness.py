"""What keeps a discriminator's score from steepening: R1 and R2, attacks, both, or nothing.

R1 and R2 square the slope and ask it of every sample; an attack shrinks margins by the radius times
the slope, inside the loss, so that pairs which are won cost nothing (`docs/adversarial.md`). Each
of the three has three trials on seeds that are not reported, at half of the images: of the weight
of R1 and R2, of the radius, and of both around their middle. How far the score falls within a ball
around held-out reals stands beside modes and KL. Attacks take one step. 114 runs, 54 of them for
tuning.
"""

import dataclasses
from typing import Any

from cgan.config import Experiment
from eval.study.declare import (
    SCORE_CHANGE,
    SCORE_CHANGE_SHARE,
    Benchmark,
    Change,
    Figure,
    Study,
    Tuning,
    Variant,
    change,
    penalties,
)
from eval.study.studies.contenders import NO_PENALTY, POINTS, STACKED

RADIUS = {"grid25": 0.02, "digits": 0.5, "stacked_digits": 0.5}
"""Radii by data set, of which trials are multiples; reals are 2 apart on the grid, digits 6.

A mode of the grid has a standard deviation of 0.018, its neighbours are 0.71 away.
"""
HELD_DOWN = "R1 + R2"


def attacks(factor: float) -> Change:
    """A change that sets the radius of attacks to so many times the data's own."""

    def apply(config: Experiment) -> Experiment:
        augment = dataclasses.replace(
            config.augment, adversarial_radius=factor * RADIUS[config.data.source]
        )
        return dataclasses.replace(config, augment=augment)

    return apply


def both(weight: float, radius: float) -> Change:
    """A change that scales R1 and R2, and sets attacks."""
    return change(penalties(weight)[f"{weight:g}"], attacks(radius))


def falls(source: str) -> tuple[Figure, ...]:
    """The figures of how far the score falls within the data's own radius."""
    radius = RADIUS[source]
    return (
        Figure(SCORE_CHANGE, f"fall within {radius:g}", "{:.4f}", radius=radius),
        Figure(SCORE_CHANGE_SHARE, "beside two reals", "{:.2f}", radius=radius),
    )


NOTHING: Any = change(penalty=NO_PENALTY)
STEP_TIME = {
    "grid25": {"attacks": 1.12, "both": 1.28},
    "digits": {"attacks": 1.1, "both": 1.25},
    "stacked_digits_starved": {"attacks": 1.33, "both": 1.35},
}
"""Time of a step as a ratio to that with R1 and R2: `benchmarks.adversarial`, medians of 25 turns.

Two cores of an Intel Xeon at 2 GHz. Without either a step is shorter, and counts as that one.
"""
OF_BOTH = ((1.0, 0.25), (1.0, 1.0), (0.2, 1.0))

STUDY = Study(
    summary="R1 and R2, attacks on the discriminator, both, neither: modes, KL, robustness",
    variants={
        HELD_DOWN: Variant(change(), penalties(0.2, 1.0, 5.0)),
        "attacks": Variant(
            change(NOTHING, attacks(1.0)),
            {f"radius x {factor:g}": attacks(factor) for factor in (0.25, 1.0, 4.0)},
        ),
        "both": Variant(
            attacks(1.0),
            {f"R x {w:g}, radius x {r:g}": both(w, r) for w, r in OF_BOTH},
            ordered=False,
        ),
        "neither": Variant(NOTHING),
    },
    benchmarks={
        name: Benchmark(
            total_nimg=nimg,
            tuned_at=nimg // 2,
            figures=(*figures, *falls(source)),
            step_time=STEP_TIME[name],
        )
        for name, source, nimg, figures in (
            ("grid25", "grid25", 256_000, POINTS),
            ("digits", "digits", 64_000, STACKED),
            ("stacked_digits_starved", "stacked_digits", 128_000, STACKED),
        )
    },
    baseline=HELD_DOWN,
    tuning=Tuning(seeds=(100, 101), trials=3),
)
