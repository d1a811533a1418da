"""One training step: the discriminator's update, the generator's, and the moving average.

A device holds its rows of the batch. Scores are gathered, so that each real is graded against
fakes from all devices; a loss is the mean over local rows, and its gradient's mean over devices is
the gradient of the whole batch's loss, since the gather's transpose sends each device's share of
it back to where the score came from.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from cgan import networks as networks_lib
from cgan import objectives, parallel
from cgan import optim as optim_lib
from cgan.config import Experiment
from cgan.objectives.penalties import scores_and_squared_gradients
from cgan.rng import row_keys, stream_key
from cgan.state import TrainState
from cgan.types import Batch, Params, PerSample, Samples, Scores

Metrics = dict[str, Float[Array, "..."]]


class TrainStep:
    """The step of one experiment, `(state, batches) -> (state, metrics)`, to run inside a pmap."""

    def __init__(
        self,
        config: Experiment,
        networks: networks_lib.Networks,
        optimizer: optax.GradientTransformation,
        encode: Callable[[Any], Samples],
    ) -> None:
        self.config = config
        self.networks = networks
        self.game = objectives.build(config)
        self.optimizer = optimizer
        self.encode = encode

    def __call__(self, state: TrainState, batches: Batch) -> tuple[TrainState, Metrics]:
        """Take as many steps as `batches` holds: `[steps, local, ...]`; metrics are `[steps]`."""
        return jax.lax.scan(self.one_step, state, batches)

    def one_step(self, state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        """Update the discriminator, then the generator against it, then the average."""
        reals = self.encode(batch.x)
        state, discriminator_metrics = self.update_discriminator(state, reals)
        state, generator_metrics = self.update_generator(state, reals)
        return self.update_average(state), discriminator_metrics | generator_metrics

    def update_discriminator(self, state: TrainState, reals: Samples) -> tuple[TrainState, Metrics]:
        """One step of Adam on the game's loss and the penalties R1 and R2."""
        objective = self.config.objective
        fakes = self.networks.generate(
            state.generator, self.latents(state, "latents/discriminator", len(reals))
        )
        stats = self.networks.update_stats(state.discriminator, state.discriminator_stats)

        def loss(params: Params) -> tuple[Float[Array, ""], Metrics]:
            def score(samples: Samples) -> Scores:
                return self.networks.score(params, stats, samples)

            both = jnp.concatenate([reals, fakes])
            if objective.r1 or objective.r2:
                scores, squared_gradients = scores_and_squared_gradients(score, both)
                at_reals, at_fakes = jnp.split(squared_gradients / 2, 2)
                penalties = {"r1": objective.r1 * at_reals, "r2": objective.r2 * at_fakes}
            else:
                scores, penalties = score(both), {}
            real, fake = jnp.split(scores, 2)
            terms = self.game.discriminator_terms(_with_whole_batch(real, fake)) | penalties
            gap = {"score_gap": real.mean() - fake.mean()}
            return _reduce(terms, "discriminator", gap)

        gradients, metrics = jax.grad(loss, has_aux=True)(state.discriminator)
        params, optim_state, metrics = self._descend(
            gradients, metrics, state.discriminator, state.discriminator_optim, "discriminator"
        )
        return state._replace(
            discriminator=params, discriminator_stats=stats, discriminator_optim=optim_state
        ), metrics

    def update_generator(self, state: TrainState, reals: Samples) -> tuple[TrainState, Metrics]:
        """One step of Adam on the same game with the margins' sign turned."""
        latents = self.latents(state, "latents/generator", len(reals))

        def score(samples: Samples) -> Scores:
            return self.networks.score(state.discriminator, state.discriminator_stats, samples)

        real = score(reals)

        def loss(params: Params) -> tuple[Float[Array, ""], Metrics]:
            fake = score(self.networks.generate(params, latents))
            terms = self.game.generator_terms(_with_whole_batch(real, fake))
            return _reduce(terms, "generator", {})

        gradients, metrics = jax.grad(loss, has_aux=True)(state.generator)
        params, optim_state, metrics = self._descend(
            gradients, metrics, state.generator, state.generator_optim, "generator"
        )
        return state._replace(generator=params, generator_optim=optim_state), metrics

    def update_average(self, state: TrainState) -> TrainState:
        """Count the step and move the average of the generator's parameters."""
        step = state.step + 1
        batch_size, halflife = self.config.batch_size, self.config.optim.ema_halflife_nimg
        decay = optim_lib.ema_decay(optim_lib.images_seen(step, batch_size), batch_size, halflife)
        average = optax.incremental_update(state.generator, state.generator_ema, 1 - decay)
        return state._replace(step=step, generator_ema=average)

    def latents(self, state: TrainState, stream: str, count: int) -> networks_lib.Latents:
        """The latents of this device's rows: the same for a row on any number of devices."""
        key = stream_key(self.config.seed, stream, state.step)
        return self.networks.draw_latents(row_keys(key, parallel.row_ids(count)))

    def _descend(
        self,
        gradients: Params,
        metrics: Metrics,
        params: Params,
        optim_state: optax.OptState,
        player: str,
    ) -> tuple[Params, optax.OptState, Metrics]:
        gradients, metrics = parallel.mean((gradients, metrics))
        metrics = metrics | {f"{player}/grad_norm": optax.tree.norm(gradients)}
        updates, optim_state = self.optimizer.update(gradients, optim_state, params)
        return optax.apply_updates(params, updates), optim_state, metrics


def _with_whole_batch(real: Scores, fake: Scores) -> objectives.BatchScores:
    rows: Int[Array, " n"] = parallel.row_ids(len(real))
    return objectives.BatchScores(real, fake, parallel.gather(real), parallel.gather(fake), rows)


def _reduce(
    terms: dict[str, PerSample], player: str, others: Metrics
) -> tuple[Float[Array, ""], Metrics]:
    """The sum of the terms' means, and each of them by its name."""
    means = {name: term.mean() for name, term in terms.items()}
    loss = sum(means.values(), start=jnp.zeros(()))
    named = means | others | {"loss": loss}
    return loss, {f"{player}/{name}": value for name, value in named.items()}
