"""The data to learn from: which data set, and how its samples are prepared."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from cgan.config.checks import check_types, not_negative, positive, require, require_seed
from cgan.config.setting import AllBut, check_read, setting
from cgan.datasets import DATASETS, OWN, named
from cgan.kinds import POINT

if TYPE_CHECKING:
    EmbeddedName: TypeAlias = str
    SourceName: TypeAlias = str
else:
    EmbeddedName = Literal[named(from_files=False)]
    """Data sets that need no download."""
    SourceName = Literal[(*DATASETS, OWN)]
    """All data sets by name, and `own` for what a program hands in."""
Background = Literal["white", "black", "gray"]
"""Ground that transparent pixels are laid on."""
WITH_SHARES = named(has_shares=True)
"""Data sets that are drawn mode by mode."""
OF_SETS = (*(name for name, one in DATASETS.items() if one.kind != POINT), OWN)
"""Data sets that hold samples; mixtures of points are laws, drawn from without end."""
IMBALANCE_AT_MOST = 4.0
"""Largest imbalance: of 1,000 modes nearly all samples are of the first one then."""
OF_TFDS = {"source": ("tfds",)}
Fold = Literal[0, 1, 2, 3, 4]
"""Parts of the proteins' tree that can be held out."""
OF_FOLDERS = {"source": ("folder",)}
OF_RESIDUES = {"source": ("proteins",)}
OF_FRAGMENTS = {"source": ("dna", "proteins")}
OF_FILES = {"source": ("tfds", "folder")}
LENGTH_AT_LEAST, LENGTH_AT_MOST = 8, 2**16
"""Fewest bases of a fragment, of which a k-mer must be a part; and most."""
Shares = tuple[float, float, float, float, float]
"""Weights of the five classes of `lattice`, in their order."""
SHARE_AT_MOST = 1_000_000
RESOLUTION_AT_MOST = 2**11
"""Largest side of a sample: a few hundred larger ones would fill the memory."""

OF_CLASSES = (".json", ".csv", ".tsv")
"""Suffixes of files that say which class an image is of."""


@dataclass(frozen=True)
class Data:
    """The data to learn from."""

    source: SourceName = "digits"
    """Data set: embedded, mnist_*, stacked_mnist, tfds, folder, dna, lattice, proteins, own."""
    imbalance: float = setting(0.0, read_by={"source": WITH_SHARES})
    """Alpha of a power law of the modes' shares, rank^-alpha; 0: all alike (points, stacked_*)."""
    name: str | None = setting(None, read_by=OF_TFDS)
    """Name of the data set in tensorflow-datasets, such as cifar10 (tfds)."""
    data_dir: Path | None = setting(None, read_by={"source": ("tfds", "stacked_mnist")})
    """Where it was prepared; in TFDS's usual place unless given (tfds, stacked_mnist)."""
    train_split: str = setting("train", read_by=OF_TFDS)
    """Split to train on, in TFDS's syntax, such as train[:90%] (tfds)."""
    held_out_split: str = setting("test", read_by=OF_TFDS)
    """Split that evaluation compares with, in TFDS's syntax (tfds)."""
    path: Path | None = setting(None, read_by={"source": ("folder", "dna", "proteins", "lattice")})
    """Images, by class (folder); FASTA (dna, proteins); or a micrograph (lattice)."""
    length: int = setting(250, read_by=OF_FRAGMENTS)
    """Bases of a fragment (dna); residues of a sample, of which some may be none (proteins)."""
    fold: Fold = setting(0, read_by=OF_RESIDUES)
    """Which fifth of the clades is held out (proteins)."""
    shares: Shares | None = setting(None, read_by={"source": ("lattice",)})
    """Shares of the five classes, such as 60 20 10 7 3; None: all alike (lattice)."""
    classes: str = setting("auto", read_by=OF_FOLDERS)
    """Classes: folders, none, or StyleGAN's dataset.json or a CSV of path,class (folder)."""
    splits: str = setting("auto", read_by=OF_FOLDERS)
    """Splits: none, or the folders to train on and to hold out, as in train,val (folder)."""
    resolution: int | None = setting(None, read_by=OF_FILES)
    """Crop images to their central square and resize it to so many pixels (tfds, folder)."""
    channels: Literal[1, 3] | None = setting(None, read_by=OF_FILES)
    """Read images as grey (1) or RGB (3); as they are stored unless given (tfds, folder)."""
    background: Background = setting("white", read_by=OF_FILES)
    """Ground that transparent pixels are laid on (tfds, folder)."""
    flip: bool = setting(False, read_by=OF_FILES)
    """Mirror images left to right with probability 1/2, each time they are read (tfds, folder)."""
    unusable: Literal["fail", "skip"] = setting("fail", read_by=OF_FILES)
    """Whether an image that is damaged or of another size stops the run (tfds, folder)."""
    cached: bool = setting(True, read_by=OF_FILES)
    """Decode all images once, to disk; otherwise each time they are read (tfds, folder)."""
    limit: int | None = setting(None, read_by={"source": OF_SETS})
    """Learn N, evenly (digits, mnist_*, stacked_*, tfds, folder, dna, lattice, proteins, own)."""
    limit_seed: int = setting(0, read_by={"limit": AllBut(None)})
    """Seed of the choice of these samples, whatever the seed of the run."""

    def __post_init__(self) -> None:
        check_types(self, "data.")
        if self.resolution is not None:
            positive(self, "data.", "resolution", at_most=RESOLUTION_AT_MOST)
        positive(self, "data.", "length", at_most=LENGTH_AT_MOST)
        fewest = f"{LENGTH_AT_LEAST} or more"
        require(self.length >= LENGTH_AT_LEAST, "data.length", self.length, fewest)
        not_negative(self, "data.", "imbalance")
        limit = f"at most {IMBALANCE_AT_MOST:g}"
        require(self.imbalance <= IMBALANCE_AT_MOST, "data.imbalance", self.imbalance, limit)
        when = f"with data.source = {self.source!r}"
        check_read(self, "data.")
        if self.limit is not None:
            positive(self, "data.", "limit")
            expected = f"0 with data.limit = {self.limit}, which takes as many of each mode"
            require(self.imbalance == 0, "data.imbalance", self.imbalance, expected)
        self._check_shares()
        require_seed(self.limit_seed, "data.limit_seed")
        if not self.cached:
            expected = "'fail' with data.cached = False: which images to skip is known too late"
            require(self.unusable == "fail", "data.unusable", self.unusable, expected)
        if self.source == "tfds":
            expected = f"the name of a data set in tensorflow-datasets, such as 'cifar10', {when}"
            require(bool(self.name), "data.name", self.name, expected)
        if self.splits not in ("auto", "none"):
            pair = [name.strip("/ ") for name in self.splits.split(",")]
            expected = "auto, none, or two folders: to train on and to hold out, as in train,val"
            require(
                len(set(pair)) == len(pair) == 2 and all(pair), "data.splits", self.splits, expected
            )
        expected = "auto, folders, none, or a .json, .csv or .tsv file"
        known = self.classes in ("auto", "folders", "none") or self.classes.lower().endswith(
            OF_CLASSES
        )
        require(known, "data.classes", self.classes, expected)
        if self.source == "folder":
            expected = f"a folder or a .zip file of images {when}"
            require(self.path is not None, "data.path", self.path, expected)

    def _check_shares(self) -> None:
        """Refuse shares that are none, and shares of what has no classes or is even by class."""
        if self.shares is None:
            return
        possible = all(0 < share <= SHARE_AT_MOST for share in self.shares)
        expected = f"five numbers more than 0, of at most {SHARE_AT_MOST:,}"
        require(possible, "data.shares", self.shares, expected)
        expected = f"None with data.path = {str(self.path)!r}: a micrograph's windows have no class"
        require(self.path is None, "data.shares", self.shares, expected)
        expected = f"None with data.limit = {self.limit}, which takes as many of each class"
        require(self.limit is None, "data.shares", self.shares, expected)
