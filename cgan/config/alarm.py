"""When a probe in training is called a collapse."""

from dataclasses import dataclass

from cgan.config.checks import check_types, positive, require


@dataclass(frozen=True)
class Alarm:
    """Limits of what a probe measures. Shares are of what as many real samples score."""

    captured: float = 0.6
    """Least share of the modes of points, or of the held-out neighbourhoods of images."""
    effective: float = 0.5
    """Least effective number of different samples, as a share of the reals' one."""
    duplicates: float = 0.2
    """Largest share of samples that are nearer to another one than 1 % of reals are."""
    patience: int = 3
    """So many probes in a row beyond a limit are a collapse; as many within it arm the alarm."""
    arm_nimg: int | None = None
    """Judge a run that was never within a limit after so many images; None: a quarter of all."""

    def __post_init__(self) -> None:
        check_types(self, "alarm.")
        for name in ("captured", "effective", "duplicates"):
            require(
                0 <= getattr(self, name) <= 1, f"alarm.{name}", getattr(self, name), FROM_0_TO_1
            )
        positive(self, "alarm.", "patience")
        if self.arm_nimg is not None:
            positive(self, "alarm.", "arm_nimg")


FROM_0_TO_1 = "from 0 to 1"
