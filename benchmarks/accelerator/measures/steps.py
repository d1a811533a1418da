"""A training step beside the same one in PyTorch, eager and compiled, in either precision."""

import contextlib
import dataclasses
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from types import ModuleType
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks import pairs
from benchmarks.accelerator.compiling import side_by_side, timed
from benchmarks.accelerator.part import NOTE, Facts, Measure
from benchmarks.accelerator.peaks import peak_of, rate
from benchmarks.flops import product_rate, step_flops
from benchmarks.harness import (
    Prepared,
    compile_parts,
    planned_bytes,
    ratios_of,
    seconds_in_turns,
)
from benchmarks.pairs import PAIRS, Pair
from cgan.system.errors import reason

TINY: dict[str, Callable[[], Pair]] = {
    "conv": partial(pairs.conv, side=8, batch_size=4, width=8),
    "sngan": partial(pairs.sngan, side=8, batch_size=4, width=8, most=8),
    "r3gan": partial(pairs.r3gan, side=8, batch_size=4, width=16, most=16),
    "r3gan_cifar10": partial(pairs.r3gan_of_cifar10, side=8, batch_size=4, width=16),
}
STEPS = {"r3gan_cifar10": 2}
"""Steps in a dispatch of pairs that are so large that few hide what a dispatch costs."""
USUAL_STEPS, TINY_STEPS = 10, 1
ROUNDS, TINY_ROUNDS = 7, 1
TINY_SIDE = 256
OURS, COMPILED = "ours", "compiled"
LAYOUTS = ("channels first", "channels last")


class Built(NamedTuple):
    """Ours of a pair, compiled."""

    pair: Pair
    step: Prepared
    compile_sec: float
    flops: int
    read: Any
    """What PyTorch's outputs are compared with; None where there is no PyTorch."""


def pair_of(row: str, tiny: bool) -> Pair:
    """The pair and precision that a row names."""
    name, precision = row.split(", ")
    pair = (TINY if tiny else PAIRS)[name]()
    steps = TINY_STEPS if tiny else STEPS.get(name, USUAL_STEPS)
    settings: dict[str, Any] = {"precision": precision, "steps_per_dispatch": steps}
    config = dataclasses.replace(pair.config, **settings)
    return pair._replace(config=config)


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """Compile the steps of all rows side by side."""
    beside, refusal = torch_here()
    makes = {row: partial(_built, pair_of(row, tiny), beside) for row in rows}
    built = side_by_side(makes)
    side = TINY_SIDE if tiny else None

    @cache
    def of_product(precision: str) -> float:
        return product_rate(precision, side=side)

    def measure(row: str) -> Iterator[Facts]:
        ours, rounds = built.pop(row).result(), TINY_ROUNDS if tiny else ROUNDS
        facts = _of_ours(ours, rounds, of_product)
        if beside is None:
            yield facts | {NOTE: refusal}
            return
        yield facts
        yield from _beside(facts, ours, beside, rounds)

    return measure


def _imported() -> tuple[ModuleType | None, str]:
    """PyTorch's side, or None and why it can't be imported."""
    try:
        from benchmarks.torch_peer import beside
    except (ImportError, OSError) as error:
        return None, f"no PyTorch to compare with: {reason(error)}"
    return beside, ""


IMPORTED = _imported()
"""Imported with this module, which a worker does before its time begins."""


def torch_here() -> tuple[ModuleType | None, str]:
    """PyTorch's side, or None and why there is none to compare with on this device."""
    beside, refusal = IMPORTED
    if beside is None:
        return None, refusal
    backend = jax.default_backend()
    if {"gpu": "cuda", "cpu": "cpu"}.get(backend) != beside.device():
        return None, f"no PyTorch to compare with: it does not compute on this {backend} here"
    beside.settle()
    beside.torch.set_num_threads(len(os.sched_getaffinity(0)))
    return beside, ""


def _built(pair: Pair, beside: ModuleType | None) -> Built:
    parts = pair.parts
    step, seconds = timed(lambda: compile_parts(parts))
    read = None if beside is None else beside.reader(parts)
    return Built(pair, step, seconds, step_flops(step), read)


def _of_ours(ours: Built, rounds: int, of_product: Callable[[str], float]) -> Facts:
    """Time, rates and memory of our step by itself."""
    config = ours.pair.config
    dispatch = float(np.median(seconds_in_turns({OURS: ours.step}, rounds)[OURS]))
    seconds = dispatch / config.steps_per_dispatch
    done = ours.flops / seconds
    facts: Facts = {
        "batch": config.batch_size,
        "ours_ms": 1e3 * seconds,
        "images_s": config.batch_size / seconds,
        "tflops": done / 1e12,
        "of_product": 100 * done / of_product(config.precision),
        "compile_sec": ours.compile_sec,
        "planned_mib": planned_bytes(ours.step) / 2**20,
    }
    published = rate(peak_of(jax.devices()[0].device_kind), config.precision)
    if published is not None:
        facts["of_sheet"] = 100 * done / (1e12 * published)
    return facts


def _beside(facts: Facts, ours: Built, beside: ModuleType, rounds: int) -> Iterator[Facts]:
    """The facts with PyTorch's step beside: how far apart, eager, compiled; each as it is known.

    What PyTorch fails at is told in the note, and the rest goes on.
    """
    notes: list[str] = []
    pair, torch = ours.pair, beside.torch
    with _told(notes, "comparing"):
        facts["apart"] = max(beside.differences(pair, ours.step, ours.read).values())
        limit = beside.CLOSE[pair.config.precision]
        if facts["apart"] > limit:
            notes.append(f"the libraries differ by more than {limit}")
    formats = dict(zip(LAYOUTS, (torch.contiguous_format, torch.channels_last), strict=True))
    chosen = LAYOUTS[0]
    with _told(notes, "PyTorch, eager"):
        found = _in_turns(
            ours,
            {name: beside.Peer(pair, ours.step, False, of) for name, of in formats.items()},
            rounds,
        )
        chosen = min(LAYOUTS, key=lambda name: float(np.median(found[name])))
        facts["eager"] = found[chosen]
        notes.append(chosen)
    yield _noted(facts, notes)
    with _told(notes, "torch.compile"):
        peer = beside.Peer(pair, ours.step, True, formats[chosen])
        _, facts["torch_compile_sec"] = timed(lambda: peer.dispatch(peer, peer.batches[:1]))
        facts["compiled"] = _in_turns(ours, {COMPILED: peer}, rounds)[COMPILED]
        del peer
    gc.collect()
    torch.compiler.reset()
    torch.cuda.empty_cache()
    yield _noted(facts, notes)


def _in_turns(ours: Built, peers: dict[str, Any], rounds: int) -> dict[str, list[float]]:
    return ratios_of(seconds_in_turns({OURS: ours.step, **peers}, rounds), OURS)


@contextlib.contextmanager
def _told(notes: list[str], stage: str) -> Iterator[None]:
    """Go on after a stage that failed, with a note of why."""
    try:
        yield
    except Exception as error:
        notes.append(f"{stage} failed: {reason(error)}")
        gc.collect()


def _noted(facts: Facts, notes: Sequence[str]) -> Facts:
    return facts | ({NOTE: "; ".join(notes)} if notes else {})
