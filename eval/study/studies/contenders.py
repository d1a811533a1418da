"""Variants and figures that the studies of mode collapse share."""

from typing import Any

from eval.study.declare import Change, Figure, Variant, change

NO_PENALTY = {"r1": 0.0, "r2": 0.0}
NONSATURATING = "non-saturating + R1 + R2"
SCORE_ALONE = change(embedding={"weight": 0.0}, augment={"strength": 0.0})
"""Losses on the score, without a game of embeddings beside them and without views."""


def contenders(trials: dict[str, Change]) -> dict[str, Variant]:
    """Variants that are compared: the literature's losses, then ours over all fakes of a batch.

    The literature's are of Goodfellow et al. 2014, Mescheder et al. 2018 and Miyato et al. 2018;
    pairing with R1 and R2 is R3GAN's, Huang et al. 2024.

    Args:
        trials: of each variant with R1 and R2.
    """

    def of(loss: str, **objective: Any) -> Variant:
        return Variant(change(objective={"loss": loss} | objective), trials)

    hinge = change(
        objective={"loss": "hinge"}, penalty=NO_PENALTY, discriminator={"spectral_norm": True}
    )
    return {
        NONSATURATING: of("nonsaturating"),
        "non-saturating": Variant(change(objective={"loss": "nonsaturating"}, penalty=NO_PENALTY)),
        "hinge + spectral norm": Variant(hinge),
        "pairing + R1 + R2": of("softmax", fakes_per_real=1),
        "softmax + R1 + R2": of("softmax"),
        "pairwise + R1 + R2": of("pairwise"),
        "average + R1 + R2": of("average"),
    }


MODES = Figure("modes_captured_at_1", "modes", "{:.1f}", more_is_better=True)

POINTS = (
    MODES,
    Figure("modes_captured_at_20", "modes at 20", "{:.1f}", more_is_better=True),
    Figure("high_quality_share_3sigma", "high quality", "{:.3f}", more_is_better=True),
    Figure("reverse_kl_nats", "reverse KL", "{:.3f}"),
    Figure("mode_width_ratio_3sigma", "width", "{:.2f}"),
)
"""Figures of points, from 2,500 samples; the KL has a bin for points that belong to no mode."""

STACKED = (
    MODES,
    Figure("reverse_kl_nats", "reverse KL", "{:.4f}"),
    Figure("frechet_distance", "Frechet distance", "{:.1f}"),
)
"""Figures of stacked digits, from 26,000 samples."""

STACKED_TWICE = (
    *STACKED,
    Figure("modes_captured_at_1", "modes at 100k", "{:.1f}", n=100_000, more_is_better=True),
    Figure("reverse_kl_nats", "reverse KL at 100k", "{:.4f}", n=100_000),
)
"""Figures of stacked digits, from 26,000 samples and from 100,000."""

COVERAGE = (
    Figure("coverage_k5_strict", "coverage", more_is_better=True),
    Figure("recall_k3_inclusive", "recall", more_is_better=True),
    Figure("precision_k3_inclusive", "precision", more_is_better=True),
    Figure("ndb_share_5_percent_split", "NDB"),
)
"""Figures of what is covered, in features of the data set's own classifier.

The first three look at the first 10,000 samples and train samples, the last at all of 131,072 of
the latter. On stacked digits they take 5 s of a core.
"""

AUTHENTICITY = Figure(
    "authenticity", "authenticity", n=10_000, more_is_better=True, at_the_end=True
)
"""Figure of what is copied, by all of 131,072 train samples: 15 s of a core on stacked digits."""

STACKED_COVERAGE = (*STACKED, *COVERAGE, AUTHENTICITY)
"""Figures of stacked digits, from 26,000 samples, with what is covered and copied."""

DIGITS = STACKED_COVERAGE
"""Figures of single digits, from 10,000 samples: too many for a row of held-out ones."""
