"""Compare two sets of samples: folders of images, or .npz files with images or features.

Prints a table of FAKE against REAL. Beside it, at one number: FAKE, and one half of REAL, against
the other half of REAL. The latter is the floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cgan import cli
from cgan.config import ConfigError, require, require_seed
from eval.names import ExtractorName


@dataclass(frozen=True)
class Arguments:
    """Compare generated samples with real ones."""

    real: Annotated[Path, tyro.conf.Positional]
    """Folder of real images, or .npz file with an array `samples`, `images` or `features`."""
    fake: Annotated[Path, tyro.conf.Positional]
    """Generated ones, in the same form."""
    metrics: tuple[str, ...] = ()
    """Names of metrics, or `all`; a table of the usual ones unless given."""
    extractor: ExtractorName | None = None
    """What reads the features of images: inception (the default), dinov2 or pixels."""
    weights: Path | None = None
    """File with the weights of the extractor inception or dinov2."""
    seed: int = 0
    """Seed of subsets and error bars."""
    out: Path | None = None
    """File to append the records to, one JSON object a line."""

    def __post_init__(self) -> None:
        require_seed(self.seed)
        named = self.extractor in (None, "inception", "dinov2", "pixels")
        require(named, "extractor", self.extractor, "inception, dinov2 or pixels to compare files")
        if self.out is not None:
            cli.require_out(self.out, ".jsonl")


def main(argv: Sequence[str] | None = None) -> None:
    """Read both sets, measure and print.

    Raises:
        ConfigError: files that can't be read or can't be compared.
    """
    prog = "python -m eval compare"
    arguments = tyro.cli(Arguments, args=argv, prog=prog, description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from eval.comparison import compare, load_pair
    from eval.measure import SamplesError, choose_metrics
    from eval.metrics.base import FeatureError
    from eval.metrics.catalogue import require_known
    from eval.progress import reading
    from eval.record import append_records
    from eval.sample_files import open_samples
    from eval.table import print_report

    require_known(arguments.metrics)
    real, fake = open_samples("real", arguments.real), open_samples("fake", arguments.fake)
    pair = load_pair(real, fake, arguments.extractor, arguments.weights)
    metrics = choose_metrics(arguments.metrics, pair.metrics, pair.default_metrics)
    try:
        with reading("samples", len(real) + len(fake)) as advance:
            records = compare(pair, metrics, arguments.seed, advance)
    except (FeatureError, SamplesError) as error:
        raise ConfigError(f"{arguments.fake} against {arguments.real}: {error}") from None
    try:
        if arguments.out is not None:
            append_records(arguments.out, records)
    finally:
        print_report(f"{arguments.fake} against {arguments.real}", metrics, records)
