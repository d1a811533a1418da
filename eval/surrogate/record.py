"""One method's error at one number of points with all that is needed to repeat it: a JSON line."""

from dataclasses import dataclass
from typing import Literal

RECORDS = "surrogate.jsonl"

Method = Literal[
    "source",
    "scratch",
    "weight_decay",
    "fine_tuning",
    "prior",
    "gaussian_process",
    "ridge_on_residuals",
    "gaussian_process_on_residuals",
]


@dataclass(frozen=True)
class Error:
    """Root mean squared error of one method, over draws of the points."""

    method: Method
    points: int
    rmse: float
    """Mean over draws, in the output's unit."""
    standard_error: float | None
    """Standard error of that mean; None for one draw."""
    over_scratch: float
    """Mean error over that of a network from scratch."""
    rmses: tuple[float, ...]
    """The error of each draw; those of one number are of the same points for all methods."""
    strengths: tuple[float, ...] | None
    """Strength of the pull that cross-validation chose in each draw, in samples: `mu`."""
    rmse_by_strength: tuple[tuple[float, float], ...] | None
    """Each strength of the grid, and the mean error with it: known in hindsight alone."""
    output: str
    inputs: tuple[str, ...]
    source: str
    source_n: int
    target: str
    judged_on: str
    seed: int
