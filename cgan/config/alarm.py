"""Limits beyond which a probe in training is called a collapse."""

from dataclasses import dataclass

from cgan.config.checks import check_types, not_negative, positive, require

SHARES = ("captured", "effective", "duplicates")
OF_SCORES = ("score_gap", "held_out_gap")
"""Limits that need a discriminator with scores."""


@dataclass(frozen=True)
class Alarm:
    """Limits of what a probe measures. Shares are of what as many real samples score."""

    captured: float = 0.6
    """Least share of the modes of points, or of the held-out neighbourhoods of images."""
    effective: float = 0.5
    """Least effective number of different samples, as a share of the reals' one."""
    duplicates: float = 0.2
    """Largest share of samples whose nearest other one is half as far as 1 % of reals have it."""
    patience: int = 3
    """Probes in a row beyond a limit that are a collapse; as many within it arm the alarm."""
    arm_nimg: int | None = None
    """Judge a run that never was within a limit after so many images; None for half of all."""
    score_gap: float | None = None
    """Largest mean score of reals above that of samples; its scale is the loss's own."""
    held_out_gap: float | None = None
    """Largest mean score of train reals above that of held-out ones: the same scale."""

    def __post_init__(self) -> None:
        check_types(self, "alarm.")
        for name in SHARES:
            value = getattr(self, name)
            require(0 <= value <= 1, f"alarm.{name}", value, "from 0 to 1")
        positive(self, "alarm.", "patience")
        if self.arm_nimg is not None:
            positive(self, "alarm.", "arm_nimg")
        not_negative(self, "alarm.", *(n for n in OF_SCORES if getattr(self, n) is not None))
