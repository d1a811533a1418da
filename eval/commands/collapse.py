"""Say whether a generator covers the data, drops modes of it, or has collapsed.

Appends the verdict to collapse.jsonl in the run's folder (or in --out) and draws the modes that are
dropped; prints the verdict, the evidence with its uncertainty, and these modes. For scripts, it
exits with, whether anybody reads what it prints or not,

    0 covers, 1 collapsed, 3 drops, 4 undecided (too few samples), 5 unrecognisable as this data;
    2 for bad input, 70 for any other error.

Takes a run's folder; or, with --real and --fake, two sets of samples on disk.
"""

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from cgan.config import Background, ConfigError, Data, require
from cgan.system import cli, terminal
from cgan.system.arguments import parse
from eval.commands import places, run
from eval.commands.options import OfRun, require_numbers
from eval.names import ExtractorName

if TYPE_CHECKING:
    from cgan.data import Source
    from eval.verdict.judged import Judged

PROG = f"{run.PROG} collapse"
FAILED = 70
"""Exit code of errors, `EX_SOFTWARE` of sysexits.h: the usual 1 means collapsed here."""
OF_RUNS = ("n", "checkpoint", "step", "data_path", "data_changed")
OF_FILES = ("real", "fake", "real_array", "fake_array", "background")


@dataclass(frozen=True)
class Arguments(OfRun):
    """Arguments of the command that judges a generator."""

    run: Annotated[Path | None, tyro.conf.Positional] = None
    """Folder of the run, such as runs/digits."""
    real: Path | None = None
    """Real samples, not a run: folder or .zip of images, .npz or .npy of images or features."""
    fake: Path | None = None
    """Generated samples to hold against REAL, in any of its forms."""
    real_array: str | None = None
    """Name of REAL's array in its .npz file, where several could be meant."""
    fake_array: str | None = None
    """Name of FAKE's array in its .npz file, where several could be meant."""
    background: Background = Data.background
    """Ground that transparent pixels are laid on, with --real and --fake."""
    n: int | None = None
    """Generated samples; by default the literature's number, or as many as tell of each class."""
    extractor: ExtractorName | None = None
    """Extractor of the features; by default what suits the data set."""
    weights: Path | None = None
    """File with the weights of the extractor inception or dinov2."""
    seed: int = 0
    """Seed of the samples, of their halves and of the error bars."""
    out: Path | None = None
    """Folder to write to, or the picture's .png file; the run's own folder unless given."""

    def __post_init__(self) -> None:
        require_numbers(self.n, self.seed)
        self.require_checkpoint()
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
            places.require_out(self.out, ".png")

    @property
    def picture(self) -> Path | None:
        """Path of the picture to draw; None for none."""
        if self.run is None and self.out is None:
            return None
        return places.file_of(self.run or Path(), self.out, "collapse.png")

    @property
    def entries(self) -> Path | None:
        """Path of the file that keeps verdicts; None where none is kept.

        Two sets of samples have one in a folder of their own.
        """
        if self.run is None and (self.out is None or not places.is_folder(self.out)):
            return None
        return places.folder_of(self.run or Path(), self.out) / "collapse.jsonl"

    @property
    def files(self) -> list[Path]:
        """Paths of all files that the command writes."""
        return [file for file in (self.entries, self.picture) if file is not None]


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Judge, print, and exit with what scripts see: 1 for a collapse and for nothing else.

    Args:
        argv: the command line; None for that of this process.
        source: what the run learnt, where a program handed that to `train`.
    """
    found: list[int] = []
    try:
        cli.run(lambda: _main(argv, found.append, source))
    except SystemExit as stop:
        if not found or stop.code != terminal.CLOSED_PIPE:
            sys.exit(FAILED if stop.code == 1 else stop.code)
    except Exception:
        traceback.print_exc()
        sys.exit(FAILED)
    sys.exit(found[0])


def _main(
    argv: Sequence[str] | None, found: Callable[[int], None], source: "Source | None"
) -> None:
    """Judge, keep, print.

    Args:
        argv: the command line.
        found: told the exit code of the verdict, once that is kept.
        source: what the run learnt, where a program handed that in.

    Raises:
        ConfigError: arguments, a run or files that can't be used, or samples that can't be
            measured.
        DiskError: a verdict that can't be kept; it is printed.
    """
    arguments = parse(Arguments, argv, prog=PROG, description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from eval.measuring.measure import SamplesError
    from eval.metrics.base import FeatureError
    from eval.verdict.entry import append_entry
    from eval.verdict.table import print_verdict

    subject = f"{arguments.fake} against {arguments.real}"
    if arguments.run is not None:
        subject = str(arguments.run)
    try:
        of_run = arguments.run is not None
        judged = _judge_run(arguments, source) if of_run else _judge_files(arguments)
    except (SamplesError, FeatureError) as error:
        raise ConfigError(f"{subject}: {error}") from None
    drawn = None
    try:
        if arguments.entries is not None:
            append_entry(arguments.entries, judged.verdict)
        if arguments.picture is not None:
            drawn = _draw(arguments.picture, judged)
        found(judged.verdict.exit_code)
    finally:
        print_verdict(subject, judged.verdict, judged.metrics)
    if drawn is not None:
        terminal.say(f"picture: {drawn}")


def _judge_run(arguments: Arguments, source: "Source | None") -> "Judged":
    from eval.display.progress import reading
    from eval.measuring.runs import load
    from eval.verdict.judged import judge_run, samples_for_verdict

    root = arguments.run
    assert root is not None
    places.require_files(root, *arguments.files)
    which = (arguments.checkpoint, arguments.step, arguments.n)
    loaded = load(root, *which, (), arguments.extractor, arguments.weights, arguments.where, source)
    n = arguments.n or samples_for_verdict(loaded.evaluation)
    with reading("samples", None) as advance:
        return judge_run(loaded._replace(n=n), arguments.seed, advance)


def _judge_files(arguments: Arguments) -> "Judged":
    from eval.display.progress import reading
    from eval.measuring.comparison import load_pair
    from eval.sample_files import open_samples
    from eval.verdict.judged import judge_pair

    assert arguments.real is not None
    assert arguments.fake is not None
    real = open_samples("real", arguments.real, arguments.real_array, arguments.background)
    fake = open_samples("fake", arguments.fake, arguments.fake_array, arguments.background)
    pictured = real.is_images and real.has_one_size and fake.has_one_size
    if arguments.out is not None:
        left_out = "left out, or a folder: no images of one size to be drawn"
        usable = pictured or places.is_folder(arguments.out)
        require(usable, "out", str(arguments.out), left_out)
        places.require_files(arguments.out, *arguments.files)
    pair = load_pair(real, fake, arguments.extractor, arguments.weights)
    with reading("samples", len(real) + len(fake)) as advance:
        return judge_pair(pair, arguments.seed, advance)


def _draw(out: Path, judged: "Judged") -> Path | None:
    """Draw the verdict's picture and return its path; None for what can't be pictured."""
    from cgan.system import files
    from eval.verdict.picture import draw

    if judged.shown is None:
        return None
    files.replace(out, draw(judged.verdict, judged.shown))
    return out
