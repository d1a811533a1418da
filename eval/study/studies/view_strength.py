"""How strong views should be, and how sharp the contrast between them.

The neighbour game on two sets of digits, at strengths of the views from 0, where a view is the
sample itself, to 1, and at temperatures from 0.05 to 1. Of each run it is asked what the
discriminator's features tell of classes that it never saw, and what the generator covers. Views
that are too mild teach nothing, and views that are too strong tell another digit: Tian et al. 2020
("What makes for good views for contrastive learning?") found accuracy highest in between; Wang &
Liu 2021 the same of the temperature.
"""

import dataclasses

from eval.study.declare import Benchmark, Change, Curves, Figure, Point, Study, Variant, change

STRENGTHS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
TEMPERATURES = (0.05, 0.1, 0.2, 0.5, 1.0)
STRENGTH, TEMPERATURE = 0.5, 0.1
"""Values of the one that stays while the other moves."""
WITHOUT = "no views, no game"
KL = Figure("reverse_kl_nats", "reverse KL", "{:.4f}", n=10_000)
FIGURES = (
    Figure("linear_probe_accuracy", "linear probe", more_is_better=True),
    Figure("silhouette_cosine", "silhouette", more_is_better=True),
    Figure("modes_captured_at_20", "modes at 20", "{:.1f}", n=10_000, more_is_better=True),
    KL,
    Figure("frechet_distance", "Frechet distance", "{:.1f}", n=10_000),
)


def game(strength: float, temperature: float) -> Change:
    """The neighbour game at its usual weight beside the score's loss."""
    return change(
        objective={"loss": "pairwise"},
        augment={"strength": strength},
        embedding={"weight": 0.1, "temperature": temperature},
    )


def _name(strength: float, temperature: float) -> str:
    return f"strength {strength:g}, tau {temperature:g}"


SETTINGS = {
    _name(*both): both
    for both in (
        *((strength, TEMPERATURE) for strength in STRENGTHS),
        *((STRENGTH, temperature) for temperature in TEMPERATURES if temperature != TEMPERATURE),
    )
}
"""Strength and temperature by the name of their variant."""


def points(benchmark: str, variant: str) -> tuple[Point, ...]:
    """Places of a variant in the picture: in both rows of panels where neither moved."""
    strength, temperature = SETTINGS.get(variant, (None, None))
    found = []
    if temperature == TEMPERATURE and strength is not None:
        found.append(Point("strength of views", benchmark, strength))
    if strength == STRENGTH and temperature is not None:
        found.append(Point("temperature", benchmark, temperature))
    return tuple(found)


MIDDLE = _name(STRENGTH, TEMPERATURE)
OF_DIGITS = Benchmark(total_nimg=25_600, figures=FIGURES, experiment="digits", held_out=True)

STUDY = Study(
    summary="strength of views and temperature of the neighbour game on two sets of digits",
    variants={
        WITHOUT: Variant(change(objective={"loss": "pairwise"})),
        **{name: Variant(game(*both)) for name, both in SETTINGS.items()},
    },
    benchmarks={
        "digits": OF_DIGITS,
        "mnist_8x8": dataclasses.replace(OF_DIGITS, change=change(data={"source": "mnist_8x8"})),
    },
    baseline=WITHOUT,
    seeds=3,
    decides_by=KL.key,
    pairs=tuple((MIDDLE, other) for other in SETTINGS if other != MIDDLE),
    pairs_by=("linear_probe_accuracy", "silhouette_cosine", KL.key),
    curves=Curves(
        ("linear_probe_accuracy", "silhouette_cosine", KL.key, "frechet_distance@10000"), points
    ),
)
