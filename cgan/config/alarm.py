"""Limits beyond which a probe in training is called a collapse."""

from dataclasses import dataclass

from cgan.config.checks import check_types, not_negative, positive, require
from cgan.config.setting import AllBut, setting

SHARES = ("captured", "effective", "duplicates")
OF_SCORES = ("score_gap", "held_out_gap")
"""Limits that need a discriminator with scores."""
PROBED = {"probe_nimg": AllBut(0)}
SCORED = PROBED | {"objective.weight": AllBut(0)}


@dataclass(frozen=True)
class Alarm:
    """Limits of what a probe measures. Shares are of what as many real samples score."""

    captured: float = setting(0.6, read_by=PROBED)
    """Least share of the modes of points, or of the held-out neighbourhoods of images."""
    effective: float = setting(0.5, read_by=PROBED)
    """Least effective number of different samples, as a share of the reals' one."""
    duplicates: float = setting(0.2, read_by=PROBED)
    """Largest share of samples whose nearest other one is half as far as 1 % of reals have it."""
    patience: int = setting(3, read_by=PROBED)
    """Probes in a row beyond a limit that are a collapse; as many within it arm the alarm."""
    arm_nimg: int | None = setting(None, read_by=PROBED)
    """Judge a run that never was within a limit after so many images; None for half of all."""
    score_gap: float | None = setting(None, read_by=SCORED)
    """Largest mean score of reals above that of samples; its scale is the loss's own."""
    held_out_gap: float | None = setting(None, read_by=SCORED)
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
