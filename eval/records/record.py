"""One measured figure with all that is needed to trust or repeat it, as a line of `eval.jsonl`."""

from dataclasses import dataclass
from typing import Any, Literal

SampleSet = Literal["generated", "generated_matched", "given", "moved", "real", "noise"]


@dataclass(frozen=True)
class Record:
    """One value of one metric on one set of samples."""

    metric: str
    """Name of the metric, which states its protocol."""
    value: float | None
    """The metric's value; None where the samples leave it undefined."""
    standard_error: float | None
    """Standard error over redraws of the samples; None where it can't be told."""
    error_protocol: str | None
    """Name of the method by which the standard error was estimated."""
    samples: SampleSet
    """Name of the set of samples that was measured.

    generated; its first ones, as many as real ones (generated_matched); or a baseline: held-out
    samples (real), uniform noise (noise). Of translations also what was given (given), and that
    with the mean and standard deviation of the target's pixels (moved).
    """
    n: int
    """Number of samples that the value is of; 0 for statistics that don't say."""
    seed: int
    checkpoint_nimg: int | None
    """Images that the checkpoint had seen; None for samples that came from no checkpoint."""
    source: str
    extractor: str
    extractor_fingerprint: str
    """Hash of the extractor's weights and preprocessing."""
    labeller: str | None
    """Extractor that sorts samples into classes; None where they have none."""
    labeller_accuracy: float | None
    reference: str
    """Hash of the samples that the metric compares with, such as the train split."""
    reference_n: int
    """Number of samples that the reference is of; 0 for statistics that don't say."""
    floor: float | None
    """Score of `floor_n` held-out real samples; None where there are none."""
    floor_n: int
    perfect_sampler: float | None
    """Score of n samples of the true distribution; None where none is modelled."""
    perfect_sampler_sd: float | None
    details: dict[str, Any]
