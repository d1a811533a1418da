"""Say how few points a surrogate model needs, if a prior carries over what a source has taught.

A small regression learns many points of a source, then 5 to 50 of a target, pulled towards what it
was by the prior of GANs' runs; beside networks from scratch, plain fine-tuning, Gaussian processes
and ridge on the source's residuals. Without files: heat transfer, from smooth ducts to a rough one
(needs the package ht). Prints a table; with --out, adds to surrogate.jsonl and draws surrogate.png.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cgan.config import require, require_seed
from cgan.system import terminal
from cgan.system.arguments import parse
from eval.commands import places

POINTS_AT_LEAST, POINTS_AT_MOST = 3, 1_000
DRAWS_AT_MOST = 1_000


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that compares surrogate models."""

    source: Path | None = None
    """A .csv file with many points: a line of names, then lines of numbers; ducts unless given."""
    target: Path | None = None
    """A .csv file with the same columns, of what is to be learnt from few points."""
    target_column: str | None = None
    """Name of the column to be predicted; the source's last one unless given."""
    log: tuple[str, ...] = ()
    """Names of columns of both files whose logarithms are taken, such as Re Pr Nu."""
    points: tuple[int, ...] = (5, 10, 20, 50)
    """Numbers of points of the target."""
    draws: int = 20
    """Draws of the points, over which the error bars are."""
    seed: int = 0
    """Seed of the draws and of the networks."""
    out: Path | None = None
    """Folder to write to, or the picture's .png file; nothing is kept unless given."""

    def __post_init__(self) -> None:
        for name, given, other in (
            ("source", self.source, self.target),
            ("target", self.target, self.source),
        ):
            if given is None and other is not None:
                require(False, name, None, "a .csv file, where the other one is given")
        if self.source is None:
            without = "with --source and --target alone, which are files with columns"
            require(self.target_column is None, "target_column", self.target_column, without)
            require(not self.log, "log", " ".join(self.log), without)
        require(bool(self.points), "points", self.points, "one or more numbers")
        for size in self.points:
            inside = POINTS_AT_LEAST <= size <= POINTS_AT_MOST
            require(inside, "points", size, f"numbers from {POINTS_AT_LEAST} to {POINTS_AT_MOST}")
        inside = 1 <= self.draws <= DRAWS_AT_MOST
        require(inside, "draws", self.draws, f"from 1 to {DRAWS_AT_MOST}")
        require_seed(self.seed)
        if self.out is not None:
            places.require_out(self.out, ".png")


def main(argv: Sequence[str] | None = None) -> None:
    """Read, fit, record, draw and print: a record that can't be kept is printed too.

    Raises:
        ConfigError: an argument or a file that can't be used, or a package that is not installed.
        DiskError: records that can't be written.
    """
    prog = "python -m eval surrogate"
    arguments = parse(Arguments, argv, prog=prog, description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from cgan.system import files
    from eval.display.progress import reading
    from eval.files.records import append_records
    from eval.surrogate import ducts, tables
    from eval.surrogate.measure import STEPS_PER_SIZE, measure
    from eval.surrogate.picture import draw
    from eval.surrogate.problem import of_tables
    from eval.surrogate.record import RECORDS
    from eval.surrogate.table import print_errors

    out = arguments.out
    if out is not None:
        root = out if places.is_folder(out) else out.parent
        picture, records_file = places.file_of(root, out, "surrogate.png"), root / RECORDS
        places.require_files(root, picture, records_file)
    points = sorted(set(arguments.points))
    chosen = (points[-1], arguments.draws, arguments.seed)
    if arguments.source is None or arguments.target is None:
        problem = ducts.problem(*chosen)
    else:
        source = tables.read("source", arguments.source)
        target = tables.read("target", arguments.target)
        source, target = (
            tables.with_logarithms(table, arguments.log)
            for table in tables.aligned(source, target, arguments.target_column)
        )
        problem = of_tables(source, target, *chosen)
    with reading("surrogate", STEPS_PER_SIZE * len(points)) as advance:
        records = measure(problem, points, arguments.seed, advance)
    try:
        if out is not None:
            append_records(records_file, records)
            files.replace(picture, draw(records))
    finally:
        print_errors(records)
    if out is not None:
        terminal.say(f"picture: {picture}")
