"""Evaluate a run, by default its newest checkpoint: `python -m eval runs/digits`.

Prints a table, generated samples beside real data and noise, and appends one line a figure to
`eval.jsonl` in the run's folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from cgan import cli
from cgan.config import ConfigError, require, require_seed


@dataclass(frozen=True)
class Arguments:
    """Evaluate a run."""

    run: tyro.conf.Positional[Path]
    """Folder of the run, such as runs/digits."""
    n: int | None = None
    """Generated samples; by default the literature's number for this data set."""
    seed: int = 0
    """Seed of the samples, of the baselines and of the floors."""
    checkpoint: int | None = None
    """Which checkpoint, by images seen; the newest unless given."""


def evaluate_run(arguments: Arguments) -> None:
    """Sample from the run, measure, record and report.

    Raises:
        ConfigError: an argument or a run that can't be used, or whose samples can't be measured.
    """
    if arguments.n is not None:
        require(arguments.n >= 2, "n", arguments.n, "at least 2 samples")
    path = arguments.run / "eval.jsonl"
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; must be a file, or nothing yet")
    require_seed(arguments.seed)
    # Imported late: help and errors should not wait for JAX.
    from cgan.sampling import draw_samples, load_run
    from eval.protocol import PROTOCOLS, SamplesError, evaluate, load_evaluation
    from eval.record import append_records
    from eval.table import print_report

    run = load_run(arguments.run, arguments.checkpoint)
    n = arguments.n or PROTOCOLS[run.source_name].n
    evaluation = load_evaluation(run.source_name)
    generated = draw_samples(run, n, arguments.seed)
    try:
        records = evaluate(evaluation, generated, run.nimg, arguments.seed)
    except SamplesError as error:
        raise ConfigError(f"{arguments.run}: {error}") from None
    print_report(str(arguments.run), evaluation.kind, records)
    append_records(path, records)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, then evaluate."""
    evaluate_run(tyro.cli(Arguments, args=argv, prog="python -m eval", description=__doc__))


if __name__ == "__main__":
    cli.run(main)
