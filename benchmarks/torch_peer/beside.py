"""A pair's training step in PyTorch on its device, timed as ours is, and held to compute the same.

Both compute float32 in full: TF32 is off in products and convolutions, as ours state the highest
precision for all of theirs (`docs/decisions/0012-float32-means-float32.md`). cuDNN picks its
algorithms by trying them (`cudnn.benchmark`), as XLA does.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch

from benchmarks.harness import Prepared
from benchmarks.pairs import Pair
from benchmarks.torch_peer import players
from benchmarks.torch_peer.networks import computing_in
from benchmarks.torch_peer.training import Training
from cgan.assemble import Parts
from cgan.system import compile_options

CLOSE = {"float32": 5e-3, "bfloat16": 0.2}
"""Largest distance of two equal arrays as a share of their length, by precision.

Sums in another order move a few units over the kinks of their activations, one of which is worth
.24 % of a gradient, and in bfloat16 each library rounds elsewhere.
"""
CHECKED = 16
"""Rows that both libraries are compared on, at most: each row's output is its own."""


def device() -> str:
    """The device that PyTorch computes on here."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def settle() -> None:
    """Have PyTorch compute float32 in full, and try cuDNN's algorithms before it chooses one."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True


def channels_first(samples: np.ndarray, axes: int) -> torch.Tensor:
    """Samples of JAX as PyTorch's layers want them: of an image's three axes, or a point's one."""
    return torch.tensor(np.moveaxis(samples, -1, -axes))


def channels_last(samples: torch.Tensor) -> torch.Tensor:
    """Images or maps of PyTorch as JAX's layers want them: channels last."""
    return samples.movedim(1, -1)


class Peer:
    """The training step in PyTorch, in the form in which steps are timed in turns."""

    def __init__(
        self, pair: Pair, ours: Prepared, compiled: bool, format_: torch.memory_format
    ) -> None:
        """Begin training from the weights that ours begins with.

        Args:
            pair: whose networks, batch and settings.
            ours: the same step in JAX.
            compiled: `torch.compile` what it can.
            format_: order in which images, maps and kernels lie in memory.
        """
        state = jax.device_get(ours.start())
        of_device = {"device": device(), "memory_format": format_}
        self.training = Training(
            pair.config,
            players.generator(pair, state.generator).to(**of_device),
            players.discriminator(pair, state.discriminator).to(**of_device),
            compiled,
        )
        steps = np.asarray(pair.source.encode(jax.device_get(ours.batches).x))[0]
        axes = len(pair.source.kind.axes)
        order = format_ if axes == 3 else torch.contiguous_format
        self.batches = [
            channels_first(samples, axes).to(device()).contiguous(memory_format=order)
            for samples in steps
        ]

    def start(self) -> "Peer":
        """The peer itself, since the state of PyTorch's training is kept inside."""
        return self

    def dispatch(self, state: "Peer", batches: Sequence[torch.Tensor]) -> tuple["Peer", None]:
        """Train on each of these batches: one step a batch."""
        for reals in batches:
            self.training.step(reals)
        if device() == "cuda":
            torch.cuda.synchronize()
        return state, None


class Read(NamedTuple):
    """What a pair's networks make of latents and samples."""

    samples: Any
    scores: Any
    gradients: Any
    """Gradients of the sum of scores with respect to the samples that were scored."""


def reader(parts: Parts) -> Any:
    """Compile ours from both players' weights, latents and reals to a `Read` of few rows."""
    config, networks, state = parts.config, parts.networks, parts.abstract_state()

    def read(of_generator: Any, of_discriminator: Any, stats: Any, z: Any, reals: Any) -> Read:
        fakes = networks.generate(of_generator, z)

        def score(samples: Any) -> Any:
            return networks.discriminate(of_discriminator, stats, samples).score

        x = jnp.concatenate([reals, fakes])
        return Read(fakes, score(x), jax.grad(lambda samples: score(samples).sum())(x))

    rows = min(config.batch_size, CHECKED)
    z, reals = (
        jax.ShapeDtypeStruct((rows, *shape), np.float32)
        for shape in ((config.generator.latent_dim,), parts.source.sample_shape)
    )
    weights = (state.generator, state.discriminator, state.discriminator_stats)
    lowered = jax.jit(read).lower(*weights, z, reals)
    return lowered.compile(compiler_options=compile_options.options())


def perturbed(tree: Any) -> Any:
    """A tree of weights moved at random, by about a layer's usual scale: none is 0 any more."""
    rng = np.random.default_rng(1)

    def move(leaf: np.ndarray) -> np.ndarray:
        scale = 0.5 * np.prod(leaf.shape[:-1]) ** -0.5
        return (leaf + scale * rng.normal(size=leaf.shape)).astype(np.float32)

    return jax.tree.map(move, tree)


def differences(pair: Pair, ours: Prepared, read: Any) -> dict[str, float]:
    """How far apart both libraries' arrays of `Read` are, as shares of their lengths.

    From the same weights, latents and reals; `read` is what `reader` compiled.
    """
    state, config = jax.device_get(ours.start()), pair.config
    of_generator, of_discriminator = perturbed(state.generator), perturbed(state.discriminator)
    rows = min(config.batch_size, CHECKED)
    z = np.random.default_rng(0).normal(size=(rows, config.generator.latent_dim))
    z = z.astype(np.float32)
    batch = jax.tree.map(lambda leaf: leaf[0, 0, :rows], jax.device_get(ours.batches))
    reals = np.asarray(pair.source.encode(batch.x), np.float32)
    mine = read(of_generator, of_discriminator, state.discriminator_stats, z, reals)
    generator = players.generator(pair, of_generator).to(device())
    discriminator = players.discriminator(pair, of_discriminator).to(device())
    x = np.concatenate([reals, np.asarray(mine.samples)])
    samples = channels_first(x, reals.ndim - 1).to(device()).requires_grad_(True)
    with computing_in(config.precision, device()):
        scores, drawn = discriminator(samples), generator(torch.tensor(z).to(device()))
    (gradients,) = torch.autograd.grad(scores.sum(), samples)
    theirs = Read(channels_last(drawn), scores, channels_last(gradients))
    return {
        name: apart(np.asarray(a), b.detach().float().cpu().numpy())
        for name, a, b in zip(Read._fields, mine, theirs, strict=True)
    }


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of two arrays as a share of the first one's length."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(a))


def require_same(pair: Pair, ours: Prepared) -> None:
    """Raise unless both libraries compute the same from the same weights, latents and reals.

    Raises:
        AssertionError: naming what differs, and by how much.
    """
    for name, difference in differences(pair, ours, reader(ours.parts)).items():
        assert difference < CLOSE[pair.config.precision], f"{name} differ by {difference:.1e}"
