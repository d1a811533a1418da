"""Say how well a run's distances are those that are known, on pairs that were held out.

Of data that know how far apart their samples are (proteins): Spearman's rank correlation and the
error of the discriminator's embedding, trained and untrained, beside distances of k-mers. Appends
one line a figure to graded.jsonl in the run's folder (or in --out), draws graded.png, and prints a
table.
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
from eval.commands.options import OfRun

if TYPE_CHECKING:
    from cgan.data import Source


@dataclass(frozen=True)
class Arguments(OfRun):
    """Arguments of the command that compares a run's distances with those that are known."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/pretrain_proteins."""
    out: Path | None = None
    """Folder to write to, or the picture's .png file; the run's own folder unless given."""

    def __post_init__(self) -> None:
        self.require_checkpoint()
        if self.out is not None:
            places.require_out(self.out, ".png")


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Embed, compare, record, draw and print.

    Args:
        argv: the command line; None for that of this process.
        source: what the run learnt, where a program handed that to `train`.

    Raises:
        ConfigError: an argument or a run that can't be used.
        DiskError: records that can't be written.
    """
    arguments = parse(Arguments, argv, prog=f"{run.PROG} graded", description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from cgan.system import files
    from eval.few_labels.probed import load
    from eval.files.records import append_records
    from eval.graded import measure
    from eval.graded.picture import draw
    from eval.graded.record import RECORDS, Agreement
    from eval.graded.table import print_agreements

    root, out = arguments.run, arguments.out
    picture = places.file_of(root, out, "graded.png")
    records_file = places.folder_of(root, out) / RECORDS
    for file in (picture, records_file):
        places.require_files(root, file)
    probed = load(root, arguments.checkpoint, arguments.step, arguments.where, source)
    expected = "a run with an embedding: graded.weight, embedding.weight, or such a pretext"
    require(probed.has_embedding, "run", str(root), expected)
    asked = measure.asked_of(probed.splits)
    embed = measure.embedder(probed.networks, probed.splits.train.encode)
    distances = {
        name: measure.learnt_distances(embed(weights, asked.samples), probed.distance)
        for name, weights in (("embedding", probed.trained), ("untrained", probed.start()))
    }
    distances |= measure.baselines(asked, probed.splits)
    held_out = int(asked.is_held_out.sum())
    records = [
        Agreement(
            run=str(root),
            distance=name,
            pairs=group,
            spearman=found.spearman,
            relative_rmse=found.relative_rmse,
            n_pairs=found.pairs,
            held_out_classes=held_out,
            checkpoint_nimg=probed.nimg,
            seed=probed.seed,
            source=probed.splits.train.name,
        )
        for name, by_group in measure.all_figures(asked, distances).items()
        for group, found in by_group.items()
    ]
    try:
        append_records(records_file, records)
        order = measure.order_of(asked)
        files.replace(picture, draw(asked, distances["embedding"], order, str(root)))
    finally:
        print_agreements(records)
    terminal.say(f"picture: {picture}")
