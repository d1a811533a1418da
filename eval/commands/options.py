"""The options that commands on a run share: which checkpoint of it, and where its data are."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cgan.config import DataChanged, require, require_seed

if TYPE_CHECKING:
    from cgan.run_folder.run_data import Whereabouts

N_AT_MOST = 2**31 - 1
"""Most samples of an evaluation: their numbers are whole numbers of 32 bits."""


@dataclass(frozen=True, kw_only=True)
class OfRun:
    """Options of a command on a run."""

    checkpoint: int | None = None
    """Checkpoint by the images it had seen; the newest unless given."""
    step: int | None = None
    """Checkpoint by its training steps, instead."""
    data_path: Path | None = None
    """Path of the run's data now, if they moved."""
    data_changed: DataChanged = "refuse"
    """Whether to go on where the data are not those that the run learnt."""

    @property
    def where(self) -> "Whereabouts":
        """Where the run's data are, and whether others do."""
        from cgan.run_folder.run_data import Whereabouts  # JAX, which help does not wait for

        return Whereabouts(self.data_path, self.data_changed)

    def require_checkpoint(self) -> None:
        """Refuse a checkpoint that no run has.

        Raises:
            ConfigError: such a number.
        """
        require(self.step is None or self.step > 0, "step", self.step, "more than 0")
        both = self.step is not None and self.checkpoint is not None
        require(not both, "step", self.step, "left out where checkpoint is given")


def require_numbers(n: int | None, seed: int) -> None:
    """Refuse numbers of samples and seeds that nothing can be evaluated with.

    Raises:
        ConfigError: such a number.
    """
    require(n is None or n >= 2, "n", n, "at least 2 samples")
    require(n is None or n <= N_AT_MOST, "n", n, f"at most {N_AT_MOST}")
    require_seed(seed)
