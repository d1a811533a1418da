"""Say how few labels a discriminator's features need: accuracy at 1, 2, 5, 10 and 50 a class.

Nearest neighbour, logistic regression and fine-tuning, each on several draws of labels from the
train split, in balance of classes, and judged on the held-out one; beside pixels, their principal
components, and the same discriminator untrained. Appends one line a figure to probe.jsonl in the
run's folder (or in --out), draws probe.png, and prints a table.
"""

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

DRAWS_AT_MOST, LABELS_AT_MOST = 10_000, 10_000


@dataclass(frozen=True)
class Arguments(OfRun):
    """Arguments of the command that probes with few labels."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/digits."""
    labels: tuple[int, ...] = ()
    """Numbers of labels a class; 1, 2, 5, 10 and 50, so far as there are, unless given."""
    draws: int = 20
    """Draws of the labels, over which the error bars are."""
    taps: tuple[str, ...] = ()
    """Maps of the discriminator to read, such as trunk or embedding; all unless given."""
    fine_tuning: bool = True
    """Train the network itself as well, from the run's weights and from scratch: the slow part."""
    seed: int = 0
    """Seed of the draws."""
    out: Path | None = None
    """Folder to write to, or the picture's .png file; the run's own folder unless given."""

    def __post_init__(self) -> None:
        require_numbers(None, self.seed)
        self.require_checkpoint()
        for size in self.labels:
            inside = 1 <= size <= LABELS_AT_MOST
            require(inside, "labels", size, f"numbers from 1 to {LABELS_AT_MOST}")
        inside = 1 <= self.draws <= DRAWS_AT_MOST
        require(inside, "draws", self.draws, f"from 1 to {DRAWS_AT_MOST}")
        if self.out is not None:
            places.require_out(self.out, ".png")


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Read, classify, record, draw and print: a record that can't be kept is printed too.

    Args:
        argv: the command line; None for that of this process.
        source: what the run learnt, where a program handed that to `train`.

    Raises:
        ConfigError: an argument or a run that can't be used, or data without classes.
        DiskError: records that can't be written.
    """
    arguments = parse(Arguments, argv, prog=f"{run.PROG} probe", description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from cgan.system import files
    from eval.display.progress import reading
    from eval.few_labels.measure import measure, plan
    from eval.few_labels.picture import draw
    from eval.few_labels.probed import load
    from eval.few_labels.table import print_probe
    from eval.files.records import append_records

    root, out = arguments.run, arguments.out
    picture = places.file_of(root, out, "probe.png")
    records_file = places.folder_of(root, out) / "probe.jsonl"
    places.require_files(root, picture, records_file)
    probed = load(root, arguments.checkpoint, arguments.step, arguments.where, source)
    chosen = (arguments.labels, arguments.draws, arguments.taps, arguments.fine_tuning)
    planned = plan(probed, *chosen, arguments.seed)
    with reading("probe", planned.steps) as advance:
        records = measure(probed, planned, advance)
    try:
        append_records(records_file, records)
        files.replace(picture, draw(str(root), records))
    finally:
        print_probe(str(root), records)
    terminal.say(f"picture: {picture}")
