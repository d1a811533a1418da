"""One accuracy at one number of labels with all that is needed to repeat it: a line of JSON."""

from dataclasses import dataclass
from typing import Literal

from eval.few_labels.representations import Origin

Method = Literal["nearest_neighbor", "logistic_regression", "fine_tuning"]


@dataclass(frozen=True)
class Accuracy:
    """Held-out accuracy of one classifier on one representation, over draws of the labels."""

    method: Method
    origin: Origin
    """Whose weights: the run's, those that it started from, or none for pixels."""
    features: str
    """Name of the tap that was read, or pixels, coordinates or PCA."""
    labels_per_class: int
    accuracy: float
    """Mean over draws."""
    standard_error: float | None
    """Standard error of that mean; None for one draw."""
    over_baseline: float | None
    """Mean difference to the same classifier on the samples themselves, on the same draws.

    Of fine-tuning it is the difference to the same network from scratch.
    """
    over_baseline_standard_error: float | None
    accuracies: tuple[float, ...]
    """The accuracy of each draw; those of one number are of the same samples for all."""
    held_out_n: int
    train_n: int
    """Train samples among which labels are drawn, and by which features are standardised."""
    classes: int
    seed: int
    checkpoint_nimg: int
    source: str
    with_labels: bool
    """Whether the run itself learnt with all the labels."""
