"""Images in a folder or a .zip file as a data set; `listing` tells what it holds."""

from cgan.config import Data
from cgan.data.decoded import DecodedImages, decoded
from cgan.data.encoded import EncodedImages, encoded
from cgan.data.listing.describe import line
from cgan.data.listing.image_set import image_set
from cgan.data.listing.splits import is_held_out as _is_held_out
from cgan.data.source import Split

__all__ = ["_is_held_out", "load"]


def load(data: Data, split: Split) -> DecodedImages | EncodedImages:
    """Load one split of the images at `data.path`.

    Raises:
        ConfigError: no such path, no images there, or an image that can't be used.
    """
    found = image_set(data)
    found.check()
    listing = found.listing(split, line(found))
    return decoded(listing, data) if data.cached else encoded(listing, data)
