"""Read a data set once with an extractor, and keep its statistics for all later evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import tyro

from cgan import terminal
from cgan.config import Data, SourceName
from eval.names import ExtractorName


@dataclass(frozen=True)
class Arguments:
    """Precompute the statistics of a data set."""

    dataset: Annotated[SourceName, tyro.conf.Positional]
    """Data set that needs no download; or tfds, or folder."""
    imbalance: float = Data.imbalance
    """Alpha of a power law of the modes' shares, rank^-alpha (points, stacked_*)."""
    name: str | None = None
    """Of the data set in tensorflow-datasets (tfds)."""
    data_dir: Path | None = None
    """Where it was prepared (tfds)."""
    train_split: str = Data.train_split
    """What to train on (tfds)."""
    held_out_split: str = Data.held_out_split
    """What is held out (tfds)."""
    path: Path | None = None
    """Folder or .zip file of images (folder)."""
    classes: str = Data.classes
    """folders, none, or a file of labels (folder)."""
    splits: str = Data.splits
    """none, or the folders to train on and to hold out, as in train,val (folder)."""
    resolution: int | None = None
    """Side of the images (tfds, folder)."""
    channels: Literal[1, 3] | None = None
    """Grey or RGB (tfds, folder)."""
    background: Literal["white", "black", "grey"] = Data.background
    """What transparent pixels are laid on (tfds, folder)."""
    unusable: Literal["fail", "skip"] = Data.unusable
    """What to do about an image that is damaged or of another size (tfds, folder)."""
    cached: bool = Data.cached
    """Decode all images once, to disk (tfds, folder)."""
    extractor: ExtractorName | None = None
    """What reads the features; by default what suits the data set."""
    weights: Path | None = None
    """File with the weights of the extractor inception or dinov2."""

    @property
    def data(self) -> Data:
        """The settings of the data set."""
        shared = {item.name for item in fields(Data)} - {"source", "flip"}
        return Data(self.dataset, **{name: getattr(self, name) for name in shared})


def main(argv: Sequence[str] | None = None) -> None:
    """Load what reads the data set, gather and keep.

    Raises:
        ConfigError: an extractor that can't read this data, or weights that can't be loaded.
    """
    prog = "python -m eval reference"
    arguments = tyro.cli(Arguments, args=argv, prog=prog, description=__doc__)
    data = arguments.data
    # Imported late: help and errors should not wait for JAX.
    from cgan.files import cache_folder
    from eval.progress import reading
    from eval.protocol import load_evaluation

    with reading(arguments.dataset, None) as advance:
        evaluation = load_evaluation(data, arguments.extractor, arguments.weights, advance)
    reference, extractor = evaluation.reference, evaluation.reader.extractor
    terminal.say(
        f"{evaluation.splits.train.name}: {reference.gathered.n:,} train samples "
        f"({reference.samples_fingerprint}) read by {extractor.name} ({extractor.fingerprint}), "
        f"kept in {cache_folder()}"
    )
