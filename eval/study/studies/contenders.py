"""Variants and figures that the studies of mode collapse share."""

from eval.study.declare import Figure, Variant, change

NO_PENALTY = {"r1": 0.0, "r2": 0.0}
NONSATURATING = "non-saturating + R1 + R2"

CONTENDERS: dict[str, Variant] = {
    NONSATURATING: Variant(change(objective={"loss": "nonsaturating"}), tuned=True),
    "non-saturating": Variant(change(objective={"loss": "nonsaturating"}, penalty=NO_PENALTY)),
    "hinge + spectral norm": Variant(
        change(
            objective={"loss": "hinge"}, penalty=NO_PENALTY, discriminator={"spectral_norm": True}
        )
    ),
    "pairing + R1 + R2": Variant(
        change(objective={"loss": "softmax", "fakes_per_real": 1}), tuned=True
    ),
    "softmax + R1 + R2": Variant(change(objective={"loss": "softmax"}), tuned=True),
    "pairwise + R1 + R2": Variant(change(objective={"loss": "pairwise"}), tuned=True),
    "average + R1 + R2": Variant(change(objective={"loss": "average"}), tuned=True),
}
"""Variants that are compared: the literature's losses, then ours over all fakes of a batch.

The literature's are of Goodfellow et al. 2014, Mescheder et al. 2018 and Miyato et al. 2018;
pairing with R1 and R2 is R3GAN's, Huang et al. 2024.
"""

POINTS = (
    Figure("modes_captured_at_1", "modes", "{:.1f}"),
    Figure("modes_captured_at_20", "modes at 20", "{:.1f}"),
    Figure("high_quality_share_3sigma", "high quality", "{:.3f}"),
    Figure("reverse_kl_nats", "reverse KL", "{:.3f}"),
    Figure("mode_width_ratio_3sigma", "width", "{:.2f}"),
)
"""Figures of 2,500 points; the KL has a bin for points that belong to no mode."""

STACKED = (
    Figure("modes_captured_at_1", "modes", "{:.1f}"),
    Figure("reverse_kl_nats", "reverse KL", "{:.4f}"),
    Figure("frechet_distance", "Frechet distance", "{:.1f}"),
)
"""Figures of 26,000 stacked digits."""

STACKED_TWICE = (
    *STACKED,
    Figure("modes_captured_at_1", "modes at 100k", "{:.1f}", n=100_000),
    Figure("reverse_kl_nats", "reverse KL at 100k", "{:.4f}", n=100_000),
)
"""Figures of 26,000 stacked digits, and of 100,000."""
