"""A data set in two: what is trained on, and what is held out."""

from typing import NamedTuple

from cgan.data import Source
from cgan.kinds import Kind


class Splits(NamedTuple):
    """A data set: what is trained on, and what is held out."""

    train: Source
    held_out: Source

    @property
    def kind(self) -> Kind:
        """What its samples are."""
        return self.train.kind
