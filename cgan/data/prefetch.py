"""Batches prepared in a thread while the devices work on the last one, and what waiting costs."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

AHEAD = 2
"""Batches that are prepared before they are asked for."""

T = TypeVar("T")
U = TypeVar("U")


class Prefetch(Generic[T, U]):
    """Iterates over `(item, prepare(item))`; the order is that of the items."""

    def __init__(self, items: Iterable[T], prepare: Callable[[T], U]) -> None:
        self._items = items
        self._prepare = prepare
        self._waited_sec = 0.0
        self._asked = time.monotonic()

    def __iter__(self) -> Iterator[tuple[T, U]]:
        items = iter(self._items)
        ahead: deque[tuple[T, Future[U]]] = deque()
        with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as pool:
            try:
                while True:
                    while len(ahead) < AHEAD:
                        try:
                            item = next(items)
                        except StopIteration:
                            break
                        ahead.append((item, pool.submit(self._prepare, item)))
                    if not ahead:
                        return
                    item, future = ahead.popleft()
                    start = time.monotonic()
                    prepared = future.result()
                    self._waited_sec += time.monotonic() - start
                    yield item, prepared
            finally:
                for _, future in ahead:
                    future.cancel()

    def stall_share(self) -> float:
        """Share of the time since the last call that was spent waiting for a batch."""
        now = time.monotonic()
        share = self._waited_sec / max(now - self._asked, 1e-9)
        self._waited_sec, self._asked = 0.0, now
        return min(share, 1.0)
