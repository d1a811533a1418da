"""Evaluate a run, by default its newest checkpoint.

Prints a table of generated samples beside real data and noise, and appends one line a figure to
`eval.jsonl` in the run's folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import tyro

from cgan.config import ConfigError, require, require_seed
from eval.names import ExtractorName

if TYPE_CHECKING:
    from cgan.sampling import Run
    from eval.measure import Subject
    from eval.metrics.base import Metric
    from eval.protocol import Evaluation

PROG = "python -m eval"


@dataclass(frozen=True)
class Arguments:
    """Evaluate a run."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/digits."""
    n: int | None = None
    """Generated samples; by default the literature's number for this data set."""
    metrics: tuple[str, ...] = ()
    """Names of metrics, or `all`; a table of the usual ones unless given."""
    extractor: ExtractorName | None = None
    """What reads the features; by default what suits the data set."""
    weights: Path | None = None
    """File with the weights of the extractor inception or dinov2."""
    seed: int = 0
    """Seed of the samples, of the baselines and of the error bars."""
    checkpoint: int | None = None
    """Which checkpoint, by images seen; the newest unless given."""
    step: int | None = None
    """Which checkpoint, by training steps instead."""

    def __post_init__(self) -> None:
        require(self.n is None or self.n >= 2, "n", self.n, "at least 2 samples")
        require_seed(self.seed)
        require(self.step is None or self.step > 0, "step", self.step, "more than 0")
        both = self.step is not None and self.checkpoint is not None
        require(not both, "step", self.step, "left out where checkpoint is given")


class Loaded(NamedTuple):
    """A run, and what measures it."""

    run: "Run"
    n: int
    evaluation: "Evaluation"
    metrics: "dict[str, Metric]"


def load(arguments: Arguments) -> Loaded:
    """What the arguments name.

    Raises:
        ConfigError: an argument or a run that can't be used.
    """
    path = records_path(arguments.run)
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; must be a file, or nothing yet")
    # Imported late: help and errors should not wait for JAX.
    from cgan.sampling import load_run
    from eval.measure import choose_metrics
    from eval.metrics.catalogue import with_classes
    from eval.progress import reading
    from eval.protocol import PROTOCOLS, load_evaluation

    run = load_run(arguments.run, arguments.checkpoint, arguments.step)
    n = arguments.n or PROTOCOLS[run.source_name].n
    with reading("reference", None) as advance:
        evaluation = load_evaluation(
            run.source_name, arguments.extractor, arguments.weights, advance
        )
    known, default = evaluation.metrics, evaluation.default_metrics
    if run.has_classes:
        known, default = (with_classes(each, evaluation.reader) for each in (known, default))
    metrics = choose_metrics(arguments.metrics, known, default)
    return Loaded(run, n, evaluation, metrics)


def subject_of(run: "Run", n: int, seed: int) -> "Subject":
    """A run's samples, to be evaluated."""
    from cgan.sampling import asked_labels, stream_samples
    from eval.measure import Subject

    asked = asked_labels(run, n, seed) if run.has_classes else None
    return Subject(stream_samples(run, n, seed), n, run.nimg, asked)


def records_path(run: Path) -> Path:
    """Where the records of a run are appended."""
    return run / "eval.jsonl"


def main(argv: Sequence[str] | None = None) -> None:
    """Sample from the run, measure, record and print.

    Raises:
        ConfigError: an argument or a run that can't be used, or whose samples can't be measured.
    """
    arguments = tyro.cli(Arguments, args=argv, prog=PROG, description=__doc__)
    loaded = load(arguments)
    from eval.measure import SamplesError, evaluate
    from eval.metrics.base import FeatureError
    from eval.progress import reading
    from eval.record import append_records
    from eval.table import print_report

    run, n, evaluation, metrics = loaded
    subject = subject_of(run, n, arguments.seed)
    total = 2 * n + min(n, len(evaluation.splits.held_out))
    try:
        with reading("samples", total) as advance:
            records = evaluate(evaluation, subject, arguments.seed, metrics, advance)
    except (SamplesError, FeatureError) as error:
        raise ConfigError(f"{arguments.run}: {error}") from None
    print_report(str(arguments.run), metrics, records)
    append_records(records_path(arguments.run), records)
