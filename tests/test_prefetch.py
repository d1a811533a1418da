"""Prefetching: the order of the items, errors where they belong, and the time spent waiting."""

import threading
import time

import pytest

from cgan.data.prefetch import AHEAD, Prefetch


def test_items_come_in_order_with_what_was_prepared_of_them():
    assert list(Prefetch(range(7), lambda item: item * item)) == [(n, n * n) for n in range(7)]
    assert list(Prefetch([], str)) == []


def test_items_are_prepared_ahead_but_not_far():
    prepared = []
    ready = threading.Event()

    def prepare(item):
        prepared.append(item)
        if len(prepared) == 1 + AHEAD - 1:
            ready.set()
        return item

    iterator = iter(Prefetch(range(100), prepare))
    next(iterator)
    assert ready.wait(10)
    time.sleep(0.05)
    assert len(prepared) <= 1 + AHEAD
    iterator.close()


def test_an_error_comes_at_its_item():
    def prepare(item):
        if item == 3:
            raise ValueError("item 3")
        return item

    iterator = iter(Prefetch(range(9), prepare))
    assert [next(iterator)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(iterator)


def test_the_share_of_waiting_is_told_once():
    slow = Prefetch(range(5), lambda _: time.sleep(0.05))
    for _ in slow:
        pass
    assert slow.stall_share() > 0.5
    assert slow.stall_share() == 0
    fast = Prefetch(range(5), lambda item: item)
    for _ in fast:
        time.sleep(0.05)
    assert fast.stall_share() < 0.5
