"""What input costs beside a training step: `python -m benchmarks.input`.

A data set of 50,000 images of 32x32 pixels as PNG files in an archive, and the small convolutional
pair. Prints the share of the time in which the loop waits for a batch: with the images decoded
once and mapped into memory, and with each decoded when it is read, in threads or worker processes.
And what a batch costs by itself, where grain's element is a dispatch or an image.
"""

import dataclasses
import io
import os
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grain
import jax
import numpy as np
import tyro
from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import quartiles
from cgan import parallel
from cgan.assemble import assemble_on
from cgan.config import Data, positive, require
from cgan.data import Source, load_source
from cgan.data.decoded import DecodedImages
from cgan.data.feed import Feed
from cgan.data.pipeline import Dispatches, load_batches
from cgan.state import TrainState
from cgan.system import cli
from configs.images import images_experiment

IMAGES, SIDE, COARSE = 50_000, 32, 8


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times training steps and their input."""

    steps: int = 60
    """Training steps that are timed, of each way to read."""
    batch_size: int = 64
    """Images in a batch, of one step."""
    width: int = 32
    """Channels of the pair at full resolution."""
    workers: tuple[int, ...] = (0, 1, 2)
    """Numbers of worker processes that decode."""

    def __post_init__(self) -> None:
        require(self.steps > 1, "steps", self.steps, "more than 1")
        positive(self, "", "batch_size", "width")


def archive(path: Path, images: int = IMAGES) -> Path:
    """Write smooth random images as PNG files to an archive: all but one are trained on."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as file:
        for number in range(images + 1):
            coarse = rng.integers(256, size=(COARSE, COARSE, 3), dtype=np.uint8)
            content = io.BytesIO()
            Image.fromarray(coarse).resize((SIDE, SIDE)).save(content, "png")
            split = "train" if number < images else "test"
            file.writestr(f"{split}/{number}.png", content.getvalue())
    return path


def by_dispatch(source: Source, batch_size: int) -> Callable[[int], Any]:
    """A reader of batches as the loop reads them."""
    return lambda step: load_batches(source, batch_size, 0, step, 1)


def by_image(images: np.ndarray, batch_size: int) -> Callable[[int], Any]:
    """A reader of batches from an epoch's permutation, by grain's own transformations."""
    batches = grain.MapDataset.source(images).seed(0).shuffle().repeat().batch(batch_size)
    return lambda step: batches[step]


def milliseconds(read: Callable[[int], Any], steps: int) -> list[float]:
    """Time that each batch takes to be read, in milliseconds."""
    read(0)
    found = []
    for step in range(1, steps + 1):
        start = time.perf_counter()
        read(step)
        found.append(1e3 * (time.perf_counter() - start))
    return found


class Training:
    """The small convolutional pair, compiled once and trained on by each way to read in turn."""

    def __init__(self, source: Source, arguments: Arguments) -> None:
        config = images_experiment("input", Data("digits"), SIDE, arguments.width)
        self.config = dataclasses.replace(
            config,
            batch_size=arguments.batch_size,
            steps_per_dispatch=1,
            total_nimg=arguments.batch_size * (arguments.steps + 1),
        )
        parts = assemble_on(self.config, source)
        self.devices = jax.local_devices()[:1]
        self.step = parallel.replicated_step(parts.train_step(), self.devices)
        self.state: TrainState = parallel.replicate(parts.init_state(), self.devices)

    def stall(self, source: Source, workers: int) -> tuple[float, float]:
        """Share of the time spent waiting for input, and seconds a step."""
        dispatches = Dispatches.of_run(self.config, source)
        place = partial(parallel.shard, devices=self.devices)
        with Feed(dispatches, 0, place, workers) as feed:
            for number, placed in enumerate(feed):
                self.state, metrics = self.step(self.state, placed)
                jax.block_until_ready(metrics)
                if number == 0:  # workers have started, and the first of all steps compiles
                    feed.stall_share()
                    start = time.perf_counter()
            return feed.stall_share(), (time.perf_counter() - start) / number


def main() -> None:
    """Time readers and training, and print both tables."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.input", description=__doc__)
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CGAN_CACHE"] = folder
        data = Data("folder", path=archive(Path(folder) / "images.zip"))
        mapped = load_source(data, "train")
        decoding = load_source(dataclasses.replace(data, cached=False), "train")
        assert isinstance(mapped, DecodedImages)
        routes = {
            "memory-mapped, an element a dispatch": by_dispatch(mapped, arguments.batch_size),
            "memory-mapped, an element an image": by_image(mapped.images, arguments.batch_size),
            "decoded each time, in threads": by_dispatch(decoding, arguments.batch_size),
        }
        table = Table("a batch", "milliseconds", box=box.MARKDOWN)
        for name, read in routes.items():
            table.add_row(name, quartiles(milliseconds(read, 200)))
        console.print(table)
        table = Table("images", "workers", "input stall", "seconds a step", box=box.MARKDOWN)
        training = Training(mapped, arguments)
        ways: list[tuple[str, Source, int]] = [("memory-mapped", mapped, 0)]
        ways += [("decoded each time", decoding, workers) for workers in arguments.workers]
        for kind, source, workers in ways:
            share, seconds = training.stall(source, workers)
            table.add_row(kind, str(workers), f"{share:.2%}", f"{seconds:.3f}")
        console.print(table)


if __name__ == "__main__":
    cli.run(main)
