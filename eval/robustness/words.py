"""Words for robustness, which its table and its picture share."""

from collections.abc import Sequence
from typing import NamedTuple

from cgan.types import Head
from eval.robustness.record import Robustness

HEADS: dict[Head, str] = {
    "score": "score: how far it falls",
    "embedding": "embedding: how far it moves",
}
SETTINGS: dict[Head, str] = {"score": "", "embedding": "embedding's "}


class Line(NamedTuple):
    """One head of one run: a few rows of the table, two curves of the picture."""

    head: Head
    run: str
    records: Sequence[Robustness]
    """Records of each radius, ascending."""

    @property
    def training(self) -> str:
        """What the run's training held the head down by, in words."""
        record, of = self.records[0], SETTINGS[self.head]
        told = [f"{of}R1 {record.r1:g}, R2 {record.r2:g}"] if record.r1 or record.r2 else []
        if record.adversarial_radius:
            told.append(f"attacks within {record.adversarial_radius:g}")
        return " and ".join(told) or f"no {of}R1, R2 or attacks"


def lines(records: Sequence[Robustness]) -> list[Line]:
    """The records by head, then by run, in the order in which they were measured."""
    keys = dict.fromkeys((record.head, record.run) for record in records)
    return [
        Line(*key, sorted((r for r in records if (r.head, r.run) == key), key=lambda r: r.radius))
        for key in sorted(keys, key=lambda key: list(HEADS).index(key[0]))
    ]


def title(record: Robustness) -> str:
    """Words for what was attacked, and around which samples."""
    return (
        f"{record.source}: worst change within a ball around {record.n:,} held-out reals, which "
        f"are {record.reals_apart:.3g} apart; {record.steps} steps of attack (seed {record.seed})"
    )


def subject(line: Line) -> str:
    """Words for a run, how far it had come, and how it was trained."""
    return f"{line.run} ({line.records[0].checkpoint_nimg:,} images seen; {line.training})"


def value_and_error(value: float, error: float | None) -> str:
    """A number with its standard error, where it has one."""
    return f"{value:.3g}" if error is None else f"{value:.3g} ± {error:.1g}"


def summary(records: Sequence[Robustness]) -> list[str]:
    """A sentence for each further run: its worst changes beside the first one's, by head."""
    told = []
    for head in HEADS:
        of_head = [line for line in lines(records) if line.head == head]
        for line in of_head[1:]:
            first = of_head[0]
            shares = (
                f"{r.worst_change / f.worst_change:.2f} at {r.radius:g}"
                for r, f in zip(line.records, first.records, strict=True)
                if f.worst_change
            )
            told.append(
                f"The {head} of {line.run} changes by these shares of that of {first.run}: "
                f"{', '.join(shares)}."
            )
    return told
