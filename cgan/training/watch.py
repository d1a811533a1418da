"""Who watches a run in training, and may hold checkpoints back or end it."""

from typing import Any, Protocol, runtime_checkable

from cgan.system.errors import AgreedError


@runtime_checkable
class Watch(Protocol):
    """What the loop asks of who watches; only the first of many processes does."""

    def look(self, state: Any, nimg: int) -> Any:
        """A probe of the state on the devices, not waited for; None if none is due."""

    def update(self, nimg: int, look: Any) -> None:
        """Take in a probe, fetched to the host: write its row, warn."""

    def allows_checkpoint(self, nimg: int) -> bool:
        """Whether the state after so many images may become the newest checkpoint."""

    @property
    def wants_end(self) -> bool:
        """Whether the run should end without saving."""

    def ending(self) -> AgreedError:
        """What to say then, in each process."""


class NoWatch:
    """A watch that leaves it to the first process, or to nobody."""

    def look(self, state: Any, nimg: int) -> Any:
        """Probe nothing."""
        return None

    def update(self, nimg: int, look: Any) -> None:
        """Take in nothing, since nothing was probed."""

    def allows_checkpoint(self, nimg: int) -> bool:
        """Every state may become the newest checkpoint."""
        return True

    @property
    def wants_end(self) -> bool:
        """No run is ended."""
        return False

    def ending(self) -> AgreedError:
        return AgreedError("process 0 ended the run; it says why")
