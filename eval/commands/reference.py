"""Read a data set once with an extractor, and keep its statistics for all later evaluations.

Or read samples at a path, such as `python -m eval compare` takes, and write their mean and
covariance to a file that it takes in their place: .npz with mu and sigma, in pytorch-fid's format.

    python -m eval reference IMAGES --extractor inception --out statistics.npz
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import tyro

from cgan.config import Background, ConfigError, Data, Fold, SourceName, require
from cgan.system import cli, terminal
from cgan.system.arguments import parse
from cgan.system.files import at_home
from eval.names import ExtractorName

if TYPE_CHECKING:
    from eval.dataset.reference import Reference
    from eval.extractors import Extractor
    from eval.gather import Advance

OF_TRAINING = ("flip", "limit", "limit_seed")
"""Settings of what is learnt of data sets, which a reference does not see."""
OF_DATASETS = tuple(
    field.name for field in fields(Data) if field.name not in ("background", *OF_TRAINING)
)
"""Settings of data sets, which say nothing of samples at a path."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that precomputes the statistics of a data set."""

    dataset: Annotated[SourceName | Path, tyro.conf.Positional]
    """Data set that needs no download; tfds, folder, or dna; or a path to images or features."""
    imbalance: float = Data.imbalance
    """Alpha of a power law of the modes' shares, rank^-alpha (points, stacked_*)."""
    name: str | None = None
    """Name of the data set in tensorflow-datasets (tfds)."""
    data_dir: Path | None = None
    """Folder where the data set was prepared (tfds)."""
    train_split: str = Data.train_split
    """Split to train on (tfds)."""
    held_out_split: str = Data.held_out_split
    """Split that is held out (tfds)."""
    path: Path | None = None
    """Folder or .zip file of images (folder); FASTA (dna); micrograph (lattice)."""
    length: int = Data.length
    """Bases of a fragment (dna)."""
    fold: Fold = Data.fold
    """Part of the tree whose proteins are held out (proteins)."""
    shares: tuple[float, float, float, float, float] | None = None
    """Shares of the five classes (lattice)."""
    classes: str = Data.classes
    """Classes of the images: folders, none, or a file of labels (folder)."""
    splits: str = Data.splits
    """Splits: none, or the folders to train on and to hold out, as in train,val (folder)."""
    resolution: int | None = None
    """Side of the images (tfds, folder)."""
    channels: Literal[1, 3] | None = None
    """Channels of the images: 1 for grey, 3 for RGB (tfds, folder)."""
    background: Background = Data.background
    """Ground that transparent pixels are laid on (tfds, folder, path)."""
    unusable: Literal["fail", "skip"] = Data.unusable
    """Whether an image that is damaged or of another size fails the command (tfds, folder)."""
    cached: bool = Data.cached
    """Decode all images once, to disk (tfds, folder)."""
    extractor: ExtractorName | None = None
    """Extractor of the features; by default what suits the data set."""
    weights: Path | None = None
    """File with the weights of the extractor inception or dinov2."""
    array: str | None = None
    """Name of the array in an .npz file, where several could be meant (path)."""
    out: Path | None = None
    """File to write mean and covariance to, .npz; must be given with a path."""

    def __post_init__(self) -> None:
        of_path = isinstance(self.dataset, Path)
        for field in fields(self):
            value, default = getattr(self, field.name), field.default
            other = ("array",) if not of_path else OF_DATASETS
            if field.name in other:
                where = f"with {str(self.dataset)!r} as the data set"
                shown = str(value) if isinstance(value, Path) else value
                require(value == default, field.name, shown, f"left out {where}")
        if of_path:
            named = f"{str(self.dataset)!r} is none of {', '.join(get_args(SourceName))}"
            expected = f"an .npz file to write to, where the data set is a path ({named})"
            require(self.out is not None, "out", None, expected)
        if self.out is not None:
            cli.require_out(self.out, ".npz")

    @property
    def data(self) -> Data:
        """The settings of the data set."""
        assert not isinstance(self.dataset, Path)
        shared = {item.name for item in fields(Data)} - {"source", *OF_TRAINING}
        return Data(self.dataset, **{name: getattr(self, name) for name in shared})


def main(argv: Sequence[str] | None = None) -> None:
    """Load what reads the data set, gather its statistics and keep them.

    Raises:
        ConfigError: an extractor that can't read this data, or weights that can't be loaded.
    """
    prog = "python -m eval reference"
    arguments = parse(Arguments, argv, prog=prog, description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from cgan.system.files import cache_folder
    from eval.display.progress import reading
    from eval.metrics.base import FeatureError
    from eval.metrics.moments import merge
    from eval.sample_files.statistics import save_statistics

    try:
        with reading(str(arguments.dataset), None) as advance:
            name, reference, extractor = _read(arguments, advance)
    except FeatureError as error:
        raise ConfigError(f"{arguments.dataset}: {error}") from None
    kind = "samples" if isinstance(arguments.dataset, Path) else "train samples"
    n, moments = reference.gathered.n, merge(reference.gathered.moments)
    kept = f"kept in {cache_folder()}"
    if arguments.out is not None:
        require(n >= 2, "dataset", str(arguments.dataset), "of at least 2 samples with --out")
        save_statistics(
            arguments.out,
            moments,
            extractor.name,
            extractor.fingerprint,
            reference.samples_fingerprint,
        )
        kept += f", mean and covariance in {arguments.out}"
    terminal.say(
        f"{name}: {n:,} {kind} ({reference.samples_fingerprint}) read by {extractor.name} "
        f"({extractor.fingerprint}), {kept}"
    )


def _read(arguments: Arguments, advance: "Advance") -> "tuple[str, Reference, Extractor]":
    """The samples' name, their gathered statistics, and what read them."""
    from eval.dataset.protocol import load_evaluation
    from eval.dataset.reference import load_reference
    from eval.measuring.comparison import load_reader
    from eval.sample_files import KINDS, open_samples

    chosen = arguments.extractor, arguments.weights
    if not isinstance(path := arguments.dataset, Path):
        evaluation = load_evaluation(arguments.data, *chosen, advance)
        name = evaluation.splits.train.name
        return name, evaluation.reference, evaluation.reader.extractor
    if not at_home(path).exists():
        names = ", ".join(get_args(SourceName))
        expected = f"one of {names}, or a path to {KINDS}"
        raise ConfigError(
            f"dataset = {str(path)!r}: is not there in {Path.cwd()}; must be {expected}"
        )
    samples = open_samples("dataset", path, arguments.array, arguments.background, "array")
    reader = load_reader({"dataset": samples}, *chosen)
    reference = load_reference(path.stem, reader, samples.chunks, advance, "dataset")
    return str(path), reference, reader.extractor
