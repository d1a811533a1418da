"""What input costs beside a training step: `python -m benchmarks.input`.

A data set of 50,000 images of 32x32 pixels, memory-mapped as decoded ones are, and the small
convolutional pair. Prints the share of the time in which the loop waits for a batch, and what a
batch costs by itself: by our indexing, and by grain's `MapDataset` over the same array.
"""

import dataclasses
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grain
import jax
import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import quartiles
from cgan import cli, objectives, optim, parallel
from cgan import networks as networks_lib
from cgan.assemble import Parts
from cgan.config import Data, require
from cgan.data.decoded import DecodedImages
from cgan.data.pipeline import load_batches
from cgan.data.prefetch import Prefetch
from configs.images import images_experiment

IMAGES, SIDE = 50_000, 32


@dataclass(frozen=True)
class Arguments:
    """Time steps and their input."""

    steps: int = 60
    """Training steps that are timed."""
    batch_size: int = 64
    """Images a step."""
    width: int = 32
    """Channels of the pair at full resolution."""

    def __post_init__(self) -> None:
        require(self.steps > 1, "steps", self.steps, "more than 1")
        require(self.batch_size > 0, "batch_size", self.batch_size, "more than 0")
        require(self.width > 0, "width", self.width, "more than 0")


def on_disk(folder: Path) -> DecodedImages:
    """Random images in a file, mapped as decoded ones are."""
    path = folder / "images.npy"
    rng = np.random.default_rng(0)
    np.save(path, rng.integers(256, size=(IMAGES, SIDE, SIDE, 3), dtype=np.uint8))
    labels = rng.integers(10, size=IMAGES).astype(np.int32)
    images = np.load(path, mmap_mode="r")
    return DecodedImages("random", images, labels, tuple("0123456789"), 0)


def by_grain(source: DecodedImages, batch_size: int) -> Callable[[int], Any]:
    """The same by grain: an epoch's permutation, then batches, by number."""
    batches = grain.MapDataset.source(source.images).seed(0).shuffle().repeat().batch(batch_size)
    return lambda step: batches[step]


def milliseconds(read: Callable[[int], Any], steps: int) -> list[float]:
    """What each batch costs."""
    read(0)
    found = []
    for step in range(1, steps + 1):
        start = time.perf_counter()
        read(step)
        found.append(1e3 * (time.perf_counter() - start))
    return found


def stall(source: DecodedImages, arguments: Arguments) -> tuple[float, float]:
    """Share of the time spent waiting for input, and seconds a step."""
    config = images_experiment("input", Data("digits"), SIDE, arguments.width)
    config = dataclasses.replace(config, batch_size=arguments.batch_size, steps_per_dispatch=1)
    networks = networks_lib.build(config, source.sample_shape)
    parts = Parts(config, source, networks, objectives.build(config), optim.build(config))
    devices = jax.local_devices()[:1]
    step = parallel.replicated_step(parts.train_step(), devices)
    state = parallel.replicate(parts.init_state(), devices)

    def place(number: int) -> Any:
        return parallel.shard(load_batches(source, config.batch_size, 0, number, 1), devices)

    batches = Prefetch(range(arguments.steps + 1), place)
    start = time.perf_counter()
    for number, placed in batches:
        state, metrics = step(state, placed)
        jax.block_until_ready(metrics)
        if number == 0:  # the first one compiles
            batches.stall_share()
            start = time.perf_counter()
    return batches.stall_share(), (time.perf_counter() - start) / arguments.steps


def main() -> None:
    """Print both tables."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.input", description=__doc__)
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        source = on_disk(Path(folder))
        table = Table("a batch by", "milliseconds", box=box.MARKDOWN)
        routes: dict[str, Callable[[int], Any]] = {
            "memory-mapped array": lambda step: load_batches(
                source, arguments.batch_size, 0, step, 1
            ),
            "grain.MapDataset": by_grain(source, arguments.batch_size),
        }
        for name, read in routes.items():
            table.add_row(name, quartiles(milliseconds(read, 200)))
        console.print(table)
        share, seconds = stall(source, arguments)
    console.print(f"{seconds:.3f} s a step, of which {share:.2%} wait for input")


if __name__ == "__main__":
    cli.run(main)
