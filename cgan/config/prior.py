"""The settings of a prior: other runs that the weights are pulled towards, and how strongly."""

from dataclasses import dataclass
from pathlib import Path

from cgan.config.checks import check_types, not_negative, only_defaults, require
from cgan.config.setting import AllBut, check_read, setting
from cgan.config.warm_start import InitParts, Players

STRENGTHS = {"pre": "mu", "par": "lam"}
"""The strength of the pull towards each run."""
SHARED = ("players", "parts", "decoupled")
"""Settings of both pulls."""


@dataclass(frozen=True)
class Prior:
    """Pulls of the weights towards those of other runs. Strengths are in training samples."""

    pre: Path | None = None
    """Folder of a run whose weights are pulled towards, such as one that was pretrained."""
    mu: float = setting(0.0, read_by={"pre": AllBut(None)})
    """Strength of the pull towards `pre`: it weighs as much as so many training samples."""
    par: Path | None = None
    """Folder of another run to be pulled towards as well, such as a parent task's."""
    lam: float = setting(0.0, read_by={"par": AllBut(None)})
    """Strength of the pull towards `par`: it weighs as much as so many training samples."""
    players: Players = "both"
    """Players whose weights are pulled."""
    parts: InitParts = "all"
    """Weights that are pulled: those of the trunks, of the heads, or all."""
    decoupled: bool = False
    """Pull beside Adam, as AdamW decays weights, and not within the loss that Adam sees."""

    def __post_init__(self) -> None:
        check_types(self, "prior.")
        not_negative(self, "prior.", *STRENGTHS.values())
        check_read(self, "prior.")
        for run, strength in STRENGTHS.items():
            root, value = getattr(self, run), getattr(self, strength)
            if root is not None:
                folder = "the folder of a run, or None"
                require(str(root) not in ("", "."), f"prior.{run}", str(root), folder)
                expected = f"more than 0 with prior.{run} = {str(root)!r}"
                require(value > 0, f"prior.{strength}", value, expected)
        if self.is_off:
            only_defaults(self, "prior.", SHARED, "where prior.pre and prior.par are None")

    @property
    def is_off(self) -> bool:
        """Whether nothing is pulled."""
        return self.pre is None and self.par is None
