"""Bytes that a training step sends between devices: `python -m benchmarks.communication`.

Read from the compiled program. Each collective operation of XLA's HLO is counted once, by the size
of the whole array that the devices share: of an all-gather what it returns, of a reduce-scatter
what it is given, of an all-reduce either. Then: how long that takes on many devices by a ring
(Patarasuk & Yuan 2009), `2 (n - 1) / n` times the bytes of an all-reduce through each device's
link, half of it for the others.
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import compile_parts
from cgan.assemble import assemble
from cgan.config import Experiment, positive, require, require_known
from cgan.system import cli
from configs import CONFIGS

SIMULATED = 8
BYTES_OF_A_REAL = 28
"""Bytes that a step sends for each real, without embeddings.

Scores take four gathers of a float for each real or fake, and three transposes.
"""
OPERATION = re.compile(
    r"= (.*?) (all-reduce|all-gather|reduce-scatter|\S*permute|all-to-all)(-start)?\("
)
SHAPE = re.compile(r"\b(pred|[a-z]+[0-9]+)\[([0-9,]*)\]")
LINKS = {
    "TPU v5p, 600 GB/s": 600e9,
    "TPU v5e, 200 GB/s": 200e9,
    "H100, NVLink, 450 GB/s": 450e9,
    "H100, InfiniBand NDR, 50 GB/s": 50e9,
}
"""Bytes a second that a device sends, by kind of device and link.

4,800 and 1,600 Gbit/s between chips (Google Cloud's pages on TPU v5p and v5e), 900 GB/s both ways
together (NVIDIA's data sheet of the H100), and 400 Gbit/s a GPU (NVIDIA's of the DGX H100).
"""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that counts a step's bytes and projects how long they take."""

    experiment: str = "digits"
    """Experiment of `configs/` whose step is read."""
    project: tuple[int, ...] = (8, 64, 512)
    """Numbers of devices to reckon times for."""
    parameters: int | None = None
    """Parameters of a pair to reckon for uncompiled: 4 bytes a step for each, 28 for each real."""
    batch_size: int = 256
    """Reals in the global batch of a pair given by its number of parameters."""

    def __post_init__(self) -> None:
        require_known("experiment", [self.experiment], CONFIGS)
        positive(self, "", "batch_size", *(() if self.parameters is None else ("parameters",)))
        for count in self.project:
            require(count > 0, "project", count, "more than 0")


class Collective(NamedTuple):
    """One collective operation between devices: its kind, and the bytes that it moves."""

    kind: str
    size: int
    """Bytes of the whole array, or of all arrays of a joint operation."""


def collectives(hlo: str, devices: int) -> list[Collective]:
    """All collectives of a compiled program in HLO's text; those of a loop count once."""
    found = []
    for result, kind, _ in OPERATION.findall(hlo):
        size = sum(_bytes(*shape) for shape in SHAPE.findall(result))
        found.append(Collective(kind, size * devices if kind == "reduce-scatter" else size))
    return found


def _bytes(kind: str, sides: str) -> int:
    bits = 8 if kind == "pred" else int(re.sub(r"\D", "", kind))
    return math.prod(int(side) for side in sides.split(",") if side) * bits // 8


def of_step(config: Experiment, devices: Sequence[jax.Device]) -> list[Collective]:
    """The collectives in one training step of an experiment on these devices."""
    parts = assemble(dataclasses.replace(config, steps_per_dispatch=1))
    return collectives(compile_parts(parts, devices).dispatch.as_text(), len(devices))


def seconds(sent: Sequence[Collective], devices: int, bytes_per_sec: float) -> float:
    """Time that these collectives take by a ring, without what each message takes to set out."""
    share = (devices - 1) / devices
    passes = {"all-reduce": 2.0}
    return sum(share * passes.get(one.kind, 1.0) * one.size / bytes_per_sec for one in sent)


def main() -> None:
    """Compile for 2, 4 and 8 simulated devices, count bytes, project times, print both tables."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.communication", description=__doc__)
    console = Console(width=120)
    if arguments.parameters is None:
        sent = counted(CONFIGS[arguments.experiment], console)
    else:
        sent = of_size(arguments.parameters, arguments.batch_size)
    headings = (f"{count} devices, ms" for count in arguments.project)
    table = Table("link of each device", *headings, box=box.MARKDOWN)
    for link, speed in LINKS.items():
        times = (1e3 * seconds(sent, count, speed) for count in arguments.project)
        table.add_row(link, *(f"{time:.3f}" for time in times))
    console.print(table)


def of_size(parameters: int, batch_size: int) -> list[Collective]:
    """The collectives in a step of networks with so many parameters, without compiling one.

    `tests/test_communication.py` holds it against compiled steps.
    """
    return [
        Collective("all-reduce", 4 * parameters),
        Collective("all-gather", BYTES_OF_A_REAL * batch_size),
    ]


def counted(config: Experiment, console: Console) -> list[Collective]:
    """The collectives in a step on all simulated devices; prints them for fewer devices too."""
    jax.config.update("jax_num_cpu_devices", SIMULATED)
    table = Table("devices", "all-reduce, bytes", "others, bytes", "operations", box=box.MARKDOWN)
    for count in (2, 4, SIMULATED):
        sent = of_step(config, jax.local_devices()[:count])
        reduced = sum(one.size for one in sent if one.kind == "all-reduce")
        rest = sum(one.size for one in sent) - reduced
        table.add_row(str(count), f"{reduced:,}", f"{rest:,}", str(len(sent)))
    console.print(table)
    return sent


if __name__ == "__main__":
    cli.run(main)
