"""How much a graded target teaches that a contrast does not: `python -m benchmarks.graded`.

Proteins whose clades are held out, one fold after the other. Each arm is the preset
`pretrain_proteins` with another pretext, trained from several seeds on the other folds: `graded`
regresses distances of alignments, `contrastive` tells views of one protein (some of its residues
substituted) from other proteins. An arm is compiled once: a fold is other batches, a seed other
weights and another order. Each run is a line of --out; runs that it has are not trained again.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from cgan.axis import ONE_DEVICE
from cgan.config import Augment, Data, Fold, Pretext, Pretraining, require
from cgan.data.pipeline import load_batches
from cgan.data.proteins import FOLDS, load
from cgan.pretext.parts import PretextParts, PretextState, assemble_on
from cgan.pretext.step import PretextStep
from cgan.system import cli
from cgan.system.arguments import parse
from configs.pretrain_proteins import CONFIG
from eval.few_labels.probed import Weights
from eval.files.json_lines import append_lines, read_rows
from eval.graded import measure
from eval.graded.measure import GROUPS
from eval.records.spread import mean_and_error
from eval.splits import Splits

CONTRAST = Augment(policy="substitutions", probability=0.1)
ARMS: dict[str, dict[str, Any]] = {
    "graded": {},
    "graded, Euclid": {"pretext": dataclasses.replace(CONFIG.pretext, distance="euclidean")},
    "contrastive": {
        "pretext": Pretext(task="contrastive", dimensions=CONFIG.pretext.dimensions),
        "augment": CONTRAST,
    },
}
"""What each arm has in place of the preset's settings."""
AT_ONCE = 10
"""Steps of a compiled call."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that compares pretexts on held-out clades."""

    out: Path = Path("docs/results/proteins.jsonl")
    """File of the runs' figures, a line each; what it has is not measured again."""
    arms: tuple[str, ...] = ("graded", "contrastive")
    """Arms: graded; graded, Euclid; contrastive."""
    folds: tuple[Fold, ...] = (1, 2, 3, 4)
    """Folds that are held out; settings were chosen on fold 0, which is none of them."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of weights and of the order of batches."""
    total_nimg: int = CONFIG.total_nimg
    """Proteins seen by each run."""
    path: Path | None = None
    """FASTA of other proteins; BRCA1 unless given."""
    show: bool = False
    """Print the table of what the file has, and train nothing."""

    def __post_init__(self) -> None:
        for arm in self.arms:
            require(arm in ARMS, "arms", arm, f"one or more of {', '.join(ARMS)}")
        for fold in self.folds:
            require(0 <= fold < FOLDS, "folds", fold, f"from 0 to {FOLDS - 1}")
        of_others = self.path is not None and self.out == Arguments.out
        expected = "another file than that of BRCA1, with a path"
        require(not of_others, "out", str(self.out), expected)
        require(self.total_nimg > 0, "total_nimg", self.total_nimg, "more than 0")


class Run(NamedTuple):
    """One run: what tells it from the others."""

    arm: str
    fold: Fold
    seed: int
    total_nimg: int


def trained(
    arguments: Arguments, arm: str, missing: Sequence[Run]
) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Train the runs of one arm that are missing, by one compiled step."""
    compiled: tuple[PretextParts, Any, Any] | None = None
    for run in missing:
        config = config_of(arguments, run)
        splits = Splits(load(config.data, "train"), load(config.data, "test"))
        asked = measure.asked_of(splits)
        if compiled is None:
            parts = assemble_on(config, splits.train)
            step = jax.jit(PretextStep(parts, ONE_DEVICE))
            compiled = parts, step, measure.embedder(parts.networks, splits.train.encode)
        parts, step, embed = compiled
        state = jax.jit(parts._replace(config=config).init_state)()
        start = state
        for at in range(0, run.total_nimg // config.batch_size, AT_ONCE):
            batches = load_batches(splits.train, config.batch_size, run.seed, at, AT_ONCE)
            state, _ = step(state, batches)
        distances = {
            name: measure.learnt_distances(embed(weights_of(of), asked.samples), of_arm(arm))
            for name, of in (("embedding", state), ("untrained", start))
        } | measure.baselines(asked, splits)
        yield run, measure.all_figures(asked, distances)


def config_of(arguments: Arguments, run: Run) -> Pretraining:
    """The pretraining of a run."""
    data = Data("proteins", length=CONFIG.data.length, fold=run.fold, path=arguments.path)
    config = dataclasses.replace(CONFIG, **ARMS[run.arm])
    return dataclasses.replace(config, data=data, seed=run.seed, total_nimg=run.total_nimg)


def of_arm(arm: str) -> Any:
    """The distance of embeddings that an arm regresses, or is read by."""
    return ARMS[arm].get("pretext", CONFIG.pretext).distance


def weights_of(state: PretextState) -> Weights:
    """The discriminator's weights in a state."""
    return Weights(state.discriminator, state.discriminator_stats)


def read(out: Path) -> dict[Run, dict[str, Any]]:
    """The runs that a file has, with their figures."""
    rows = read_rows(out) if out.is_file() else []
    return {
        Run(*(row[name] for name in Run._fields)): row["figures"]
        for row in rows
        if {*Run._fields, "figures"} <= set(row)
    }


def table_of(arguments: Arguments, runs: dict[Run, dict[str, Any]]) -> Table:
    """A row for each distance: mean and standard error over folds of the means over seeds."""
    table = Table("distance", *GROUPS, box=box.MARKDOWN)
    rows: dict[str, dict[str, dict[int, list[Any]]]] = {}
    for run, figures in runs.items():
        if run.fold not in arguments.folds or run.total_nimg != arguments.total_nimg:
            continue
        for name, by_group in figures.items():
            called = f"{run.arm}: {name}" if name in ("embedding", "untrained") else name
            for group, found in by_group.items():
                of_fold = rows.setdefault(called, {}).setdefault(group, {})
                of_fold.setdefault(run.fold, []).append(found[:2])
    for called in sorted(rows):
        cells = []
        for group in GROUPS:
            of_folds = [np.mean(found, axis=0) for found in rows[called][group].values()]
            both = (mean_and_error(np.array(of_folds)[:, at]) for at in (0, 1))
            said = (f"{m:.3f}" if e is None else f"{m:.3f} ± {e:.3f}" for m, e in both)
            cells.append(", ".join(said))
        table.add_row(called, *cells)
    return table


def main() -> None:
    """Train what is missing, write each run, print the table."""
    arguments = parse(Arguments, prog="python -m benchmarks.graded", description=__doc__)
    out = arguments.out
    known = read(out)
    for arm in () if arguments.show else arguments.arms:
        asked = [
            Run(arm, fold, seed, arguments.total_nimg)
            for seed in arguments.seeds
            for fold in arguments.folds
        ]
        for run, figures in trained(arguments, arm, [run for run in asked if run not in known]):
            append_lines(out, [json.dumps({**run._asdict(), "figures": figures}) + "\n"])
            known[run] = figures
    Console(width=160).print(table_of(arguments, known))


if __name__ == "__main__":
    cli.run(main)
