"""Training steps against batch, K, resolution, devices and bank, all sizes of one curve in turns.

Memory is what XLA plans for the compiled step: activations and results, on each device.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from benchmarks.growth.point import Curve, Point
from benchmarks.harness import Prepared, compile_parts, processor_clock, seconds_in_turns
from benchmarks.neighbor_step import GAME, memory
from benchmarks.pairs import Pair, conv, mlp
from cgan.assemble import Parts
from cgan.config import Augment, Bank, Objective

BATCHES = (64, 128, 256, 512, 1_024, 2_048, 4_096)
Prepare = Callable[[int], Prepared]


def of_step(prepare: Prepare) -> Callable[[Sequence[int], int], Iterator[Point]]:
    """How steps of growing sizes are measured: compiled one by one, then timed in turns."""

    def measure(sizes: Sequence[int], rounds: int) -> Iterator[Point]:
        steps = {str(size): prepare(size) for size in sizes}
        seconds = seconds_in_turns(steps, rounds, processor_clock())
        for size in sizes:
            mib = memory(steps[str(size)]) / 2**20
            yield Point(size, float(np.median(seconds[str(size)])), mib)

    return measure


def convolutions(batch: int) -> Parts:
    """A narrow convolutional pair on images of 16x16."""
    return conv(side=16, batch_size=batch, width=8).parts


def perceptrons(batch: int, game: bool, slots: int = 0, fakes: int | None = None) -> Parts:
    """The pair of `stacked_digits`, by a score alone or with the neighbour game, and a bank."""
    config, source = mlp()
    config = dataclasses.replace(
        config, batch_size=batch, steps_per_dispatch=1, objective=Objective(fakes_per_real=fakes)
    )
    if game:
        config = dataclasses.replace(
            config, embedding=GAME, augment=Augment(0.3), bank=Bank(slots, "embeddings")
        )
    return Pair(config, source).parts


def at_resolution(side: int) -> Prepared:
    """A step of 16 images of this side, by a convolutional pair as deep as the presets'."""
    return compile_parts(conv(side=side, batch_size=16, width=8).parts)


def on_devices(devices: int) -> Prepared:
    """A step of 256 images on so many simulated devices, which share the cores."""
    return compile_parts(convolutions(256), jax.local_devices()[:devices])


CURVES = (
    Curve(
        "batch, convolutions",
        "images in the batch",
        "a step of a narrow convolutional pair on 16x16, exact R1 and R2",
        BATCHES,
        of_step(lambda size: compile_parts(convolutions(size))),
    ),
    Curve(
        "batch, perceptrons",
        "images in the batch",
        "a step of the pair of `stacked_digits`, each real against all fakes",
        BATCHES,
        of_step(lambda size: compile_parts(perceptrons(size, game=False))),
    ),
    Curve(
        "batch, neighbour game",
        "images in the batch",
        "the same pair with the neighbour game and views: its densities compare all with all",
        BATCHES,
        of_step(lambda size: compile_parts(perceptrons(size, game=True))),
    ),
    Curve(
        "fakes for each real",
        "K",
        "the same pair, a batch of 1,024, each real against K fakes",
        (1, 4, 16, 64, 256, 1_024),
        of_step(lambda size: compile_parts(perceptrons(1_024, game=False, fakes=size))),
    ),
    Curve(
        "bank",
        "slots",
        "the neighbour game at a batch of 64, beside so many kept embeddings",
        (0, 256, 1_024, 4_096, 16_384, 65_536),
        of_step(lambda size: compile_parts(perceptrons(64, game=True, slots=size))),
    ),
    Curve(
        "resolution",
        "side, pixels",
        "a step of 16 images by a convolutional pair as deep as the presets'",
        (8, 16, 32, 64, 128),
        of_step(at_resolution),
    ),
    Curve(
        "devices",
        "devices simulated",
        "a step of 256 images on devices that share the same cores; memory of each",
        (1, 2, 4, 8),
        of_step(on_devices),
        devices=8,
    ),
)
"""Curves of a training step."""
