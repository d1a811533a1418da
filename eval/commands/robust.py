"""Say how far a discriminator's outputs move near a real: in a ball, against its radius.

By an attack of some 20 steps, and by the norm of the Jacobian, around held-out reals; of one run,
or of several beside each other, such as one with R1 and R2 and one without. Appends one line a
figure to robust.jsonl in each run's folder (or in --out), draws robust.png in that of the first,
and prints a table.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from cgan.config import require
from cgan.system import terminal
from cgan.system.arguments import parse
from eval.commands import places, run
from eval.commands.options import OfRun, require_numbers

if TYPE_CHECKING:
    from cgan.data import Source

STEPS_AT_MOST = 10_000
RADIUS_AT_MOST = 1e6


@dataclass(frozen=True)
class Arguments(OfRun):
    """Arguments of the command that attacks a run's discriminator."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/digits."""
    beside: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Folders of other runs on the same data, to be attacked around the same reals."""
    radii: tuple[float, ...] = ()
    """Radii of the balls, in units of the samples; shares of reals' distance unless given."""
    steps: int = 20
    """Steps of attack, each a backward pass."""
    n: int | None = None
    """Held-out reals; 256, or as many as there are, unless given."""
    seed: int = 0
    """Seed of the choice of reals and of the attack's starts."""
    out: Path | None = None
    """Folder to write to, or the picture's .png file; the runs' own folders unless given."""

    def __post_init__(self) -> None:
        require_numbers(self.n, self.seed)
        self.require_checkpoint()
        for radius in self.radii:
            inside = math.isfinite(radius) and 0 < radius <= RADIUS_AT_MOST
            require(inside, "radii", radius, f"numbers above 0, at most {RADIUS_AT_MOST:g}")
        inside = 1 <= self.steps <= STEPS_AT_MOST
        require(inside, "steps", self.steps, f"from 1 to {STEPS_AT_MOST}")
        roots = (self.run, *self.beside)
        twice = next((str(root) for root in roots if roots.count(root) > 1), None)
        require(twice is None, "beside", twice, "other runs, each named once")
        if self.out is not None:
            places.require_out(self.out, ".png")


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Attack, record, draw and print: a record that can't be kept is printed too.

    Args:
        argv: the command line; None for that of this process.
        source: what the runs learnt, where a program handed that to `train`.

    Raises:
        ConfigError: an argument or a run that can't be used, or runs on different data.
        DiskError: records that can't be written.
    """
    arguments = parse(Arguments, argv, prog=f"{run.PROG} robust", description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from cgan.system import files
    from eval.display.progress import reading
    from eval.files.records import append_records
    from eval.robustness.attacked import load
    from eval.robustness.measure import measure, plan
    from eval.robustness.picture import draw
    from eval.robustness.record import RECORDS
    from eval.robustness.table import print_robustness

    roots, out = (arguments.run, *arguments.beside), arguments.out
    picture = places.file_of(roots[0], out, "robust.png")
    records_files = {root: places.folder_of(root, out) / RECORDS for root in roots}
    places.require_files(roots[0], picture)
    for root, file in records_files.items():
        places.require_files(root, file)
    chosen = (arguments.checkpoint, arguments.step, arguments.where, source)
    runs = [load(root, *chosen) for root in roots]
    planned = plan(runs, arguments.radii, arguments.n, arguments.steps, arguments.seed)
    total = len(planned.samples) * sum(len(attacked.heads) for attacked in runs)
    with reading("attacks", total) as advance:
        records = measure(runs, planned, advance)
    try:
        for root, file in records_files.items():
            append_records(file, [record for record in records if record.run == str(root)])
        files.replace(picture, draw(records))
    finally:
        print_robustness(records)
    terminal.say(f"picture: {picture}")
