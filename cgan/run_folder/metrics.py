"""Rows of metrics: means over the steps between two of them."""

from typing import Any

import numpy as np


class RowMeans:
    """Means of metrics over the steps since the last row; what is pending goes into checkpoints.

    So a resumed run writes the very rows that it would have written.
    """

    def __init__(self, pending: dict[str, Any]) -> None:
        self._sums: dict[str, float] = dict(pending.get("sums", {}))
        self._steps: int = pending.get("steps", 0)

    @property
    def pending(self) -> dict[str, Any]:
        """All sums that are needed to go on, in JSON's types (exact for float64)."""
        return {"sums": dict(self._sums), "steps": self._steps}

    def add(self, metrics: dict[str, np.ndarray]) -> None:
        """Add the metrics of one dispatch, `[steps]` each."""
        for name, values in metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(values.astype(np.float64).sum())
        self._steps += len(next(iter(metrics.values())))

    def take(self) -> dict[str, float]:
        """Take the means since the last row, and begin anew."""
        means = {name: total / self._steps for name, total in self._sums.items()}
        self._sums, self._steps = {}, 0
        return means
