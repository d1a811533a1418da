"""What an objective sees: this device's scores beside those of the whole batch."""

from typing import NamedTuple

from jaxtyping import Array, Int

from cgan.types import Scores, WholeBatchScores


class BatchScores(NamedTuple):
    """Scores of `n` local rows and of the whole batch; on one device they are the same.

    The gradient of a loss with respect to `all_*` must flow back to the devices they came from.
    """

    real: Scores
    fake: Scores
    all_reals: WholeBatchScores
    all_fakes: WholeBatchScores
    rows: Int[Array, " n"]
    """Which rows of the batch the local ones are."""
