"""A data set in two: what is trained on, and what is held out."""

from typing import NamedTuple

from cgan.data import Source


class Splits(NamedTuple):
    """A data set: what is trained on, and what is held out."""

    train: Source
    held_out: Source

    @property
    def holds_images(self) -> bool:
        """Whether samples are uint8 NHWC images; points otherwise."""
        return len(self.train.sample_shape) == 3
