"""What a sink is, several of them as one, and one that may fail."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Protocol, runtime_checkable

from cgan.config import require
from cgan.system.errors import DiskError, reason


@runtime_checkable
class Sink(Protocol):
    """Takes what a run has to show. The clock is images seen, and never goes back within a sink."""

    def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
        """Named numbers after so many images."""

    def image(self, nimg: int, name: str, png: bytes) -> None:
        """A picture after so many images, as the content of a PNG file."""

    def flush(self) -> None:
        """Have all of it safe: a checkpoint follows that has seen it."""

    def close(self) -> None:
        """There is no more."""


def require_sinks(sinks: Sequence[object]) -> None:
    """Refuse what lacks a method of a sink, before a run depends on it.

    Raises:
        ConfigError: naming its class.
    """
    for sink in sinks:
        expected = "an object with scalars, image, flush and close"
        require(isinstance(sink, Sink), "sinks", type(sink).__name__, expected)


class Sinks:
    """Several sinks as one, which are closed when it is left."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
        """Named numbers, to each."""
        for sink in self._sinks:
            sink.scalars(nimg, row)

    def image(self, nimg: int, name: str, png: bytes) -> None:
        """A picture, to each."""
        for sink in self._sinks:
            sink.image(nimg, name, png)

    def flush(self) -> None:
        """Have what all sinks were given safe."""
        for sink in self._sinks:
            sink.flush()

    def close(self) -> None:
        """Close all sinks, also where one before can't be closed."""
        with ExitStack() as stack:
            for sink in reversed(self._sinks):
                stack.callback(sink.close)

    def __enter__(self) -> "Sinks":
        return self

    def __exit__(self, *exception: object) -> None:
        """Close; a disk that is full is told of unless something else already went wrong."""
        try:
            self.close()
        except DiskError:
            if exception[0] is None:
                raise


class Guarded:
    """A sink that the run does not depend on: that it failed is said once, and the run goes on.

    It is asked again each time: a network may come back.
    """

    def __init__(self, sink: Sink, say: Callable[[str], None], name: str = "") -> None:
        """Guard a sink.

        Args:
            sink: any.
            say: prints a line.
            name: of the sink in that line; its class's unless given.
        """
        self._sink, self._say = sink, say
        self._name = name or type(sink).__name__
        self._has_failed = False

    def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
        """Named numbers, if it takes them."""
        self._try(lambda: self._sink.scalars(nimg, row))

    def image(self, nimg: int, name: str, png: bytes) -> None:
        """A picture, if it takes it."""
        self._try(lambda: self._sink.image(nimg, name, png))

    def flush(self) -> None:
        """Have what the sink was given safe, if it can."""
        self._try(self._sink.flush)

    def close(self) -> None:
        """Close the sink, if it can be closed."""
        self._try(self._sink.close)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            if not self._has_failed:
                self._say(failed(self._name, error))
            self._has_failed = True


def failed(name: str, error: Exception) -> str:
    """What to say of a sink that the run does not depend on."""
    return f"{name} failed ({reason(error)}); all else goes on, and the run's folder has all of it"
