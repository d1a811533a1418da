"""A data set of images: its splits, its classes and its form, each decided in one place."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from cgan.config import ConfigError, Data
from cgan.data.decode import SUFFIXES, UnusableImage
from cgan.data.encoded import WITH_CACHE, form_of, refusal, sizes
from cgan.data.files import Listing
from cgan.data.listing.below import Below
from cgan.data.listing.classes import Classes, classify
from cgan.data.listing.paths import given, look_below, place
from cgan.data.listing.splits import HELD_OUT_ONE_IN, Part, Splits, divide
from cgan.data.listing.survey import Seen, Shape, commonest, kept_survey, to_arrays
from cgan.data.source import Split
from cgan.system.cache import save_arrays
from cgan.system.legible import plain

SPLITS: tuple[Split, ...] = ("train", "test")
NAMES_IN_ERRORS = 5


@dataclass(frozen=True)
class ImageSet:
    """The data set that a folder or an archive holds, with these settings."""

    data: Data
    name: str
    below: Below
    splits: Splits
    classes: Classes
    paths: tuple[PurePosixPath, ...]
    """Paths of the images of both splits, sorted."""
    seen: tuple[Seen, ...]
    """Shape of each of the images as a sample, or why it is unusable."""

    @cached_property
    def shapes(self) -> dict[PurePosixPath, Seen]:
        """Shape of each image as a sample, or why it is unusable, by path."""
        return dict(zip(self.paths, self.seen, strict=True))

    @cached_property
    def common(self) -> tuple[Shape, int] | None:
        """The commonest shape, which is that of all samples, and how many images have it."""
        return commonest(self.shapes.values())

    def part(self, split: Split) -> Part:
        """Paths and depth of one of the splits."""
        return {"train": self.splits.train, "test": self.splits.test}[split]

    def usable(self, split: Split) -> list[PurePosixPath]:
        """The images of a split that have the commonest shape, and a label if others do."""
        shape = None if self.common is None else self.common[0]
        return [path for path in self._labeled(split) if self.shapes[path] == shape]

    def _labeled(self, split: Split) -> list[PurePosixPath]:
        unlabeled = set(self.classes.unlabeled)
        return [path for path in self.part(split).paths if path not in unlabeled]

    def check(self) -> None:
        """Refuse what would not be trained on as these settings ask.

        Raises:
            ConfigError: an image that is unusable or unlike the others where `data.unusable` is
                fail, or splits that are unlike.
        """
        self._check_labels()
        name = self.below.files(self.paths).name
        if self.common is None:
            if self.data.unusable == "fail":
                found = self.shapes[self.paths[0]]
                assert isinstance(found, UnusableImage)
                raise refusal(name(0), found, self._where)
            raise ConfigError(f"{given(self.data)}: none of {len(self.paths)} images can be used")
        shape, count = self.common
        self._check_splits(shape)
        for split in SPLITS:
            if self.part(split).paths and not self.usable(split):
                reason = f"no image of the split {split!r} has a label"
                raise ConfigError(f"{given(self.data)}: {reason}; must hold some of both splits")
        if self.data.unusable == "skip":
            return
        for number, path in enumerate(self.paths):
            found = self.shapes[path]
            if isinstance(found, UnusableImage):
                raise refusal(name(number), found, self._where)
            if found != shape:
                odd = UnusableImage(f"is {sizes(found)}, and others {sizes(shape)}")
                most = f"{count:,} of {len(self.paths):,} images are like those"
                raise ConfigError(f"{refusal(name(number), odd, self._where)}; {most}")

    @property
    def _where(self) -> str:
        return "" if self.data.cached else WITH_CACHE

    def _check_labels(self) -> None:
        if self.data.unusable == "skip":
            return
        for paths, wrong in (
            (self.classes.unlabeled, "says nothing of {} images"),
            (self.classes.missing, "names {} that are not there"),
        ):
            if paths:
                first = ", ".join(plain(str(path)) for path in paths[:NAMES_IN_ERRORS])
                file, said = self.classes.how.removeprefix("by "), wrong.format(f"{len(paths):,}")
                raise ConfigError(
                    f"{given(self.data)}: {file} {said}, such as {first}; must name the images "
                    "that are there. data.unusable = skip leaves such out"
                )

    def _check_splits(self, shape: Shape) -> None:
        """Refuse splits that are unlike, which decoding would meet one after the other."""
        forms: dict[Split, tuple[Shape, int] | None] = {
            split: commonest(self.shapes[path] for path in self.part(split).paths)
            for split in SPLITS
            if self.part(split).paths
        }
        unlike = {split: most for split, most in forms.items() if most is None or most[0] != shape}
        for split in unlike:
            if self.splits.by_folder or not self.usable(split):
                said = {
                    of: "of no use" if most is None else sizes(most[0])
                    for of, most in forms.items()
                }
                raise ConfigError(
                    f"{given(self.data)}: images to train on are {said['train']}, those held out "
                    f"{said['test']}; must be alike. data.resolution and data.channels bring all "
                    "to one form"
                )

    def listing(self, split: Split, description: str = "") -> Listing:
        """The listing of one of the splits, to be read.

        Raises:
            ConfigError: no image is in it.
        """
        if not self.part(split).paths:
            raise ConfigError(
                f"{given(self.data)}: has {len(self.paths)} images, none of them in the split "
                f"{split!r}; must hold at least {10 * HELD_OUT_ONE_IN}, or folders train and test"
            )
        paths = self._labeled(split)
        labels = np.array([self.classes.of[path] for path in paths], np.int32)
        return Listing(
            name=self.name,
            files=self.below.files(paths),
            labels=lambda: labels,
            class_names=self.classes.names,
            witness=self.below.witness(paths),
            shape=None if self.common is None else self.common[0],
            description=description,
        )


def image_set(data: Data, keep: bool = True) -> ImageSet:
    """Look at `data.path`: headers are read, pixels are not.

    Args:
        data: the settings.
        keep: what headers say, in the cache folder, once they are found to be in order.

    Raises:
        ConfigError: no such path, no images there, or splits or classes that can't be told.
    """
    below = look_below(data)
    if not below.images:
        raise ConfigError(f"{given(data)}: {_without_images(below)}")
    try:
        splits = divide(below.images, data.splits)
        classes = classify(below, splits, data.classes)
    except ConfigError as error:
        known = str(error).startswith(("data.splits", "data.classes"))
        raise ConfigError(str(error) if known else f"{given(data)}: {error}") from None
    paths = tuple(sorted([*splits.train.paths, *splits.test.paths]))
    files, name = below.files(paths), _name(data)
    seen, path = kept_survey(name, files, below.witness(paths), form_of(data))
    found = ImageSet(data, name, below, splits, classes, paths, tuple(seen))
    if keep and path is not None:
        found.check()
        save_arrays(path, to_arrays(seen))
    return found


def _name(data: Data) -> str:
    """Name of the data set: the folder's, or the archive's without its suffix."""
    path = place(data)
    named = path if path.name not in ("", "..") else path.resolve()
    return plain(named.name if path.is_dir() else named.stem)


def _without_images(below: Below) -> str:
    kinds = ", ".join(SUFFIXES)
    found = ", ".join(f"{len(names):,} {reason}" for reason, names in below.left_out.items())
    instead = f", but {found}" if found else ""
    inner = ". Archives inside are not read: unpack them" if ".zip" in below.left_out else ""
    return f"holds no images{instead}; must hold files that end in {kinds}{inner}"
