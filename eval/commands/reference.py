"""Read a data set once with an extractor, and keep its statistics for all later evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cgan.config import SourceName
from eval.names import ExtractorName


@dataclass(frozen=True)
class Arguments:
    """Precompute the statistics of a data set."""

    dataset: Annotated[SourceName, tyro.conf.Positional]
    """Name of the data set."""
    extractor: ExtractorName | None = None
    """What reads the features; by default what suits the data set."""
    weights: Path | None = None
    """File with the weights of the extractor inception or dinov2."""


def main(argv: Sequence[str] | None = None) -> None:
    """Load what reads the data set, gather and keep.

    Raises:
        ConfigError: an extractor that can't read this data, or weights that can't be loaded.
    """
    prog = "python -m eval reference"
    arguments = tyro.cli(Arguments, args=argv, prog=prog, description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from eval.cache import cache_folder
    from eval.progress import reading
    from eval.protocol import load_evaluation

    with reading(arguments.dataset, None) as advance:
        evaluation = load_evaluation(
            arguments.dataset, arguments.extractor, arguments.weights, advance
        )
    reference, extractor = evaluation.reference, evaluation.reader.extractor
    print(
        f"{arguments.dataset}: {reference.gathered.n:,} train samples "
        f"({reference.samples_fingerprint}) read by {extractor.name} ({extractor.fingerprint}), "
        f"kept in {cache_folder()}"
    )
