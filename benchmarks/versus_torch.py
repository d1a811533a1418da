"""Our training step beside the same one in PyTorch: `python -m benchmarks.versus_torch`.

Same networks from the same weights, same batch, penalties at every step, optimiser and average.
Before anything is timed both are given the same samples, and must return the same scores,
penalties and losses. Then they take turns; only ratios within a round are kept. PyTorch compiles
what it can: a second backward pass through a compiled function is not supported (PyTorch 2.13), so
the discriminator's update runs as it is. `pip install torch==2.13.0` first.
"""

import dataclasses
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Compiled, compile_parts, quartiles, ratios
from benchmarks.torch_peer import networks as peers
from benchmarks.torch_peer.training import Training
from cgan import cli
from cgan.assemble import assemble_on
from cgan.config import Data, Experiment, require_known
from cgan.data import Source
from cgan.data.source import class_shares, decode_images, encode_images
from cgan.types import Batch
from configs import stacked_digits
from configs.images import images_experiment

SIDE = 32
CLOSE = 2e-3
"""Of two arrays' distance to their length: sums in another order move a few units over the kinks of
their activations."""
OURS, EAGER, TORCH_COMPILED = "ours", "PyTorch, eager", "PyTorch, compiled"


@dataclass(frozen=True)
class Noise:
    """Uniform random images, as a data set."""

    sample_shape: tuple[int, int, int]
    name: str = "noise"
    class_names: tuple[str, ...] = ("0",)
    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)

    @property
    def class_weights(self) -> np.ndarray:
        """One class."""
        return class_shares(np.zeros(1, np.int32), 1)

    def __len__(self) -> int:
        return 2**20

    def __getitem__(self, indices: np.ndarray) -> Batch:
        rng = np.random.default_rng(indices.ravel()[0])
        images = rng.integers(256, size=(len(indices), *self.sample_shape), dtype=np.uint8)
        return Batch(images, np.zeros(len(indices), np.int32))


class Pair(NamedTuple):
    """Networks in both libraries."""

    config: Experiment
    source: Noise
    generator: Callable[[peers.Tree], torch.nn.Module]
    discriminator: Callable[[peers.Tree], torch.nn.Module]


def mlp() -> Pair:
    """That of `stacked_digits`, with its many steps a dispatch."""
    source = Noise((8, 8, 3))
    return Pair(
        stacked_digits.CONFIG,
        source,
        lambda tree: peers.MLPGenerator(tree, source.sample_shape),
        peers.MLPDiscriminator,
    )


def conv() -> Pair:
    """The small convolutional pair of the presets on images."""
    config = images_experiment("conv", Data("digits"), SIDE)
    config = dataclasses.replace(config, batch_size=64, steps_per_dispatch=1)
    depth, source = config.generator.depth, Noise((SIDE, SIDE, 3))
    return Pair(
        config,
        source,
        lambda tree: peers.ConvGenerator(tree, source.sample_shape, depth),
        lambda tree: peers.ConvDiscriminator(tree, depth),
    )


PAIRS: dict[str, Callable[[], Pair]] = {"mlp": mlp, "conv": conv}


@dataclass(frozen=True)
class Arguments:
    """Time training steps in both libraries, in turns."""

    pairs: tuple[str, ...] = tuple(PAIRS)
    """Which networks."""
    rounds: int = 10
    """Rounds in which each takes its turn once."""
    compile: bool = True
    """Also `torch.compile`, which takes a C++ compiler on CPUs."""

    def __post_init__(self) -> None:
        require_known("pairs", self.pairs, PAIRS)


class Peer:
    """The same step in PyTorch, as something that takes its turn."""

    def __init__(self, pair: Pair, ours: Compiled, compiled: bool) -> None:
        state = jax.device_get(ours.start())
        device = "cuda" if torch.cuda.is_available() else "cpu"
        generator = pair.generator(state.generator).to(device)
        discriminator = pair.discriminator(state.discriminator).to(device)
        self.training = Training(pair.config, generator, discriminator, compiled)
        images = np.asarray(pair.source.encode(jax.device_get(ours.batches).x))[0]
        self.batches = torch.tensor(images).permute(0, 1, 4, 2, 3).contiguous().to(device)

    def start(self) -> "Peer":
        """It keeps its state."""
        return self

    def dispatch(self, state: "Peer", batches: torch.Tensor) -> tuple["Peer", None]:
        """As many steps as there are batches."""
        for reals in batches:
            self.training.step(reals)
        if batches.is_cuda:
            torch.cuda.synchronize()
        return state, None


def require_same(pair: Pair, ours: Compiled, peer: Peer) -> None:
    """Both compute the same from the same weights, latents and reals.

    Raises:
        AssertionError: naming what differs, and by how much.
    """
    state, parts = jax.device_get(ours.start()), ours.parts
    reals = peer.batches[0].requires_grad_(False)
    z = np.random.default_rng(0).normal(size=(len(reals), pair.config.generator.latent_dim))
    z = z.astype(np.float32)
    x = jnp.asarray(reals.cpu().permute(0, 2, 3, 1).numpy())
    fakes = parts.networks.generate(state.generator, jnp.asarray(z))

    def score(samples: Any) -> Any:
        said = parts.networks.judge(state.discriminator, state.discriminator_stats, samples)
        return said.score

    slopes = jax.grad(lambda samples: score(samples).sum())(jnp.concatenate([x, fakes]))
    training = peer.training
    their_fakes = training.generator(torch.tensor(z).to(reals.device))
    samples = torch.cat([reals, their_fakes]).detach().requires_grad_(True)
    scores = training.discriminator(samples)
    (gradients,) = torch.autograd.grad(scores.sum(), samples)
    pairs = {
        "samples": (fakes, their_fakes.permute(0, 2, 3, 1)),
        "scores": (score(jnp.concatenate([x, fakes])), scores),
        "gradients": (slopes, gradients.permute(0, 2, 3, 1)),
    }
    for name, (mine, theirs) in pairs.items():
        a, b = np.asarray(mine), theirs.detach().cpu().numpy()
        apart = float(np.linalg.norm(a - b) / np.linalg.norm(a))
        assert apart < CLOSE, f"{name} differ by {apart:.1e}"


def timed(pair: Pair, arguments: Arguments) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Ratios to ours by round, and what is known of each besides."""
    source: Source = pair.source
    parts = assemble_on(pair.config, source)
    start = time.perf_counter()
    ours = compile_parts(parts)
    facts = {"compile": time.perf_counter() - start}
    peers_by_name: dict[str, Any] = {EAGER: Peer(pair, ours, False)}
    require_same(pair, ours, peers_by_name[EAGER])
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
    return found, facts


def main() -> None:
    """Check, take turns, print."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.versus_torch", description=__doc__)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    names = (EAGER, *((TORCH_COMPILED,) if arguments.compile else ()))
    facts = ("images/s", "compile", "torch compile", "MiB")
    table = Table("networks", *(f"{name} / ours" for name in names), *facts, box=box.MARKDOWN)
    for name in arguments.pairs:
        found, known = timed(PAIRS[name](), arguments)
        told = (f"{known[fact]:,.1f}" if fact in known else "" for fact in facts)
        table.add_row(name, *(quartiles(found[other]) for other in names), *told)
        jax.clear_caches()
    console = Console(width=160)
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}, torch {torch.__version__}")
    console.print("step time over ours: more than 1, ours is faster; median (quartiles)")
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
