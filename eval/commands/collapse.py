"""Say whether a generator covers the data, drops modes of it, or has collapsed.

Prints the verdict, the evidence with its uncertainty, and the modes that are dropped; draws these,
and appends the verdict to collapse.jsonl in the run's folder. For scripts, it exits with

    0 covers, 1 collapsed, 3 drops, 4 undecided (too few samples), 5 unrecognisable as this data;
    2 for bad input, 70 for any other error.

Takes a run's folder; or, with --real and --fake, two sets of samples on disk.
"""

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from cgan import cli
from cgan.config import ConfigError, require
from eval.commands import run
from eval.names import Background, ExtractorName

if TYPE_CHECKING:
    from eval.verdict.judged import Judged

PROG = f"{run.PROG} collapse"
FAILED = 70
"""`EX_SOFTWARE` of sysexits.h, where other programs exit with 1: that means collapsed here."""
OF_RUNS = ("n", "checkpoint", "step")
OF_FILES = ("real", "fake", "real_array", "fake_array", "background")


@dataclass(frozen=True)
class Arguments:
    """Judge a generator."""

    run: Annotated[Path | None, tyro.conf.Positional] = None
    """Folder of the run, such as runs/digits."""
    real: Path | None = None
    """Instead of a run: folder or .zip of real images, .npz or .npy of images or features."""
    fake: Path | None = None
    """Generated ones, in any of these."""
    real_array: str | None = None
    """Name of REAL's array in its .npz file, where several could be meant."""
    fake_array: str | None = None
    """The same of FAKE."""
    background: Background = "white"
    """What transparent pixels are laid on, with --real and --fake."""
    n: int | None = None
    """Generated samples; by default the literature's number for this data set, or as many as it
    takes to tell of each class."""
    extractor: ExtractorName | None = None
    """What reads the features; by default what suits the data set."""
    weights: Path | None = None
    """File with the weights of the extractor inception or dinov2."""
    seed: int = 0
    """Seed of the samples, of their halves and of the error bars."""
    checkpoint: int | None = None
    """Which checkpoint, by images seen; the newest unless given."""
    step: int | None = None
    """Which checkpoint, by training steps instead."""
    out: Path | None = None
    """Picture to draw: .png; collapse.png in the run's folder unless given."""

    def __post_init__(self) -> None:
        run.require_numbers(self.n, self.seed, self.checkpoint, self.step)
        if self.run is None:
            for name in ("real", "fake"):
                expected = "given, as --real and --fake, or a run"
                require(getattr(self, name) is not None, name, None, expected)
        where, names = (
            ("with --real and --fake", OF_RUNS)
            if self.run is None
            else ("where a run is given", OF_FILES)
        )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in names:
                shown = str(value) if isinstance(value, Path) else value
                require(value == field.default, field.name, shown, f"left out {where}")
        if self.out is not None:
            cli.require_out(self.out, ".png")


def main(argv: Sequence[str] | None = None) -> None:
    """Judge, print, and exit with what scripts see: 1 for a collapse and for nothing else."""
    found: list[int] = []
    try:
        cli.run(lambda: found.append(_main(argv)))
    except SystemExit as stop:
        sys.exit(FAILED if stop.code == 1 else stop.code)
    except Exception:
        traceback.print_exc()
        sys.exit(FAILED)
    sys.exit(found[0])


def _main(argv: Sequence[str] | None) -> int:
    """The exit code of the verdict.

    Raises:
        ConfigError: arguments, a run or files that can't be used, or samples that can't be
            measured.
    """
    arguments = tyro.cli(Arguments, args=argv, prog=PROG, description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from eval.measure import SamplesError
    from eval.metrics.base import FeatureError
    from eval.verdict.entry import append_entry
    from eval.verdict.table import print_verdict

    subject = f"{arguments.fake} against {arguments.real}"
    if arguments.run is not None:
        subject = str(arguments.run)
    try:
        judged = _judge_files(arguments) if arguments.run is None else _judge_run(arguments)
    except (SamplesError, FeatureError) as error:
        raise ConfigError(f"{subject}: {error}") from None
    print_verdict(subject, judged.verdict, judged.metrics)
    out = arguments.out
    if arguments.run is not None:
        out = out or arguments.run / "collapse.png"
        append_entry(arguments.run / "collapse.jsonl", judged.verdict)
    if out is not None:
        _draw(out, judged)
    return judged.verdict.exit_code


def _judge_run(arguments: Arguments) -> "Judged":
    from eval.progress import reading
    from eval.subject import load
    from eval.verdict.judged import judge_run, samples_for_verdict

    root = arguments.run
    assert root is not None
    for name, suffix in (("collapse.jsonl", ".jsonl"), ("collapse.png", ".png")):
        if (root / name).is_dir():
            raise ConfigError(f"{root / name}: is a folder; must be a file, or nothing yet")
        if root.is_dir():
            cli.require_out(root / name, suffix)
    which = (arguments.checkpoint, arguments.step, arguments.n)
    loaded = load(root, *which, (), arguments.extractor, arguments.weights)
    n = arguments.n or samples_for_verdict(loaded.evaluation)
    with reading("samples", None) as advance:
        return judge_run(loaded._replace(n=n), arguments.seed, advance)


def _judge_files(arguments: Arguments) -> "Judged":
    from eval.comparison import load_pair
    from eval.progress import reading
    from eval.sample_files import open_samples
    from eval.verdict.judged import judge_pair

    assert arguments.real is not None
    assert arguments.fake is not None
    real = open_samples("real", arguments.real, arguments.real_array, arguments.background)
    fake = open_samples("fake", arguments.fake, arguments.fake_array, arguments.background)
    pictured = real.is_images and real.has_one_size and fake.has_one_size
    out = None if arguments.out is None else str(arguments.out)
    require(out is None or pictured, "out", out, "left out: no images of one size to be drawn")
    pair = load_pair(real, fake, arguments.extractor, arguments.weights)
    with reading("samples", len(real) + len(fake)) as advance:
        return judge_pair(pair, arguments.seed, advance)


def _draw(out: Path, judged: "Judged") -> None:
    from cgan import files
    from eval.verdict.picture import draw

    if judged.shown is not None:
        files.replace(out, draw(judged.verdict, judged.shown))
        print(f"picture: {out}")
