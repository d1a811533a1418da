"""Write one HTML page about a run: figures, samples, modes, nearest train images, curves.

The page needs no network and holds no script. The other checkpoints of the run are measured too,
unless eval.jsonl, in the run's folder or in --out, has their figures already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from cgan.config import ConfigError, require
from cgan.system import terminal
from cgan.system.arguments import parse
from eval.commands import places, run

if TYPE_CHECKING:
    from cgan.data import Source


@dataclass(frozen=True)
class Arguments(run.Arguments):
    """Arguments of the command that writes the report of a run."""

    out: Path | None = None
    """Folder to write to, or the page's .html file; the run's own folder unless given."""

    suffix: ClassVar[str] = ".html"

    def __post_init__(self) -> None:
        super().__post_init__()
        coordinator = self.processes.coordinator
        expected = "left out: one process writes a report; several may do python -m eval RUN"
        require(coordinator is None, "coordinator", coordinator, expected)


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Measure, keep the records, draw, write.

    Args:
        argv: the command line; None for that of this process.
        source: what the run learnt, where a program handed that to `train`.

    Raises:
        ConfigError: an argument or a run that can't be used, or whose samples can't be measured.
        DiskError: records that can't be written.
    """
    prog = f"{run.PROG} report"
    arguments = parse(Arguments, argv, prog=prog, description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from cgan.sinks import require_installed
    from cgan.system import files
    from eval.display.progress import reading
    from eval.files.records import append_records
    from eval.measuring.measure import SamplesError
    from eval.measuring.runs import RECORDS, load
    from eval.metrics.base import FeatureError
    from eval.report.contents import collect
    from eval.report.page import page
    from eval.report.png import pictures
    from eval.tracked import send

    require_installed(arguments.track)
    root, out = arguments.run, arguments.out
    page_file = places.file_of(root, out, "report.html")
    records_file = places.folder_of(root, out) / RECORDS
    places.require_files(root, page_file, records_file)
    loaded = load(root, **arguments.choices, source=source)
    known = [file for file in dict.fromkeys((root / RECORDS, records_file)) if file.is_file()]
    try:
        with reading("samples", None) as advance:
            contents = collect(root, loaded, arguments.seed, advance, known)
    except (SamplesError, FeatureError) as error:
        raise ConfigError(f"{root}: {error}") from None
    append_records(records_file, contents.new_records)
    files.replace(page_file, page(contents).encode())
    if arguments.track is not None:
        send(arguments.track, root, loaded.run, contents.history, pictures(contents))
    terminal.say(f"{root} at {contents.nimg:,} images: {page_file}")
