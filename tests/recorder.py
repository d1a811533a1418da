"""A sink that keeps what it is given, in order."""

from collections.abc import Mapping
from typing import Any


class Recorder:
    """`(nimg, row)`, `(nimg, name, png)`, and how often it was flushed and closed."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
        self.seen.append((nimg, dict(row)))

    def image(self, nimg: int, name: str, png: bytes) -> None:
        self.seen.append((nimg, name, png))

    def flush(self) -> None:
        self.seen.append("flushed")

    def close(self) -> None:
        self.seen.append("closed")
