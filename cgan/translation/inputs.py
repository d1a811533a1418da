"""The pictures that a generator is given in place of noise: both splits, loaded when needed."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from cgan.config import ConfigError, Data, require
from cgan.data import Source, load_held_out, load_source, require_outside
from cgan.rng import stream_seed


@dataclass(frozen=True)
class GivenPictures:
    """Pictures to be translated, in both splits."""

    data: Data
    """The settings of their data set."""
    sample_shape: tuple[int, ...]
    """Shape of the target's pictures, which is to be theirs."""

    @cached_property
    def train(self) -> Source:
        """Pictures that are translated in training.

        Raises:
            ConfigError: they can't be read, or are of another shape than the target's.
        """
        return self._fitting(load_source(self.data, "train"))

    @cached_property
    def held_out(self) -> Source:
        """Pictures that are translated in probes, pictures and evaluations; never trained on.

        Raises:
            ConfigError: as for `train`.
        """
        return self._fitting(load_held_out(self.data, self.train))

    def check(self, workdir: Path) -> None:
        """Load both splits, before anything is compiled or written.

        Args:
            workdir: of the run, whose own pictures are not to be translated.

        Raises:
            ConfigError: as for `train`; or the run's folder lies in theirs.
        """
        require_outside(self.data, workdir)
        for split in (self.train, self.held_out):
            require(len(split) > 0, "translation.source", self.data.source, "pictures in a split")

    def rows(self, rows: Int[np.ndarray, " n"], seed: int, stream: str) -> Int[np.ndarray, " n"]:
        """Which held-out pictures stand in these rows of a stream: all before any comes again."""
        epoch, place = np.divmod(rows, len(self.held_out))
        found = np.empty_like(rows)
        for number in np.unique(epoch):
            key = [seed, stream_seed(stream), int(number)]
            order = np.random.default_rng(key).permutation(len(self.held_out))
            found[epoch == number] = order[place[epoch == number]]
        return found

    def pictures(
        self, rows: Int[np.ndarray, " n"], seed: int, stream: str
    ) -> Float[np.ndarray, "n height width channels"]:
        """The held-out pictures in these rows of a stream, as the generator takes them."""
        stored = self.held_out[self.rows(rows, seed, stream)].x
        return np.asarray(self.held_out.encode(np.asarray(stored)))

    def labels(self, rows: Int[np.ndarray, " n"], seed: int, stream: str) -> Int[np.ndarray, " n"]:
        """The classes of the pictures in these rows of a stream."""
        return np.asarray(self.held_out[self.rows(rows, seed, stream)].label)

    def _fitting(self, source: Source) -> Source:
        if tuple(source.sample_shape) != tuple(self.sample_shape):
            raise ConfigError(
                f"translation.source: its pictures are of {tuple(source.sample_shape)}, those of "
                f"data of {tuple(self.sample_shape)}; must be of one size and as many channels "
                "(--data.resolution, --data.channels)"
            )
        return source
