"""The journal of searches: a line of JSON for each evaluation, by which they go on.

A line holds a point of the cube and its value with all their digits, and the key of what the
value depends on. Lines of other keys (another checkpoint, another score) are left where they are.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from cgan.config import ConfigError
from eval.files.json_lines import InUse, JsonLines, opened, read_rows
from eval.names import MethodName
from eval.search.methods import History

JOURNAL = "journal.jsonl"
"""Name of its file, in the folder of a search."""


class Journal:
    """The evaluations of one run by one score, which grow; see `kept`."""

    def __init__(self, file: JsonLines, rows: list[dict[str, Any]], key: str) -> None:
        self._file, self._key = file, key
        self._rows = [row for row in rows if row.get("key") == key]

    def history(self, method: MethodName, seed: int, dimensions: int, most: int) -> History:
        """The first evaluations of one search that are known, at most so many."""
        found: dict[int, tuple[list[float], float]] = {}
        for row in self._rows:
            if (row.get("method"), row.get("seed")) == (method, seed):
                found.setdefault(row["number"], (row["point"], row["value"]))
        known = next(n for n in range(len(found) + 1) if n not in found)
        rows = [found[number] for number in range(min(known, most))]
        points = np.array([point for point, _ in rows], np.float64).reshape(-1, dimensions)
        return History(points, np.array([value for _, value in rows], np.float64))

    def add(
        self, method: MethodName, seed: int, number: int, point: np.ndarray, value: float
    ) -> None:
        """Keep an evaluation.

        Raises:
            DiskError: the file can't be written.
        """
        self._append(
            {
                "method": method,
                "seed": seed,
                "number": number,
                "point": point.tolist(),
                "value": value,
            }
        )

    def reference(self, n: int, seed: int) -> Float[np.ndarray, " n"] | None:
        """The scores of so many random latents; None where they are not known."""
        for row in self._rows:
            if (row.get("reference_n"), row.get("seed")) == (n, seed):
                return np.array(row["values"], np.float64)
        return None

    def add_reference(self, values: Float[np.ndarray, " n"], seed: int) -> None:
        """Keep the scores of random latents.

        Raises:
            DiskError: the file can't be written.
        """
        self._append({"reference_n": len(values), "seed": seed, "values": values.tolist()})

    def _append(self, row: dict[str, Any]) -> None:
        row = {"key": self._key, **row}
        self._file.append([json.dumps(row, allow_nan=False) + "\n"])
        self._rows.append(row)


@contextmanager
def kept(path: Path, key: str) -> Iterator[Journal]:
    """The journal in a file, which nobody else may add to meanwhile.

    Args:
        path: the file; made if need be.
        key: of all that a value depends on but its point.

    Raises:
        ConfigError: another search writes to it.
        OSError: it can't be opened.
    """
    try:
        with opened(path, wait=False) as file:
            yield Journal(file, read_rows(path), key)
    except InUse:
        raise ConfigError(
            f"{path}: another search is writing to it; must be left to it, or --out be another "
            "folder"
        ) from None
