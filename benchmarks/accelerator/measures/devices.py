"""The step on 1, 2, 4 and 8 devices: how it scales, and whether losses depend on their number."""

from collections.abc import Iterator, Sequence
from functools import cache

import jax
import numpy as np

from benchmarks.accelerator.measures.agreement import apart, losses
from benchmarks.accelerator.measures.steps import pair_of
from benchmarks.accelerator.part import NOTE, Facts, Measure
from benchmarks.harness import compile_parts, seconds_in_turns
from configs import digits

ROW = "r3gan_cifar10, bfloat16"
STEPS, ROUNDS = 10, 7
NAME = "step"


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """A row is a number of devices; the first one is what the others are compared with."""
    pair = pair_of(ROW, tiny)

    @cache
    def of_losses(count: int) -> np.ndarray:
        return losses(digits.CONFIG, STEPS, jax.local_devices()[:count])

    @cache
    def seconds(count: int) -> float:
        step = compile_parts(pair.parts, jax.local_devices()[:count])
        dispatch = seconds_in_turns({NAME: step}, 1 if tiny else ROUNDS)[NAME]
        return float(np.median(dispatch)) / pair.config.steps_per_dispatch

    def measure(row: str) -> Iterator[Facts]:
        count, found = int(row), jax.local_device_count()
        if count > found:
            yield {NOTE: f"{found} found"}
            return
        times = seconds(1) / seconds(count)
        facts: Facts = {
            "ms": 1e3 * seconds(count),
            "images_s": pair.config.batch_size / seconds(count),
            "times": times,
            "efficiency": 100 * times / count,
        }
        yield facts
        yield facts | {"apart": apart(of_losses(count), of_losses(1))}

    return measure
