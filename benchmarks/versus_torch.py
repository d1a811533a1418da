"""The training step in JAX beside the same one in PyTorch: `python -m benchmarks.versus_torch`.

Same networks from the same weights, same batch, penalties at every step, optimiser and average.
Before anything is timed both are given the same latents and samples, and must return the same
samples, scores and gradients. Then they take turns; only ratios within a round are kept. PyTorch
compiles what it can: a second backward pass through a compiled function is not supported (PyTorch
2.13), so the discriminator's update runs as it is. `pip install torch==2.13.0` first.

Utilisation is the operations of the step's matrix products and convolutions by its time, as a
share of what the product of two large matrices reaches on this machine at that moment.
"""

import dataclasses
import os
import time
from dataclasses import dataclass
from typing import Any, Literal

import jax
import torch
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.flops import product_rate, step_flops
from benchmarks.harness import compile_parts, planned_bytes, quartiles, ratios
from benchmarks.pairs import LARGE, PAIRS, Pair
from benchmarks.torch_peer import beside
from benchmarks.torch_peer.beside import Peer, require_same
from cgan.config import require_known
from cgan.system import cli
from cgan.system.arguments import parse

Precision = Literal["float32", "bfloat16"]
OURS, EAGER, TORCH_COMPILED = "ours", "PyTorch, eager", "PyTorch, compiled"


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times training steps in both libraries, in turns."""

    pairs: tuple[str, ...] = tuple(name for name in PAIRS if name not in LARGE)
    """Names of the pairs to time; also r3gan_cifar10, for accelerators."""
    precision: Precision = "float32"
    """Precision of both libraries' networks: bfloat16 is PyTorch's autocast."""
    rounds: int = 10
    """Rounds in which each library is timed once."""
    compile: bool = True
    """Time `torch.compile` too, which takes a C++ compiler on CPUs."""

    def __post_init__(self) -> None:
        require_known("pairs", self.pairs, PAIRS)


def timed(pair: Pair, arguments: Arguments) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Times as ratios to ours, round by round, and the facts known of each library besides."""
    start = time.perf_counter()
    ours = compile_parts(pair.parts)
    facts = {"compile": time.perf_counter() - start}
    peers_by_name: dict[str, Any] = {EAGER: Peer(pair, ours, False, torch.contiguous_format)}
    require_same(pair, ours)
    if arguments.compile:
        peer = Peer(pair, ours, True, torch.contiguous_format)
        peers_by_name[TORCH_COMPILED] = peer
        start = time.perf_counter()
        peer.dispatch(peer, peer.batches[:1])
        facts["torch compile"] = time.perf_counter() - start
    found = ratios({OURS: ours, **peers_by_name}, OURS, arguments.rounds)
    facts["MiB"] = planned_bytes(ours) / 2**20
    state, start = ours.start(), time.perf_counter()
    jax.block_until_ready(ours.dispatch(state, ours.batches))
    seconds = time.perf_counter() - start
    facts["images/s"] = pair.config.nimg_per_dispatch / seconds
    rate = step_flops(ours) * pair.config.steps_per_dispatch / seconds
    facts["GFLOP/s"] = rate / 1e9
    facts["utilisation, %"] = 100 * rate / product_rate(pair.config.precision)
    return found, facts


def main() -> None:
    """Check that both libraries agree, time them in turns, print."""
    arguments = parse(Arguments, prog="python -m benchmarks.versus_torch", description=__doc__)
    beside.settle()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    names = (EAGER, *((TORCH_COMPILED,) if arguments.compile else ()))
    facts = ("images/s", "GFLOP/s", "utilisation, %", "compile", "torch compile", "MiB")
    table = Table("networks", *(f"{name} / ours" for name in names), *facts, box=box.MARKDOWN)
    for name in arguments.pairs:
        pair = PAIRS[name]()
        config = dataclasses.replace(pair.config, precision=arguments.precision)
        found, known = timed(pair._replace(config=config), arguments)
        told = (f"{known[fact]:,.1f}" if fact in known else "" for fact in facts)
        table.add_row(name, *(quartiles(found[other]) for other in names), *told)
        jax.clear_caches()
    console = Console(width=160)
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}, torch {torch.__version__}")
    console.print("step time over ours: more than 1, ours is faster; median (quartiles)")
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
