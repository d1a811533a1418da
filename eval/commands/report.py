"""Write one HTML page about a run: figures, samples, modes, nearest train images, curves.

The page needs no network and holds no script. The other checkpoints of the run are measured too,
unless eval.jsonl has their figures already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from cgan import cli
from cgan.config import ConfigError
from eval.commands import run


@dataclass(frozen=True)
class Arguments(run.Arguments):
    """Write the report of a run."""

    out: Path | None = None
    """Page to write: .html; report.html in the run's folder unless given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out is not None:
            cli.require_out(self.out, ".html")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, draw, write.

    Raises:
        ConfigError: an argument or a run that can't be used, or whose samples can't be measured.
    """
    prog = f"{run.PROG} report"
    arguments = tyro.cli(Arguments, args=argv, prog=prog, description=__doc__)
    out = arguments.out or arguments.run / "report.html"
    # Imported late: help and errors should not wait for JAX.
    from cgan import files
    from eval.measure import SamplesError
    from eval.metrics.base import FeatureError
    from eval.progress import reading
    from eval.record import append_records
    from eval.report.contents import collect
    from eval.report.page import page
    from eval.subject import load, records_path

    loaded = load(arguments.run, *arguments.choices)
    cli.require_out(out, ".html")
    try:
        with reading("samples", None) as advance:
            contents = collect(arguments.run, loaded, arguments.seed, advance)
    except (SamplesError, FeatureError) as error:
        raise ConfigError(f"{arguments.run}: {error}") from None
    files.replace(out, page(contents).encode())
    append_records(records_path(arguments.run), contents.new_records)
    print(f"{arguments.run} at {contents.nimg:,} images: {out}")
