"""Say what a data set holds, without training: `python -m cgan.data PATH`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated

import tyro

from cgan.config import Data, SourceName, require
from cgan.kinds import IMAGE
from cgan.system import terminal
from cgan.system.arguments import parse


@dataclass(frozen=True)
class Settings(Data):
    """Settings of data as in training; those that change no reading have no effect."""

    source: SourceName = "folder"
    """Kind of the data set: folder, or tfds."""

    def __post_init__(self) -> None:
        """Check nothing yet: settings are checked together with the path."""


@dataclass(frozen=True)
class Arguments:
    """Say what a data set holds, reading no more than headers; nothing is written."""

    path: Annotated[Path | None, tyro.conf.Positional] = None
    """Folder or .zip file of images, in place of --data.path."""
    data: Settings = field(default_factory=Settings)
    names: int = 10
    """Number of files to name of those that are left out, for each reason."""

    @property
    def checked(self) -> Data:
        """The settings of data, checked as training would take them."""
        given = {item.name: getattr(self.data, item.name) for item in fields(Data)}
        require(self.data.source in ("folder", "tfds"), "data.source", self.data.source, KINDS)
        return Data(**(given if self.path is None else given | {"path": self.path}))


KINDS = "folder or tfds: others need no files of yours"


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line, look at the data, print what they hold.

    Raises:
        ConfigError: what training would refuse, after all that could be said.
    """
    arguments = parse(Arguments, argv, prog="python -m cgan.data", description=__doc__)
    require(arguments.names >= 0, "names", arguments.names, "0 or more")
    data = arguments.checked
    if data.source == "tfds":
        from cgan.data import tensorflow_datasets

        terminal.say(tensorflow_datasets.description(data))
        return
    from cgan.data.listing.describe import lines
    from cgan.data.listing.image_set import SPLITS, image_set

    found = image_set(data, keep=False)
    for line in lines(found, arguments.names):
        terminal.say(line)
    found.check()
    listings = {split: found.listing(split) for split in SPLITS}
    if data.limit is not None:
        from cgan.data.limited import choice_in_words, choose

        train = listings["train"]
        labels = train.labels()
        chosen = choose(labels, data, f"training images of {train.name}")
        shown = labels[chosen] if train.class_names else labels[:0]
        terminal.say(f"limit: {choice_in_words(shown, len(chosen), len(labels), IMAGE)}")
