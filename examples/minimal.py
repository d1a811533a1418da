"""A contrastive GAN on one page: a step of training written plainly, and a loop around it.

The whole batch at once, on one device. The trainer's step (`cgan/step.py`) computes the same over
many devices and in micro-batches; `tests/test_step.py` holds it to this one, loss by loss.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import cgan
from cgan.augment import build as build_views
from cgan.objectives import BatchOutputs, PairedOutputs, draw_offsets
from cgan.rng import row_keys, stream_key
from cgan.state import TrainState
from configs import CONFIGS


@dataclass(frozen=True, eq=False)
class PlainStep:
    """One step of training, on one batch."""

    parts: cgan.Parts
    number: Any
    reals: jax.Array
    labels: jax.Array | None = None

    def keys(self, stream: str) -> jax.Array:
        """A random key for each row, which follows from the seed, the stream and the step."""
        key = stream_key(self.parts.config.seed, stream, self.number)
        return row_keys(key, jnp.arange(len(self.reals)))

    def fakes(self, generator: Any, player: str) -> jax.Array:
        """One fake for each real, from latents of this player's turn."""
        latents = self.parts.networks.draw_latents(self.keys(f"latents/{player}"))
        return self.parts.networks.generate(generator, latents, self.labels)

    def view(self, name: str, samples: jax.Array) -> jax.Array:
        """The samples as the discriminator sees them: augmented, where that is asked for."""
        augment = self.parts.config.augment
        return build_views(augment, self.parts.source.kind)(
            self.keys(f"views/{name}"), samples, augment.probability
        )

    def discriminate(self, state: TrainState, samples: jax.Array) -> Any:
        """What the discriminator says of each sample: its score."""
        network, stats = state.discriminator, state.discriminator_stats
        return self.parts.networks.discriminate(network, stats, samples, self.labels)

    def outputs(self, state: TrainState, fakes: jax.Array, player: str) -> BatchOutputs:
        """What it says of the batch, and which of the fakes each real is graded among."""
        real = self.discriminate(state, self.view(f"{player}/real", self.reals))
        both = PairedOutputs(real, self.discriminate(state, self.view(f"{player}/fake", fakes)))
        n, config = len(fakes), self.parts.config
        key = stream_key(config.seed, "offsets", self.number)
        offsets = draw_offsets(key, n, config.objective.fakes_per_real or n)
        return BatchOutputs(both, both, jnp.arange(n), offsets)

    def discriminator_loss(self, players: tuple[Any, Any], state: TrainState) -> jax.Array:
        """Every real must beat the fakes that it meets, without steep slopes."""
        state = state._replace(discriminator=players[0], learnt=players[1])
        fakes = self.fakes(state.generator, "discriminator")
        outputs = self.outputs(state, fakes, "discriminator")
        terms = self.parts.game.discriminator_terms(state.learnt, outputs)
        return sum(map(jnp.mean, terms.values())) + self.penalties(state, fakes)

    def generator_loss(self, generator: Any, state: TrainState) -> jax.Array:
        """The same game with the margins' sign turned: every fake must beat the reals."""
        outputs = self.outputs(state, self.fakes(generator, "generator"), "generator")
        terms = self.parts.game.generator_terms(state.learnt, outputs)
        return sum(map(jnp.mean, terms.values()), start=jnp.zeros(()))

    def penalties(self, state: TrainState, fakes: jax.Array) -> jax.Array:
        """R1 and R2: half the squared slopes of the score at reals and at fakes."""
        penalty, loss = self.parts.config.penalty, jnp.zeros(())
        for side, weight, x in (("real", penalty.r1, self.reals), ("fake", penalty.r2, fakes)):
            if weight:
                view = self.view(f"discriminator/{side}", x)
                slopes = jax.grad(lambda seen: self.discriminate(state, seen).score.sum())(view)
                loss += weight / 2 * jnp.sum(slopes**2) / len(x)
        return loss

    def __call__(self, state: TrainState) -> tuple[TrainState, tuple[jax.Array, jax.Array]]:
        """The discriminator's turn, the generator's against what it became, and the average."""
        config, _, networks, game, adam, *_ = self.parts
        stats = networks.update_stats(state.discriminator, state.discriminator_stats)
        state, both = state._replace(discriminator_stats=stats), (state.discriminator, state.learnt)
        one, slopes = jax.value_and_grad(self.discriminator_loss)(both, state)
        moves, optim = adam.update(slopes, state.discriminator_optim, both)
        network, learnt = optax.apply_updates(both, moves)
        state = state._replace(discriminator=network, learnt=game.project(learnt))
        state = state._replace(discriminator_optim=optim, step=state.step + 1)
        two, slopes = jax.value_and_grad(self.generator_loss)(state.generator, state)
        moves, optim = adam.update(slopes, state.generator_optim, state.generator)
        new = optax.apply_updates(state.generator, moves)
        steps = jnp.minimum(config.optim.ema_halflife_nimg / config.batch_size, 0.05 * state.step)
        ema = optax.incremental_update(new, state.generator_ema, 1 - 0.5 ** (1 / steps))
        return state._replace(generator=new, generator_optim=optim, generator_ema=ema), (one, two)


def main(total_nimg: int = 100_000, out: Path = Path("minimal.png")) -> None:
    """Train on eight Gaussians in the plane, and draw the averaged generator's points."""
    config = replace(CONFIGS["ring8"], total_nimg=total_nimg)
    parts, n = cgan.Parts.of(config), config.batch_size
    state, step = parts.init_state(), jax.jit(lambda s, x: PlainStep(parts, s.step, x)(s))
    for number in range(total_nimg // n):
        rows = np.random.default_rng(number).integers(len(parts.source), size=n)
        state, losses = step(state, parts.source.encode(parts.source[rows].x))
    print("the last losses: discriminator {:.3f}, generator {:.3f}".format(*losses))
    cgan.Sampler(parts).snapshot(state.generator_ema, out, f"ring8, {total_nimg:,} images seen")


if __name__ == "__main__":
    main()
