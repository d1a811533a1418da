"""The data to learn from: which data set, and how its samples are prepared."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cgan.config.checks import check_types, not_negative, only_defaults, positive, require

EmbeddedName = Literal["digits", "stacked_digits", "ring8", "grid25", "grid100"]
"""Data sets that need no download."""
SourceName = Literal[
    "digits", "stacked_digits", "ring8", "grid25", "grid100", "stacked_mnist", "tfds", "folder"
]
"""Names of all kinds of data sets: embedded, MNIST's digits in threes, and the user's own."""
Background = Literal["white", "black", "grey"]
"""Ground that transparent pixels are laid on."""
WITH_SHARES = ("stacked_digits", "ring8", "grid25", "grid100", "stacked_mnist")
"""Data sets that are drawn mode by mode."""
IMBALANCE_AT_MOST = 4.0
"""Largest imbalance: of 1,000 modes nearly all samples are of the first one then."""
OF_TFDS = ("name", "data_dir", "train_split", "held_out_split")
OF_FOLDERS = ("path", "classes", "splits")
RESOLUTION_AT_MOST = 2**11
"""Largest side of a sample: a few hundred larger ones would fill the memory."""
OF_FILES = ("resolution", "channels", "background", "flip", "unusable", "cached")

OF_CLASSES = (".json", ".csv", ".tsv")
"""Suffixes of files that say which class an image is of."""


@dataclass(frozen=True)
class Data:
    """The data to learn from."""

    source: SourceName = "digits"
    """Data set that needs no download; or stacked_mnist, tfds, folder."""
    imbalance: float = 0.0
    """Alpha of a power law of the modes' shares, rank^-alpha; 0: all alike (points, stacked_*)."""
    name: str | None = None
    """Name of the data set in tensorflow-datasets, such as cifar10 (tfds)."""
    data_dir: Path | None = None
    """Folder where it was prepared; tensorflow-datasets' own unless given (tfds, stacked_mnist)."""
    train_split: str = "train"
    """Split to train on, in TFDS's syntax, such as train[:90%] (tfds)."""
    held_out_split: str = "test"
    """Split that evaluation compares with, in TFDS's syntax (tfds)."""
    path: Path | None = None
    """Folder or .zip file of images; subfolders are classes (folder)."""
    classes: str = "auto"
    """Classes: folders, none, or StyleGAN's dataset.json or a CSV of path,class (folder)."""
    splits: str = "auto"
    """Splits: none, or the folders to train on and to hold out, as in train,val (folder)."""
    resolution: int | None = None
    """Crop images to their central square and resize it to so many pixels (tfds, folder)."""
    channels: Literal[1, 3] | None = None
    """Read images as grey (1) or RGB (3); as they are stored unless given (tfds, folder)."""
    background: Background = "white"
    """Ground that transparent pixels are laid on (tfds, folder)."""
    flip: bool = False
    """Mirror images left to right with probability 1/2, each time they are read (tfds, folder)."""
    unusable: Literal["fail", "skip"] = "fail"
    """Whether an image that is damaged or of another size stops the run (tfds, folder)."""
    cached: bool = True
    """Decode all images once, to disk; otherwise each time they are read (tfds, folder)."""

    def __post_init__(self) -> None:
        check_types(self, "data.")
        if self.resolution is not None:
            positive(self, "data.", "resolution", at_most=RESOLUTION_AT_MOST)
        not_negative(self, "data.", "imbalance")
        limit = f"at most {IMBALANCE_AT_MOST:g}"
        require(self.imbalance <= IMBALANCE_AT_MOST, "data.imbalance", self.imbalance, limit)
        when = f"with data.source = {self.source!r}"
        if self.source not in WITH_SHARES:
            only_defaults(self, "data.", ("imbalance",), when)
        if self.source != "tfds":
            used = {"data_dir"} if self.source == "stacked_mnist" else set()
            only_defaults(self, "data.", [n for n in OF_TFDS if n not in used], when)
        if self.source != "folder":
            only_defaults(self, "data.", OF_FOLDERS, when)
        if self.source not in ("tfds", "folder"):
            only_defaults(self, "data.", OF_FILES, when)
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
