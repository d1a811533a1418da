"""One head of one run at one radius with all that is needed to repeat it: a line of JSON."""

from dataclasses import dataclass

from cgan.types import Head

RECORDS = "robust.jsonl"
"""Name of the file of a run's records, in its folder or in another one."""


@dataclass(frozen=True)
class Robustness:
    """The worst change of a head's output within a ball, over held-out reals."""

    run: str
    head: Head
    radius: float
    """Radius of the ball, in the units of the samples as the networks see them."""
    worst_change: float
    """Mean over reals of the largest change that the attack found: a lower bound."""
    standard_error: float | None
    """Standard error of that mean; None for one real."""
    largest: float
    """Largest change of any real."""
    by_jacobian: float
    """Mean over reals of the radius times the largest singular value of the Jacobian there."""
    by_jacobian_standard_error: float | None
    reals_differ_by: float
    """Root of the mean squared difference of the head's outputs on two reals."""
    reals_apart: float
    """Root of the mean squared distance between two reals, in the units of the radius."""
    steps: int
    n: int
    seed: int
    checkpoint_nimg: int
    source: str
    r1: float
    """Weight of the penalty on this head at reals in training."""
    r2: float
    adversarial_radius: float
    """Radius of the attacks in training."""

    @property
    def relative(self) -> float | None:
        """The worst change as a share of what two reals differ by; None where they don't."""
        return self.worst_change / self.reals_differ_by if self.reals_differ_by else None
