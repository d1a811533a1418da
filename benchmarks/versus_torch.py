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
import jax.numpy as jnp
import numpy as np
import torch
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.flops import product_rate, step_flops
from benchmarks.harness import Prepared, compile_parts, quartiles, ratios
from benchmarks.torch_peer.networks import computing_in
from benchmarks.torch_peer.pairs import LARGE, PAIRS, Pair
from benchmarks.torch_peer.training import Training
from cgan.assemble import assemble_on
from cgan.config import require_known
from cgan.data import Source
from cgan.system import cli

Precision = Literal["float32", "bfloat16"]
CLOSE = {"float32": 2e-3, "bfloat16": 0.2}
"""Largest distance of two equal arrays as a share of their length, by precision.

Sums in another order move a few units over the kinks of their activations, and in bfloat16 each
library rounds elsewhere.
"""
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
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


def channels_first(samples: np.ndarray, axes: int) -> torch.Tensor:
    """Samples of JAX as PyTorch's layers want them: of an image's three axes, or a point's one."""
    return torch.tensor(np.moveaxis(samples, -1, -axes))


def channels_last(samples: torch.Tensor) -> torch.Tensor:
    """Images or maps of PyTorch as JAX's layers want them: channels last."""
    return samples.movedim(1, -1)


class Peer:
    """The training step in PyTorch, in the form in which steps are timed in turns."""

    def __init__(self, pair: Pair, ours: Prepared, compiled: bool) -> None:
        state = jax.device_get(ours.start())
        generator = pair.generator(state.generator).to(DEVICE)
        discriminator = pair.discriminator(state.discriminator).to(DEVICE)
        self.training = Training(pair.config, generator, discriminator, compiled)
        samples = np.asarray(pair.source.encode(jax.device_get(ours.batches).x))[0]
        axes = len(pair.source.sample_shape)
        self.batches = channels_first(samples, axes).contiguous().to(DEVICE)

    def start(self) -> "Peer":
        """The peer itself, since the state of PyTorch's training is kept inside."""
        return self

    def dispatch(self, state: "Peer", batches: torch.Tensor) -> tuple["Peer", None]:
        """Train on each of these batches: one step a batch."""
        for reals in batches:
            self.training.step(reals)
        if batches.is_cuda:
            torch.cuda.synchronize()
        return state, None


def perturbed(tree: Any) -> Any:
    """A tree of weights moved at random, by about a layer's usual scale: none is 0 any more."""
    rng = np.random.default_rng(1)

    def move(leaf: np.ndarray) -> np.ndarray:
        scale = 0.5 * np.prod(leaf.shape[:-1]) ** -0.5
        return (leaf + scale * rng.normal(size=leaf.shape)).astype(np.float32)

    return jax.tree.map(move, tree)


def require_same(pair: Pair, ours: Prepared) -> None:
    """Raise unless both libraries compute the same from the same weights, latents and reals.

    Raises:
        AssertionError: naming what differs, and by how much.
    """
    state, networks = jax.device_get(ours.start()), ours.parts.networks
    of_generator, of_discriminator = perturbed(state.generator), perturbed(state.discriminator)
    rng, config = np.random.default_rng(0), pair.config
    z = rng.normal(size=(config.batch_size, config.generator.latent_dim)).astype(np.float32)
    fakes = np.asarray(networks.generate(of_generator, jnp.asarray(z)))
    reals = np.asarray(pair.source.encode(jax.device_get(ours.batches).x))[0, 0]
    x = np.concatenate([reals, fakes])

    def score(samples: Any) -> Any:
        return networks.discriminate(of_discriminator, state.discriminator_stats, samples).score

    slopes = jax.grad(lambda samples: score(samples).sum())(jnp.asarray(x))
    generator = pair.generator(of_generator).to(DEVICE)
    discriminator = pair.discriminator(of_discriminator).to(DEVICE)
    samples = channels_first(x, fakes.ndim - 1).to(DEVICE).requires_grad_(True)
    with computing_in(config.precision, DEVICE):
        scores, drawn = discriminator(samples), generator(torch.tensor(z).to(DEVICE))
    (gradients,) = torch.autograd.grad(scores.sum(), samples)
    pairs = {
        "samples": (fakes, channels_last(drawn)),
        "scores": (score(x), scores),
        "gradients": (slopes, channels_last(gradients)),
    }
    for name, (mine, theirs) in pairs.items():
        a, b = np.asarray(mine), theirs.detach().float().cpu().numpy()
        apart = float(np.linalg.norm(a - b) / np.linalg.norm(a))
        assert apart < CLOSE[config.precision], f"{name} differ by {apart:.1e}"


def timed(pair: Pair, arguments: Arguments) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Times as ratios to ours, round by round, and the facts known of each library besides."""
    source: Source = pair.source
    parts = assemble_on(pair.config, source)
    start = time.perf_counter()
    ours = compile_parts(parts)
    facts = {"compile": time.perf_counter() - start}
    peers_by_name: dict[str, Any] = {EAGER: Peer(pair, ours, False)}
    require_same(pair, ours)
    if arguments.compile:
        peer = peers_by_name[TORCH_COMPILED] = Peer(pair, ours, True)
        start = time.perf_counter()
        peer.dispatch(peer, peer.batches[:1])
        facts["torch compile"] = time.perf_counter() - start
    found = ratios({OURS: ours, **peers_by_name}, OURS, arguments.rounds)
    analysis = ours.dispatch.memory_analysis()
    facts["MiB"] = (analysis.temp_size_in_bytes + analysis.argument_size_in_bytes) / 2**20
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
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.versus_torch", description=__doc__)
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
