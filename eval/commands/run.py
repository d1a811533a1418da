"""Evaluate a run, by default its newest checkpoint.

Appends one line a figure to `eval.jsonl` in the run's folder (or in --out), and prints a table of
generated samples beside real data and noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import tyro

from cgan.config import ConfigError, DataChanged, TrackerName, require, require_seed
from cgan.system import terminal
from cgan.system.arguments import parse
from eval.commands import places
from eval.names import ExtractorName

if TYPE_CHECKING:
    from cgan.data import Source

PROG = "python -m eval"
NO_CONTENT = (
    "Content kept is left out: the pictures that were given have no classes, or not those of what "
    "was learnt."
)
N_AT_MOST = 2**31 - 1
"""Most samples of an evaluation: their numbers are whole numbers of 32 bits."""


@dataclass(frozen=True)
class Arguments:
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
    checkpoint: int | None = None
    """Checkpoint by the images it had seen; the newest unless given."""
    step: int | None = None
    """Checkpoint by its training steps, instead."""
    data_path: Path | None = None
    """Path of the run's data now, if they moved."""
    data_changed: DataChanged = "refuse"
    """Whether to go on where the data are not those that the run learnt."""
    track: TrackerName | None = None
    """Where the figures go as well: wandb, as the run that training was sent to."""
    out: Path | None = None
    """Folder to write to, or .jsonl file; the run's own folder unless given."""

    suffix: ClassVar[str] = ".jsonl"
    """Suffix of the command's own file."""

    def __post_init__(self) -> None:
        require_numbers(self.n, self.seed, self.checkpoint, self.step)
        if self.out is not None:
            places.require_out(self.out, self.suffix)

    @property
    def choices(self) -> dict[str, Any]:
        """What `eval.measuring.runs.load` takes beside the run, as far as a command line says."""
        from cgan.run_folder.run_data import Whereabouts

        names = ("checkpoint", "step", "n", "metrics", "extractor", "weights")
        where = Whereabouts(self.data_path, self.data_changed)
        return {name: getattr(self, name) for name in names} | {"where": where}


def require_numbers(n: int | None, seed: int, checkpoint: int | None, step: int | None) -> None:
    """Refuse numbers that no run can be evaluated with.

    Raises:
        ConfigError: such a number.
    """
    require(n is None or n >= 2, "n", n, "at least 2 samples")
    require(n is None or n <= N_AT_MOST, "n", n, f"at most {N_AT_MOST}")
    require_seed(seed)
    require(step is None or step > 0, "step", step, "more than 0")
    both = step is not None and checkpoint is not None
    require(not both, "step", step, "left out where checkpoint is given")


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
    from eval.dataset.given import classes_given
    from eval.display.progress import reading
    from eval.measuring.measure import SamplesError, evaluate
    from eval.measuring.runs import RECORDS, load, subject_of
    from eval.metrics.base import FeatureError
    from eval.records.record import append_records
    from eval.records.table import print_report
    from eval.tracked import send

    require_installed(arguments.track)
    records_file = places.file_of(arguments.run, arguments.out, RECORDS)
    places.require_files(arguments.run, records_file)
    run, n, evaluation, metrics, _ = load(arguments.run, **arguments.choices, source=source)
    subject = subject_of(run, n, arguments.seed)
    total = (2 + len(subject.beside)) * n + min(n, len(evaluation.splits.held_out))
    try:
        with reading("samples", total) as advance:
            records = evaluate(evaluation, subject, arguments.seed, metrics, advance)
    except (SamplesError, FeatureError) as error:
        raise ConfigError(f"{arguments.run}: {error}") from None
    try:
        append_records(records_file, records)
    finally:
        print_report(str(arguments.run), metrics, records)
        if run.config.generator.translates and not classes_given(run.sampler.parts):
            terminal.say(NO_CONTENT)
    send(arguments.track, arguments.run, run, records)
