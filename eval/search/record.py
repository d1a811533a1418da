"""What one search found, with all that is needed to repeat it: a line of JSON."""

from dataclasses import dataclass

from eval.names import MethodName

RECORDS = "search.jsonl"
"""Name of the file of records, in the folder of a search."""
BAR = 99.9
"""Percentile of random latents that a search is asked to reach."""
REFERENCE_AT_LEAST = 1_000
"""Fewest random latents of which one lies above that percentile."""


@dataclass(frozen=True)
class Found:
    """The best sample that one method found from one seed."""

    run: str
    score: str
    method: MethodName
    seed: int
    evaluations: int
    best: float
    """Largest score."""
    at: int
    """Number of the evaluation that had it, the first being 1."""
    percentile: float | None
    """Percentage of random latents with a lower score; None where none were scored."""
    bar: float | None
    """The 99.9th percentile of random latents' scores."""
    reached_at: int | None
    """Number of the first evaluation at or above it; None for none."""
    reference_n: int
    reference_seed: int
    dimensions: int
    """Dimensions of the cube that was searched."""
    latent_dim: int
    latent_length: float
    """Norm of the best sample's latent, the whole of it."""
    asked_class: str | None
    checkpoint_nimg: int
    source: str
