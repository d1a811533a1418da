"""All that is to be measured on an accelerator, within 8 minutes on one.

Each part has a process and a time of its own, and what it measures is kept as it is known: one that
fails, hangs or dies does not take the others along, and after Ctrl-C the same command goes on with
what is missing. With --page nothing is measured: what was measured is put on that page.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accelerator import results
from benchmarks.accelerator.part import Part
from benchmarks.accelerator.parts import BY_NAME, ONE_DEVICE_SEC, PARTS
from benchmarks.accelerator.supervisor import Session
from benchmarks.accelerator.table import markdown
from cgan.config import positive, require, require_known
from cgan.system import cli, files
from cgan.system.arguments import parse
from cgan.system.errors import EndedError
from eval.study.page import read_page, replace_between

PROG = "python -m benchmarks.accelerator"
SECTION = "benchmark accelerator"
TABLE, LOGS = "table.md", "logs"


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that measures all that is to be measured on an accelerator."""

    out: Path
    """Folder of the results: results.jsonl, table.md, and what the parts' processes print."""
    tiny: bool = False
    """Sizes that a CPU gets through, to see that every part runs; its figures mean nothing."""
    parts: tuple[str, ...] = ()
    """Names of the only parts to measure; all unless given."""
    again: bool = False
    """Measure these parts anew, also what is there."""
    minutes: float = ONE_DEVICE_SEC / 60
    """Time for all parts on one device; each part's own is its share of it."""
    page: Path | None = None
    """Page with the benchmark's markers, to put what was measured on; nothing is measured then."""

    def __post_init__(self) -> None:
        require_known("parts", self.parts, BY_NAME)
        positive(self, "", "minutes")

    @property
    def chosen(self) -> tuple[Part, ...]:
        """The parts to measure, in their order."""
        return tuple(part for part in PARTS if not self.parts or part.name in self.parts)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is missing and write the tables, or put them on a page.

    Raises:
        ConfigError: an argument, a folder or a page that can't be used.
        EndedError: something could not be measured.
    """
    arguments = parse(Arguments, argv, prog=PROG, description=__doc__)
    if arguments.page is not None:
        publish(arguments.out, arguments.page)
        return
    measure(arguments)


def publish(out: Path, page: Path) -> None:
    """Put what was measured on a page, between its markers.

    Raises:
        ConfigError: nothing was measured, or in tiny sizes; or a page without the markers.
    """
    read_page(page, SECTION)
    book = results.read(out)
    require(bool(book.entries), "out", str(out), "a folder that this command has measured into")
    in_full = book.machine is not None and not book.machine["tiny"]
    require(in_full, "out", str(out), "of full sizes: what is tiny means nothing")
    replace_between(page, SECTION, f"Made by `{PROG} --out DIR`. {markdown(PARTS, book)}")
    print(page)


def measure(arguments: Arguments) -> None:
    """Measure what is missing, and write the tables of all that is known.

    Raises:
        ConfigError: a folder that is in use, or with figures of another machine.
        EndedError: something could not be measured.
    """
    began = time.monotonic()

    out, parts = arguments.out, arguments.chosen
    scale = 60 * arguments.minutes / ONE_DEVICE_SEC
    limits = {part.name: scale * part.limit_sec for part in PARTS}
    with results.opened(out) as book:
        require_same_size(book, arguments)
        if arguments.again:
            results.forget(book, parts)
        to_do = [part for part in parts if book.missing(part)]
        taken = sum(limits[part.name] for part in to_do if part.devices == 1)

        def tell(line: str) -> None:
            print(f"{(time.monotonic() - began) / 60:5.1f} min  {line}", flush=True)
            files.replace(out / TABLE, f"{markdown(PARTS, book)}\n".encode())

        session = Session(book, arguments.tiny, limits, out / LOGS, tell)
        session.run(to_do, max(0.0, 60 * arguments.minutes - taken))
        print(f"{out / TABLE}, {book.path}")
        missing = [
            f"{part.name}: {row}"
            for part in to_do
            for row in book.missing(part)
            if session.has_devices(part)
        ]
    if missing:
        raise EndedError(
            f"not measured: {', '.join(missing)}; the same command tries these again, and "
            f"{out / TABLE} says why"
        )


def require_same_size(book: results.Book, arguments: Arguments) -> None:
    """Refuse a folder with figures of the other sizes.

    Raises:
        ConfigError: naming the folder.
    """
    if book.machine is not None:
        found = book.machine["tiny"]
        expected = f"{'with' if found else 'without'} --tiny, as what is there, or another folder"
        require(found == arguments.tiny, "out", str(arguments.out), expected)


if __name__ == "__main__":
    cli.run(main)
