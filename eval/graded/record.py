"""One distance on one group of pairs with all that is needed to repeat it: a line of JSON."""

from dataclasses import dataclass

from eval.graded.measure import Pairs

RECORDS = "graded.jsonl"
"""Name of the file of a run's records, in its folder or in another one."""


@dataclass(frozen=True)
class Agreement:
    """How well one distance is the known one on one group of pairs."""

    run: str
    distance: str
    """Name of the distance: of the run's embedding, trained or not, or of k-mers."""
    pairs: Pairs
    spearman: float
    relative_rmse: float
    """Root mean squared error over the standard deviation of the known distances."""
    n_pairs: int
    held_out_classes: int
    checkpoint_nimg: int
    seed: int
    source: str
