"""Checkpoints of the whole training state, written by Orbax and named by images seen."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp

from cgan.config import ConfigError
from cgan.state import TrainState

KEEP = 3
"""How many checkpoints stay on disk: the newest ones."""


class Checkpoints:
    """The checkpoints of one run. A save that returned is complete on disk."""

    def __init__(self, folder: Path) -> None:
        options = ocp.CheckpointManagerOptions(
            max_to_keep=KEEP, create=True, enable_async_checkpointing=False
        )
        self.folder = folder
        self._manager = ocp.CheckpointManager(folder.absolute(), options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *exception: object) -> None:
        self._manager.close()

    def latest(self) -> int | None:
        """Images seen by the newest complete checkpoint, or None."""
        return self._manager.latest_step()

    def all(self) -> list[int]:
        """Images seen by each complete checkpoint, the oldest first."""
        return sorted(self._manager.all_steps())

    def save(self, nimg: int, state: TrainState) -> None:
        """Write the state; Orbax renames a finished folder into place, so none is ever half."""
        self._manager.save(nimg, args=ocp.args.StandardSave(state))

    def restore(self, nimg: int, like: Any) -> TrainState:
        """Read the state after `nimg` images.

        Args:
            nimg: which checkpoint.
            like: a state of the same shapes and dtypes; its shardings say where arrays go.

        Raises:
            ConfigError: there is no such checkpoint, it is damaged, or of another network.
        """
        existing = self.all()
        if nimg not in existing:
            found = ", ".join(str(step) for step in existing) or "none"
            raise ConfigError(f"checkpoint {nimg}: not in {self.folder}; it holds {found}")
        inherited = sys.unraisablehook
        sys.unraisablehook = _without_abandoned_reads(inherited)
        try:
            state = self._manager.restore(nimg, args=ocp.args.StandardRestore(like))
        except (ValueError, KeyError, TypeError, OSError) as error:
            reason = str(error).strip().splitlines()[0][:200]
            raise ConfigError(
                f"{self.folder / str(nimg)}: can't be read ({reason}); must be a complete "
                "checkpoint of this config: move it away to go on from the one before"
            ) from None
        sys.unraisablehook = inherited
        return state


def _without_abandoned_reads(inherited: Callable[[Any], object]) -> Callable[[Any], None]:
    """After one read fails, Orbax's others still report to an event loop that is closed."""

    def hook(unraisable: Any) -> None:
        if "Event loop is closed" not in str(unraisable.exc_value):
            inherited(unraisable)

    return hook
