"""What an objective sees: this device's scores beside those of the whole batch."""

from typing import NamedTuple

from jaxtyping import Array, Float, Int


class BatchScores(NamedTuple):
    """Scores of `n` local rows and of the whole batch; on one device they are the same.

    The gradient of a loss with respect to `all_*` must flow back to the devices they came from.
    """

    real: Float[Array, " n"]
    fake: Float[Array, " n"]
    all_reals: Float[Array, " batch"]
    all_fakes: Float[Array, " batch"]
    rows: Int[Array, " n"]
    """Which rows of the batch the local ones are."""
