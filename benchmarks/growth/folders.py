"""A start's reading of a folder against the number of images in it, at first and again.

Small PNG files in a folder of their own; each start is a process of its own, a first one with a
cache folder of its own too. Memory is the peak of the process beyond what it had after its
imports, as Linux counts it.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.growth.point import Curve, Point
from benchmarks.startup import with_cache
from cgan.config import Data
from cgan.data import load_source

SIDE = 16
OF_PROCESS = Path("/proc/self")
READ = "import sys; from benchmarks.growth.folders import read; read(sys.argv[1])"


def written(folder: Path, images: int) -> Path:
    """A folder with so many small random images to train on, and one held out."""
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
    for number in range(images + 1):
        split = "train" if number < images else "test"
        pixels = rng.integers(256, size=(SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / split / f"{number}.png", compress_level=1)
    return folder


def read(path: str) -> None:
    """Load a folder in this process, and print seconds and MiB as JSON."""
    OF_PROCESS.joinpath("clear_refs").write_text("5")  # the peak starts from here
    before, began = resident_mib("VmRSS"), time.perf_counter()
    source = load_source(Data("folder", path=Path(path)), "train")
    source[np.arange(min(64, len(source)))]
    seconds = time.perf_counter() - began
    print(json.dumps([seconds, resident_mib("VmHWM") - before]))


def resident_mib(name: str) -> float:
    """Resident memory of this process, now (`VmRSS`) or at its peak (`VmHWM`)."""
    lines = OF_PROCESS.joinpath("status").read_text().splitlines()
    (kib,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(kib) / 2**10


def start(images: Path, cache: Path) -> tuple[float, float]:
    """Seconds and MiB of one start."""
    command = [sys.executable, "-c", READ, str(images)]
    done = subprocess.run(
        command, env=with_cache(cache), check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, mib = json.loads(done.stdout.splitlines()[-1])
    return seconds, mib


def reading(again: bool) -> Callable[[Sequence[int], int], Iterator[Point]]:
    """How reading a folder is measured: at first, or with what an earlier start kept."""

    def measure(sizes: Sequence[int], rounds: int) -> Iterator[Point]:
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                images = written(Path(folder) / "images", size)
                # Files of the last two seconds are never taken as known.
                time.sleep(2.5)
                caches = [Path(folder) / f"cache{number}" for number in range(rounds)]
                if again:
                    start(images, caches[0])
                    caches = caches[:1] * rounds
                found = [start(images, cache) for cache in caches]
                seconds, mib = np.median(np.array(found), axis=0)
            yield Point(size, float(seconds), float(mib))

    return measure


SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
CURVES = (
    Curve(
        "folder, first start",
        "images in the folder",
        "PNG files of 16x16 read, hashed, decoded and kept",
        SIZES,
        reading(again=False),
    ),
    Curve(
        "folder, started again",
        "images in the folder",
        "the same folder, of which the cache knows every file",
        SIZES,
        reading(again=True),
    ),
)
"""Curves of a start."""
