"""The shape of samples of a set that may take days to read, from the headers of a part of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from cgan.config import ConfigError, Data
from cgan.data.decode import UnusableImage
from cgan.data.encoded import form_of, refusal, sizes
from cgan.data.files import EncodedFiles, Listing
from cgan.data.listing.survey import Shape, commonest, kept_survey, to_arrays
from cgan.data.source import Split
from cgan.system.cache import save_arrays

LOOKED_AT = 1_000
"""Number of images of a split that are looked at."""


@dataclass(frozen=True)
class Some:
    """A number of images of a set, from all over it."""

    files: EncodedFiles
    count: int

    def __len__(self) -> int:
        return self.count

    def name(self, number: int) -> str:
        return self.files.name(self._of(number))

    def read(self, number: int) -> bytes:
        return self.files.read(self._of(number))

    def head(self, number: int, most: int) -> bytes:
        return self.read(number)[:most]

    def _of(self, number: int) -> int:
        return number * len(self.files) // self.count


def shape_of_some(data: Data, listings: Mapping[Split, Listing], keep: bool = True) -> Shape:
    """The shape of samples: that of most images, of which some are looked at.

    Raises:
        ConfigError: splits that are unlike.
    """
    if data.resolution is not None and data.channels is not None:
        return data.resolution, data.resolution, data.channels
    found: dict[Split, tuple[Shape, int]] = {}
    for split, listing in listings.items():
        some = Some(listing.files, min(len(listing), LOOKED_AT))
        seen, path = kept_survey(listing.name, some, listing.witness, form_of(data))
        most = commonest(seen)
        if most is None:
            unusable = next(one for one in seen if isinstance(one, UnusableImage))
            raise refusal(some.name(0), unusable)
        found[split] = most
        if keep and path is not None:
            save_arrays(path, to_arrays(seen))
    train, test = found["train"][0], found["test"][0]
    if train != test:
        raise ConfigError(
            f"data.name = {data.name!r}: images to train on are {sizes(train)}, those held out "
            f"{sizes(test)}; must be alike. data.resolution and data.channels bring all to one form"
        )
    return train
