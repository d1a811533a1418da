"""Memory of a step of the presets of R3GAN with their own micro-batches: planned, and most in use.

What was in use at most is a process's own figure, which only grows: presets take their turn by what
was planned for them, and one whose step did not raise it has none.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax

from benchmarks.accelerator.compiling import side_by_side
from benchmarks.accelerator.part import NOTE, Facts, Measure
from benchmarks.harness import Prepared, compile_parts, planned_bytes
from benchmarks.noise import Noise
from cgan.assemble import assemble_on
from cgan.config import Augment, Experiment
from configs import CONFIGS

SHAPES = {"r3gan_cifar10": 32, "r3gan_imagenet32": 32, "r3gan_imagenet64": 64}
CLASSES = {"r3gan_cifar10": 10, "r3gan_imagenet32": 1000, "r3gan_imagenet64": 1000}
RECKONED_FOR_GB = 80
TINY: dict[str, Any] = {"width": 16, "max_width": 16, "depth": 1, "group_size": 16}


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """Compile the steps of all presets side by side."""
    steps = side_by_side({row: partial(_compiled, row, tiny) for row in rows})

    def measure(row: str) -> Iterator[Facts]:
        step = steps.pop(row).result()
        config, planned = step.parts.config, planned_bytes(step)
        facts: Facts = {
            "batch": config.batch_size,
            "micro_batches": config.micro_batches,
            "planned_gb": planned / 1e9,
            "share": 100 * planned / 1e9 / RECKONED_FOR_GB,
        }
        yield facts
        before = _peak()
        state, _ = step.dispatch(step.start(), step.batches)
        jax.block_until_ready(state)
        after = _peak()
        if after is None or before is None:
            facts[NOTE] = "this device does not say what is in use"
        elif after > before:
            facts |= {"peak_gb": after / 1e9, "share": 100 * after / 1e9 / RECKONED_FOR_GB}
        else:
            facts[NOTE] = "less than another preset's"
        yield facts

    return measure


def _compiled(name: str, tiny: bool) -> Prepared:
    config = _config(name, tiny)
    side = config.data.resolution or SHAPES[name]
    names = tuple(str(number) for number in range(CLASSES.get(name, 1)))
    source = Noise((8 if tiny else side,) * 2 + (3,), class_names=names)
    return compile_parts(assemble_on(config, source))


def _config(name: str, tiny: bool) -> Experiment:
    config = dataclasses.replace(CONFIGS[name], steps_per_dispatch=1)
    if not tiny:
        return config
    return dataclasses.replace(
        config,
        batch_size=4,
        micro_batches=2,
        augment=Augment(strength=0.0),
        generator=dataclasses.replace(config.generator, **TINY),
        discriminator=dataclasses.replace(config.discriminator, **TINY),
    )


def _peak() -> int | None:
    """Most bytes that were in use on the first device so far; None where it does not say."""
    stats = jax.local_devices()[0].memory_stats()
    return None if stats is None else stats.get("peak_bytes_in_use")
