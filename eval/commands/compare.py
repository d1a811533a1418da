"""Compare two sets of samples: images in folders, .zip, .npz or .npy files, features, statistics.

Prints a table of FAKE against REAL. Beside it, at one number: FAKE, and one half of REAL, against
the other half of REAL. The latter is the floor. Statistics (mu, sigma) of either set, made by
`python -m eval reference` or by pytorch-fid, give the Frechet distance alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cgan.config import Background, ConfigError, Data, require, require_seed
from cgan.system.arguments import parse
from eval.commands import places
from eval.names import ExtractorName


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that compares generated samples with real ones."""

    real: Annotated[Path, tyro.conf.Positional]
    """Real samples: folder or .zip of images, .npz or .npy of images or features, or statistics."""
    fake: Annotated[Path, tyro.conf.Positional]
    """Generated samples, in any of the forms of REAL."""
    real_array: str | None = None
    """Name of REAL's array in its .npz file, where several could be meant; mu: its statistics."""
    fake_array: str | None = None
    """Name of FAKE's array in its .npz file, where several could be meant; mu: its statistics."""
    background: Background = Data.background
    """Ground that transparent pixels are laid on."""
    metrics: tuple[str, ...] = ()
    """Names of metrics, or `all`; a table of the usual ones unless given."""
    extractor: ExtractorName | None = None
    """Extractor of images' features; by default what the statistics were read by, or inception."""
    weights: Path | None = None
    """File with the weights of the extractor inception or dinov2."""
    seed: int = 0
    """Seed of subsets and error bars."""
    out: Path | None = None
    """Folder to write eval.jsonl to, or .jsonl file to append to; nothing is kept unless given."""

    def __post_init__(self) -> None:
        require_seed(self.seed)
        named = self.extractor in (None, "inception", "dinov2", "pixels")
        require(named, "extractor", self.extractor, "inception, dinov2 or pixels to compare files")
        if self.out is not None:
            places.require_out(self.out, ".jsonl")

    @property
    def sides(self) -> tuple[tuple[str, Path, str | None], ...]:
        """Name, path and chosen array of each set of samples."""
        return ("real", self.real, self.real_array), ("fake", self.fake, self.fake_array)


def main(argv: Sequence[str] | None = None) -> None:
    """Read both sets, measure and print.

    Raises:
        ConfigError: files that can't be read or can't be compared.
    """
    prog = "python -m eval compare"
    arguments = parse(Arguments, argv, prog=prog, description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from eval.display.progress import reading
    from eval.files.records import append_records
    from eval.measuring.comparison import compare, load_pair
    from eval.measuring.from_statistics import compare_statistics, load_statistics_pair
    from eval.measuring.measure import SamplesError, choose_metrics
    from eval.measuring.runs import RECORDS
    from eval.metrics.base import FeatureError
    from eval.metrics.catalog import require_known
    from eval.records.table import print_report
    from eval.sample_files import Statistics, open_samples_or_statistics

    require_known(arguments.metrics)
    records_file = None
    if arguments.out is not None:
        records_file = places.file_of(arguments.out, arguments.out, RECORDS)
        places.require_files(records_file.parent, records_file)
    real, fake = (
        open_samples_or_statistics(field, path, array, arguments.background)
        for field, path, array in arguments.sides
    )
    total = sum(len(side) for side in (real, fake) if not isinstance(side, Statistics))
    reads_by = (arguments.extractor, arguments.weights)
    try:
        with reading("samples", total) as advance:
            if isinstance(real, Statistics) or isinstance(fake, Statistics):
                by_statistics = load_statistics_pair(real, fake, arguments.metrics, *reads_by)
                metrics = by_statistics.metrics
                records = compare_statistics(by_statistics, arguments.seed, advance)
            else:
                pair = load_pair(real, fake, *reads_by)
                metrics = choose_metrics(arguments.metrics, pair.metrics, pair.default_metrics)
                records = compare(pair, metrics, arguments.seed, advance)
    except (FeatureError, SamplesError) as error:
        raise ConfigError(f"{arguments.fake} against {arguments.real}: {error}") from None
    try:
        if records_file is not None:
            append_records(records_file, records)
    finally:
        print_report(f"{arguments.fake} against {arguments.real}", metrics, records)
