"""Evaluate a run, by default its newest checkpoint.

Appends one line a figure to `eval.jsonl` in the run's folder (or in --out), and prints a table of
generated samples beside real data and noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import tyro

from cgan.config import ConfigError, Processes, TrackerName
from cgan.system import terminal
from cgan.system.arguments import parse
from eval.commands import places
from eval.commands.options import OfRun, require_numbers
from eval.names import ExtractorName

if TYPE_CHECKING:
    from cgan.data import Source

PROG = "python -m eval"
NO_CONTENT = (
    "Content kept is left out: the pictures that were given have no classes, or not those of what "
    "was learnt."
)


@dataclass(frozen=True)
class Arguments(OfRun):
    """Arguments of the command that evaluates a run."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/digits."""
    n: int | None = None
    """Generated samples; by default the literature's number for this data set."""
    metrics: tuple[str, ...] = ()
    """Names of metrics, or `all`; a table of the usual ones unless given."""
    extractor: ExtractorName | None = None
    """Extractor of the features; by default what suits the data set."""
    weights: Path | None = None
    """File with the weights of the extractor inception or dinov2."""
    seed: int = 0
    """Seed of the samples, of the baselines and of the error bars."""
    track: TrackerName | None = None
    """Where the figures go as well: wandb, as the run that training was sent to."""
    out: Path | None = None
    """Folder to write to, or .jsonl file; the run's own folder unless given."""
    processes: Annotated[Processes, tyro.conf.arg(name="")] = field(default_factory=Processes)
    """Who draws and reads the samples together; each needs the run's folder and its data."""

    suffix: ClassVar[str] = ".jsonl"
    """Suffix of the command's own file."""

    def __post_init__(self) -> None:
        require_numbers(self.n, self.seed)
        self.require_checkpoint()
        if self.out is not None:
            places.require_out(self.out, self.suffix)

    @property
    def choices(self) -> dict[str, Any]:
        """What `eval.measuring.runs.load` takes beside the run, as far as a command line says."""
        names = ("checkpoint", "step", "n", "metrics", "extractor", "weights")
        return {name: getattr(self, name) for name in names} | {"where": self.where}


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Sample from the run, measure, record and print: a record that can't be kept is printed too.

    Args:
        argv: the command line; None for that of this process.
        source: what the run learnt, where a program handed that to `train`.

    Raises:
        ConfigError: an argument or a run that can't be used, or whose samples can't be measured.
        DiskError: records that can't be written.
    """
    arguments = parse(Arguments, argv, prog=PROG, description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from cgan.sinks import require_installed
    from cgan.system import hosts

    require_installed(arguments.track)
    with hosts.joined(arguments.processes):
        evaluate_run(arguments, source)


def evaluate_run(arguments: Arguments, source: "Source | None") -> None:
    """Do what the arguments say, together with the other processes, of which the first writes."""
    from cgan.system import hosts
    from eval.dataset.given import classes_given
    from eval.display.progress import reading
    from eval.files.records import append_records
    from eval.measuring.measure import SamplesError, evaluate
    from eval.measuring.runs import RECORDS, load, subject_of
    from eval.metrics.base import FeatureError
    from eval.records.table import print_report
    from eval.tracked import send

    records_file = places.file_of(arguments.run, arguments.out, RECORDS)
    places.require_files(arguments.run, records_file)
    run, n, evaluation, metrics, _ = load(arguments.run, **arguments.choices, source=source)
    subject = subject_of(run, n, arguments.seed)
    total = (2 + len(subject.beside)) * n + min(n, len(evaluation.splits.held_out))
    try:
        with hosts.noticing_losses("start all processes again"), reading("samples", total) as bar:
            records = evaluate(evaluation, subject, arguments.seed, metrics, bar)
    except (SamplesError, FeatureError) as error:
        raise ConfigError(f"{arguments.run}: {error}") from None
    if not hosts.is_first():
        return
    try:
        append_records(records_file, records)
    finally:
        print_report(str(arguments.run), metrics, records)
        parts = run.sampler.parts
        if parts.given is not None and not classes_given(parts.given, parts.source):
            terminal.say(NO_CONTENT)
    send(arguments.track, arguments.run, run, records)
