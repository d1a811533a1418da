"""What masked letters teach of DNA: `python -m benchmarks.masked_letters RUN [RUN ...]`.

First the task itself, on held-out sequences: how many hidden letters a run names, beside the
commonest letter of what is to be seen and a table of what usually stands there: at this place of a
span, between these letters on its left and these on its right.

Then what it is worth with few labels: windows in genes against windows between genes, which
pyrodigal calls (`cgan/data/genes.py`), by `python -m eval probe`'s classifiers, on features of the
run and of the network before training, on k-mers, and by fine-tuning from the run and from scratch.
Labels are of the first halves of the genomes, judged is on the second ones. Lines are appended to
--out; a run that has its lines there is not measured again.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jaxtyping import Bool, Float, Int, Integer
from rich import box
from rich.console import Console
from rich.table import Table

from cgan.config import positive, require
from cgan.data import genes, load_held_out
from cgan.kinds import DNA
from cgan.networks import TRUNK
from cgan.pretext import masked_letters
from cgan.pretext.runs import Pretrained, restore_pretraining
from cgan.system import cli
from cgan.system.arguments import parse
from eval.display.progress import reading
from eval.few_labels.measure import measure, plan
from eval.few_labels.probed import probed_of
from eval.few_labels.record import Accuracy
from eval.few_labels.table import print_probe
from eval.files.records import append_records, read_records
from eval.records.spread import mean_and_error
from eval.splits import Splits

LEARNT_N, JUDGED_N = 16_384, 4_096
"""Sequences that the table counts, and on which all are judged."""
AT_ONCE = 512
CONTEXTS_AT_MOST = 2**20

Codes = Integer[np.ndarray, "n length"]
Mask = Bool[np.ndarray, "n length"]


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that asks what masked letters teach."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of masked pretrainings on sequences; of DNA the few labels are measured too."""
    out: Path = Path("runs/masked_letters")
    """Folder of a .jsonl file for each run, with its figures with few labels."""
    labels: tuple[int, ...] = (10, 25, 50, 100)
    """Labels a class."""
    draws: int = 5
    """Draws of the labels."""
    length: int = 100
    """Bases of a window; few stretches between genes are longer."""

    def __post_init__(self) -> None:
        require(bool(self.runs), "runs", self.runs, "one or more folders of runs")
        positive(self, "", "draws", "length")
        require(all(size > 1 for size in self.labels), "labels", self.labels, "2 or more")


def asked(pretrained: Pretrained, source: Any, n: int, use: str) -> tuple[Codes, Mask, Mask]:
    """Letters of a split, which are hidden, and which of all the run names rightly."""
    parts, state = pretrained.parts, pretrained.state
    rows = np.sort(np.random.default_rng(0).permutation(len(source))[:n])

    @jax.jit
    def answered(numbers: Int[jax.Array, " n"], stored: jax.Array) -> Any:
        posed = parts.task.pose(parts.draws(use, numbers, 0, 0), source.encode(stored))
        logits = parts.task.logits(state.trained, state.discriminator_stats, posed)  # type: ignore[attr-defined]
        letters = posed.sequences.argmax(axis=-1)
        return letters, posed.mask > 0, logits.argmax(axis=-1) == letters

    found = []
    for start in range(0, len(rows) - len(rows) % AT_ONCE, AT_ONCE):
        numbers = np.arange(start, start + AT_ONCE)
        stored = np.asarray(source[rows[numbers]].x)
        found.append(jax.device_get(answered(jnp.asarray(numbers), stored)))
    codes, mask, right = (np.concatenate(of) for of in zip(*found, strict=True))
    return codes, mask, right


def contexts(codes: Codes, mask: Mask, letters: int, k: int) -> Int[np.ndarray, " hidden"]:
    """A number for each hidden letter: its place in its span, and k letters to either side of it.

    Letters beyond the ends, and those of a span beside this one, are not known, and that is a
    letter of its own.
    """
    length = codes.shape[1]
    seen = np.pad(np.where(mask, letters, codes), [(0, 0), (k, k)], constant_values=letters)
    places = np.arange(length)
    before = np.maximum.accumulate(np.where(mask, -1, places), axis=1)
    after = np.minimum.accumulate(np.where(mask, length, places)[:, ::-1], axis=1)[:, ::-1]
    rows, columns = np.nonzero(mask)
    left, right = before[rows, columns], after[rows, columns]
    number = np.minimum(columns - left, length) * (length + 1) + np.minimum(right - columns, length)
    for at in range(k):
        number = number * (letters + 1) + seen[rows, np.maximum(left - at, -k) + k]
        number = number * (letters + 1) + seen[rows, np.minimum(right + at, length + k - 1) + k]
    return number


def table_rule(learnt: tuple[Codes, Mask], judged: tuple[Codes, Mask], letters: int, k: int) -> Any:
    """Whether the letter that was commonest in each hidden letter's context is the right one."""
    (codes, mask), (other, other_mask) = learnt, judged
    of_learnt = contexts(codes, mask, letters, k)
    known, which = np.unique(of_learnt, return_inverse=True)
    counts = np.zeros((len(known) + 1, letters), np.int64)
    np.add.at(counts, (which, codes[mask]), 1)
    counts[-1] = np.bincount(codes[mask], minlength=letters)  # of contexts that are new
    asked_of = contexts(other, other_mask, letters, k)
    at = np.minimum(np.searchsorted(known, asked_of), len(known) - 1)
    named = counts[np.where(known[at] == asked_of, at, len(known))].argmax(axis=1)
    return named == other[other_mask]


def shares(right: Bool[np.ndarray, " hidden"], mask: Mask) -> str:
    """The share that is right, with its standard error over sequences."""
    rows = np.nonzero(mask)[0]
    hidden = mask.sum(axis=1)
    of_row: Float[np.ndarray, " n"] = np.bincount(rows, right, len(mask))[hidden > 0]
    mean, error = mean_and_error((of_row / hidden[hidden > 0]).tolist())
    return f"{mean:.4f} ± {error:.4f}"


def of_letters(root: Path, pretrained: Pretrained) -> Table:
    """The table of hidden letters, of one run."""
    parts = pretrained.parts
    is_masked = isinstance(parts.task, masked_letters.MaskedLetters)
    require(is_masked, "runs", str(root), "masked pretrainings on sequences")
    letters = parts.source.sample_shape[-1]
    held_out = load_held_out(parts.config.data, parts.source)
    codes, mask, _ = asked(pretrained, parts.source, LEARNT_N, "table")
    other, other_mask, right = asked(pretrained, held_out, JUDGED_N, "judged")
    table = Table("hidden letters named by", root.name, box=box.MARKDOWN)
    known = np.asarray(masked_letters.known(np.eye(letters)[other]))
    visible = np.where((other_mask | ~known)[..., None], 0, np.eye(letters)[other]).sum(axis=1)
    commonest = (visible.argmax(axis=-1)[:, None] == other)[other_mask]

    def add(name: str, named: Bool[np.ndarray, " hidden"]) -> None:
        table.add_row(name, shares(named[known[other_mask]], other_mask & known))

    add("the commonest letter to be seen", commonest)
    for k in (1, 2, 3):
        if (letters + 1) ** (2 * k) < CONTEXTS_AT_MOST:
            named = table_rule((codes, mask), (other, other_mask), letters, k)
            add(f"a table of {k} letters to either side", named)
    add("the network", right[other_mask])
    return table


def of_genes(root: Path, pretrained: Pretrained, arguments: Arguments) -> None:
    """Measure few labels of one run, unless its lines are there, and print them."""
    path = arguments.out / f"{root.name}.jsonl"
    records = read_records(Accuracy, path) if path.is_file() else []
    if not records:
        splits = Splits(*(genes.load(arguments.length, split) for split in ("train", "test")))
        probed = probed_of(pretrained, splits)
        planned = plan(probed, arguments.labels, arguments.draws, (TRUNK,), True, 0)
        with reading("probe", planned.steps) as advance:
            records = measure(probed, planned, advance)
        append_records(path, records)
    print_probe(str(root), records)


def main() -> None:
    """Read the runs, measure, print."""
    arguments = parse(Arguments, prog="python -m benchmarks.masked_letters", description=__doc__)
    for root in arguments.runs:
        pretrained = restore_pretraining(root)
        Console(width=120).print(of_letters(root, pretrained))
        if pretrained.parts.source.kind == DNA:
            of_genes(root, pretrained, arguments)


if __name__ == "__main__":
    cli.run(main)
