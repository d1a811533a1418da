"""A procedure that is no GAN: a denoising autoencoder of two layers, trained by the same loop."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from cgan import parallel
from cgan.config import Launch, RunSettings
from cgan.data import Source
from cgan.finite import Outcome, is_finite
from cgan.rng import row_keys, stream_key
from cgan.sampling import pictures
from cgan.training.procedure import Procedure, Sources, TrainStep, load_sources


@dataclass(frozen=True)
class Autoencoding(RunSettings):
    """Its config."""

    width: int = 8
    """Of the code."""

    procedure = "autoencoder"


class State(NamedTuple):
    """What training changes."""

    step: Any
    weights: Any
    optim: Any


class Autoencoder(Procedure):
    """Takes noise off images."""

    bar = {"L": "loss"}  # noqa: RUF012
    stages = ("samples", "gradients")

    def __init__(self, config: Autoencoding, sources: Sources) -> None:
        self.config, self.sources = config, sources
        self.adam = optax.adam(1e-2)

    def init_state(self) -> State:
        size, width = int(np.prod(self.sources.train.sample_shape)), self.config.width
        keys = jax.random.split(stream_key(self.config.seed, "init"))
        shapes = {"in": (size, width), "out": (width, size)}
        weights = {
            name: jax.random.normal(key, shape) / shape[0] ** 0.5
            for key, (name, shape) in zip(keys, shapes.items(), strict=True)
        }
        return State(jnp.zeros((), jnp.int32), weights, self.adam.init(weights))

    def train_step(self) -> TrainStep:
        def one_step(state: State, batch: Any) -> tuple[State, Outcome]:
            x = self.sources.train.encode(batch.x)
            key = stream_key(self.config.seed, "noise", state.step)
            keys = row_keys(key, parallel.row_ids(len(x)))
            noise = jax.vmap(lambda one: jax.random.normal(one, x.shape[1:]))(keys)

            def loss(weights: Any) -> Any:
                return jnp.square(decoded(weights, x + 0.1 * noise) - x).mean()

            value, slope = parallel.mean(jax.value_and_grad(loss)(state.weights))
            change, optim = self.adam.update(slope, state.optim, state.weights)
            weights = optax.apply_updates(state.weights, change)
            stages = jnp.stack([is_finite(x), is_finite(slope)])
            outcome = Outcome({"loss": value}, parallel.gather(stages[None]))
            return State(state.step + 1, weights, optim), outcome

        return lambda state, batches: jax.lax.scan(one_step, state, batches)

    def size(self, state: State) -> str:
        return f"{sum(leaf.size for leaf in jax.tree.leaves(state.weights)):,} parameters"

    def snapshot(self, state: State, path: Path, title: str) -> bool:
        source = self.sources.held_out
        images = source.encode(source[np.arange(16)].x)
        shown = decoded(parallel.fetch(state.weights), images)
        pictures.save_image_grid(path, source.decode(np.asarray(shown)), 8)
        return True


def decoded(weights: Any, x: Any) -> Any:
    """Images through the code and back."""
    return (jnp.tanh(x.reshape(len(x), -1) @ weights["in"]) @ weights["out"]).reshape(x.shape)


def build(
    config: Autoencoding,
    devices: Sequence[jax.Device],
    launch: Launch,
    source: Source | None = None,
) -> Autoencoder:
    """As a line of `BUILDERS` would have it."""
    return Autoencoder(config, load_sources(config, launch, source))
