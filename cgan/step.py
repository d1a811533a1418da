"""One training step: the discriminator's update, the generator's, and the moving average.

Written plainly, for one device and the whole batch at once, it is `examples/minimal.py`. Here a
device holds its rows of the batch. Outputs are gathered, so that each real is graded against
fakes from all devices; a loss is the mean over local rows, and its gradient's mean over devices is
the gradient of the whole batch's loss, since the gather's transpose sends each device's share of
it back to where the output came from.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from cgan import accumulation
from cgan import augment as augment_lib
from cgan import bank as bank_lib
from cgan import networks as networks_lib
from cgan import optim as optim_lib
from cgan import prior as prior_lib
from cgan.accumulation import Means, Readings, Terms
from cgan.augment import probability as probability_lib
from cgan.augment.adversarial import Adversary, Fixed
from cgan.axis import Axis
from cgan.bank import Replayed, Ring
from cgan.config import Experiment
from cgan.finite import Outcome, is_finite
from cgan.kinds import Kind
from cgan.networks import Latents
from cgan.objectives import (
    BOUNDARY,
    BatchOutputs,
    Game,
    PairedOutputs,
    Stale,
    draw_offsets,
    gaps,
    sign_of_reals,
)
from cgan.objectives.regularizer import Keys, Regularizer
from cgan.rng import Seed, row_keys, stream_key
from cgan.schedules import images_seen, penalty_share
from cgan.state import TrainState
from cgan.translation.contrast import PatchContrast, Tied
from cgan.types import (
    Batch,
    DiscriminatorOutput,
    GivenBatch,
    Labels,
    Params,
    RowKeys,
    Samples,
    Scores,
    present,
    single,
)

Metrics = dict[str, Float[Array, "..."]]
RowIds = Int[Array, " n"]
Stages = list[Bool[Array, ""]]
"""Whether each stage of what this device computed is finite: see `cgan/finite.py`."""
STAGES = (
    "real samples",
    "generated samples",
    "the discriminator's outputs",
    "the discriminator's gradients",
    "the generator's gradients",
)
"""Names of what a step computes, in this order."""
FINITE = "outputs are finite"
SIGN = "real_sign"
"""Name of a reading of the discriminator's, which the probability of augmentation adapts to."""
KEPT = "bank/"
"""What the names of readings begin with that are kept in a bank, not logged."""


class Rows(NamedTuple):
    """Rows of the batch, by their numbers in it."""

    ids: RowIds
    real: Samples
    fake: Samples
    labels: Labels | None
    """Class of each row's real and fake alike; None where the networks see none."""
    replayed: Replayed | None = None
    """A fake of an earlier step in each row, of its own class; None where none are replayed."""


class TrainStep:
    """The step of one experiment, a pure function `(state, batches) -> (state, outcome)`.

    On one device `jax.jit` compiles it as it is; over several it is mapped, with their axis. Its
    seed stands beside the config, whose own it need not be: see `cgan/multi_seed.py`.
    """

    def __init__(
        self,
        config: Experiment,
        networks: networks_lib.Networks,
        game: Game,
        optimizer: optax.GradientTransformation,
        encode: Callable[[Any], Samples],
        kind: Kind,
        seed: Seed,
        axis: Axis,
        contrast: PatchContrast | None = None,
    ) -> None:
        self.config = config
        self.seed = seed
        self.axis = axis
        self.networks = networks
        self.game = game
        self.augment = augment_lib.build(config.augment, kind)
        self.adversary = Adversary(config)
        self.regularize = Regularizer(config, networks.scales_with_factors)
        self.optimizer = optimizer
        self.frozen = networks.frozen_groups(config.init_frozen)
        self.encode = encode
        self.contrast = contrast
        """What ties translations to what is given; None for a generator from noise."""

    def __call__(
        self, state: TrainState, batches: Batch | GivenBatch
    ) -> tuple[TrainState, Outcome]:
        """Take as many steps as `batches` holds: `[steps, local, ...]`; metrics are `[steps]`."""
        of_each: Any = batches  # `scan` has no type for one of two tuples
        return jax.lax.scan(self.one_step, state, of_each)

    def one_step(self, state: TrainState, batch: Batch | GivenBatch) -> tuple[TrainState, Outcome]:
        """Update the discriminator, then the generator against it, then the average."""
        reals = self.encode(batch.x)
        labels = jnp.asarray(batch.label) if self.config.conditioning.labels else None
        given = self.given(batch)
        classes = jnp.asarray(batch.label) if self.config.graded.weight else None
        state, discriminator_metrics, discriminator_finite = self.update_discriminator(
            state, reals, labels, given, classes
        )
        state, generator_metrics, generator_finite = self.update_generator(
            state, reals, labels, given
        )
        stages = jnp.stack([is_finite(reals), *discriminator_finite, *generator_finite])
        metrics = discriminator_metrics | generator_metrics
        state, augment_metrics = self.update_probability(state, metrics)
        outcome = Outcome(metrics | augment_metrics, self.axis.gather(stages[None]))
        return self.update_average(state), outcome

    def update_discriminator(
        self,
        state: TrainState,
        reals: Samples,
        labels: Labels | None,
        given: Samples | None = None,
        classes: Labels | None = None,
    ) -> tuple[TrainState, Metrics, Stages]:
        """Take one step of Adam on the discriminator's loss and gradient penalties.

        Args:
            state: before it.
            reals: of this device.
            labels: their classes, where the networks see them.
            given: what the generator starts from, where that is no noise.
            classes: their classes, where the distances of these are targets.
        """
        ids = self.axis.row_ids(len(reals))
        share = penalty_share(self.config, images_seen(state.step, self.config.batch_size))
        stats = self.networks.update_stats(state.discriminator, state.discriminator_stats)
        fixed = partial(self.networks.discriminate, state.discriminator, stats)
        latents = self.latents(state, "discriminator", ids, given)
        parts, replayed = self.config.micro_batches, self.replayed(state, ids)
        fakes = accumulation.in_parts(
            lambda part: self.networks.generate(state.generator, *part), (latents, labels), parts
        )

        def discriminate_rows(params: Params, rows: Rows) -> tuple[PairedOutputs, Terms]:
            discriminate = partial(self.networks.discriminate, self.without_frozen(params), stats)
            real, fake = (
                self.view(state, f"views/discriminator/{side}", rows.ids, samples)
                for side, samples in (("real", rows.real), ("fake", rows.fake))
            )
            real, fake = self.worst(fixed, state, rows, real, fake)
            keys = (self.keys(state, f"penalty/{name}", rows.ids) for name in Keys._fields)
            real_out, fake_out, terms = self.regularize(
                discriminate, Keys(*keys), real, fake, rows.labels
            )
            reals = (rows.ids, rows.real, rows.labels, real_out)
            against = fixed if self.adversary.is_on else None
            agreement = self.agreement(discriminate, state, "discriminator", *reals, against)
            terms = {name: share * term for name, term in terms.items()}
            stale = self.scores_again(discriminate, state, rows)
            return PairedOutputs(real_out, fake_out, agreement, stale), terms

        def grade_batch(learnt: Params, outputs: PairedOutputs) -> tuple[Terms, Readings]:
            batch = self.whole_batch(state, outputs, labels)
            batch = batch._replace(
                stale=self.stale(state, batch.whole, replayed, labels),
                classes=classes,
                whole_classes=jax.tree.map(self.axis.gather, classes),
            )
            readings: Readings = gaps(batch) | self.game.readings(learnt)
            if state.bank is not None and self.config.bank.of == "embeddings":
                kept = bank_lib.of_embeddings(batch.whole)
                readings |= {f"{KEPT}{name}": array for name, array in kept.items()}
            readings |= {FINITE: is_finite(outputs).astype(jnp.float32)}
            if self.config.augment.target is not None:
                boundary = BOUNDARY.get(self.config.objective.loss)
                readings |= {SIGN: sign_of_reals(batch, boundary)}
            return self.game.discriminator_terms(learnt, batch), readings

        params = (state.discriminator, state.learnt)
        gradients, means = accumulation.gradients(
            discriminate_rows,
            grade_batch,
            *params,
            Rows(ids, reals, fakes, labels, replayed),
            parts,
        )
        kept = {name: means.pop(name) for name in [*means] if name.startswith(KEPT)}
        bank, bank_metrics = self.update_bank(state, kept, fakes, labels)
        finite = [is_finite(fakes), means.pop(FINITE) > 0, is_finite(gradients)]
        (discriminator, learnt), optim_state, metrics = self._descend(
            state, gradients, means, params, state.discriminator_optim, "discriminator"
        )
        return (
            state._replace(
                discriminator=discriminator,
                discriminator_stats=stats,
                learnt=self.game.project(learnt),
                discriminator_optim=optim_state,
                bank=bank,
            ),
            metrics | bank_metrics,
            finite,
        )

    def update_generator(
        self, state: TrainState, reals: Samples, labels: Labels | None, given: Samples | None
    ) -> tuple[TrainState, Metrics, Stages]:
        """Take one step of Adam on the generator's loss, where margins turn their sign."""
        ids, parts = self.axis.row_ids(len(reals)), self.config.micro_batches
        latents = self.latents(state, "generator", ids, given)

        discriminate = partial(
            self.networks.discriminate, state.discriminator, state.discriminator_stats
        )

        def discriminate_reals(
            rows: tuple[RowIds, Samples, Labels | None],
        ) -> tuple[DiscriminatorOutput, Scores | None]:
            ids, reals, labels = rows
            real_out = discriminate(self.view(state, "views/generator/real", ids, reals), labels)
            return real_out, self.agreement(discriminate, state, "generator", *rows, real_out)

        real, agreement = accumulation.in_parts(discriminate_reals, (ids, reals, labels), parts)

        def discriminate_rows(
            params: Params, rows: tuple[RowIds, Latents, Labels | None, Samples]
        ) -> tuple[tuple[DiscriminatorOutput, Tied], Terms]:
            ids, latents, labels, reals = rows
            fakes = self.networks.generate(params, latents, labels)
            tied, terms = self.tied(state, params, ids, latents, fakes, reals)
            view = self.view(state, "views/generator/fake", ids, fakes)
            return (discriminate(view, labels), tied), terms

        def grade_batch(
            learnt: Params, outputs: tuple[DiscriminatorOutput, Tied]
        ) -> tuple[Terms, Means]:
            fake, tied = outputs
            batch = self.whole_batch(state, PairedOutputs(real, fake, agreement), labels)
            terms = self.game.generator_terms(state.learnt, batch)
            if self.contrast is not None:
                terms |= self.contrast.of_batch(tied, jax.tree.map(self.axis.gather, tied), ids)
            return terms, {}

        rows = (ids, latents, labels, reals)
        (gradients, _), means = accumulation.gradients(
            discriminate_rows, grade_batch, state.generator, {}, rows, parts
        )
        params, optim_state, metrics = self._descend(
            state, gradients, means, state.generator, state.generator_optim, "generator"
        )
        state = state._replace(generator=params, generator_optim=optim_state)
        return state, metrics, [is_finite(gradients)]

    def given(self, batch: Batch | GivenBatch) -> Samples | None:
        """Pictures that the generator is to translate; None for one that starts from noise."""
        if self.contrast is None:
            return None
        assert isinstance(batch, GivenBatch)
        return self.contrast.encode(batch.given)

    def latents(
        self, state: TrainState, player: str, ids: RowIds, given: Samples | None
    ) -> Latents:
        """What the generator starts from in a player's update: what it is given, or noise."""
        if given is not None:
            return given
        return self.networks.draw_latents(self.keys(state, f"latents/{player}", ids))

    def tied(
        self,
        state: TrainState,
        params: Params,
        ids: RowIds,
        given: Latents,
        fakes: Samples,
        reals: Samples,
    ) -> tuple[Tied, Terms]:
        """What ties fakes to what they are made of, where they are translations."""
        if self.contrast is None:
            return {}, {}
        return self.contrast.of_rows(params, self.keys(state, "patches", ids), given, fakes, reals)

    def replayed(self, state: TrainState, ids: RowIds) -> Replayed | None:
        """Fakes of earlier steps for these rows, if the bank keeps samples."""
        if state.bank is None or self.config.bank.of != "samples":
            return None
        key = stream_key(self.seed, "bank", state.step)
        return bank_lib.replay(state.bank, key, self.config.batch_size, ids)

    def scores_again(
        self,
        discriminate: Callable[[Samples, Labels | None], DiscriminatorOutput],
        state: TrainState,
        rows: Rows,
    ) -> Scores | None:
        """Scores of a view of each replayed fake, by weights that learn from it."""
        old = rows.replayed
        if old is None:
            return None
        view = self.view(state, "views/discriminator/stale", rows.ids, old.fake)
        return discriminate(view, old.labels).score

    def stale(
        self,
        state: TrainState,
        whole: PairedOutputs,
        replayed: Replayed | None,
        labels: Labels | None,
    ) -> Stale | None:
        """Further columns of the discriminator's rows, if there is a bank."""
        if state.bank is None:
            return None
        if labels is not None and self.config.conditioning.compare != "same_class":
            labels = None
        if replayed is None:
            return bank_lib.stale_embeddings(state.bank, labels)
        there, of = jax.tree.map(self.axis.gather, (replayed.there, replayed.labels))
        meets = None if labels is None else labels[:, None] == of
        return bank_lib.stale_scores(present(whole.stale), there, meets)

    def update_bank(
        self, state: TrainState, kept: Readings, fakes: Samples, labels: Labels | None
    ) -> tuple[Ring | None, Metrics]:
        """Put what the discriminator saw in the place of the oldest, and log what it had read."""
        if state.bank is None:
            return None, {}
        entries = {name.removeprefix(KEPT): array for name, array in kept.items()}
        if self.config.bank.of == "samples":
            entries = {"fake": self.axis.gather(fakes)}
        whole_labels = jax.tree.map(self.axis.gather, labels)
        entries = bank_lib.labeled(entries, whole_labels)
        return (
            bank_lib.write(state.bank, state.step, entries, self.axis.client, self.axis.clients),
            bank_lib.readings(state.bank, state.step),
        )

    def update_probability(self, state: TrainState, metrics: Metrics) -> tuple[TrainState, Metrics]:
        """Adapt the probability of augmentation, and log the one that was used if it moves."""
        augment = self.config.augment
        logged: Metrics = {}
        if not augment.target is augment.final_probability is None:
            logged = {"augment/probability": jnp.asarray(self.probability(state))}
        if augment.target is None:
            return state, logged
        sign = metrics[f"discriminator/{SIGN}"]
        adaptive = probability_lib.adapt(self.config, state.adaptive, state.step, sign)
        return state._replace(adaptive=adaptive), logged

    def probability(self, state: TrainState) -> Float[Array, ""] | float:
        """Probability with which this step's samples are transformed."""
        return probability_lib.at(self.config, state.adaptive, state.step)

    def update_average(self, state: TrainState) -> TrainState:
        """Count the step and move the average of the generator's parameters."""
        step, batch_size = state.step + 1, self.config.batch_size
        halflife = optim_lib.ema_halflife(self.config, images_seen(step, batch_size))
        decay = optim_lib.ema_decay(halflife, batch_size)
        average = optax.incremental_update(state.generator, state.generator_ema, 1 - decay)
        return state._replace(step=step, generator_ema=average)

    def keys(self, state: TrainState, stream: str, ids: RowIds) -> RowKeys:
        """A key for each row, the same on any number of devices and micro-batches."""
        return row_keys(stream_key(self.seed, stream, state.step), ids)

    def view(self, state: TrainState, stream: str, ids: RowIds, samples: Samples) -> Samples:
        """Augment samples, as the discriminator sees them."""
        return self.augment(self.keys(state, stream, ids), samples, self.probability(state))

    def worst(
        self, fixed: Fixed, state: TrainState, rows: Rows, real: Samples, fake: Samples
    ) -> tuple[Samples, Samples]:
        """Views of reals and fakes moved by attacks, where that is asked for."""
        if not self.adversary.moves_scored:
            return real, fake
        keys = (
            self.keys(state, "adversary/real", rows.ids),
            self.keys(state, "adversary/fake", rows.ids),
        )
        return self.adversary.scored(fixed, keys, real, fake, rows.labels)

    def agreement(
        self,
        discriminate: Callable[[Samples, Labels | None], DiscriminatorOutput],
        state: TrainState,
        player: str,
        ids: RowIds,
        reals: Samples,
        labels: Labels | None,
        real_out: DiscriminatorOutput,
        against: Fixed | None = None,
    ) -> Scores | None:
        """Cosines between two views of each real, the outputs on one of which are given.

        The other view is moved by an attack on the discriminator `against`, if any.
        """
        if real_out.embedding is None or not self.config.embedding.weight:
            return None
        if self.config.augment.is_off and against is None:  # both views are the real itself
            return _cosine(real_out, real_out)
        other = self.view(state, f"views/{player}/other", ids, reals)
        if against is not None:
            keys = self.keys(state, "adversary/other", ids)
            other = self.adversary.positive(against, keys, other, labels, real_out.embedding)
        return _cosine(real_out, discriminate(other, labels))

    def whole_batch(
        self, state: TrainState, local: PairedOutputs, labels: Labels | None
    ) -> BatchOutputs:
        """Local outputs beside those of all devices, and which fakes each real meets.

        Raises:
            ValueError: all devices together don't hold the batch: the axis is not theirs.
        """
        size = self.config.batch_size // self.axis.clients
        key = stream_key(self.seed, "offsets", state.step)
        offsets = draw_offsets(key, size, self.config.objective.fakes_per_real or size)
        count = len(jax.tree.leaves(local)[0])
        whole = jax.tree.map(self.axis.gather, local)
        gathered = len(jax.tree.leaves(whole)[0])
        if gathered != size:
            raise ValueError(
                f"the step was given {gathered} rows of a batch of {size}; on several devices it "
                "must gather them: Parts.train_step(axis=parallel.DEVICES)"
            )
        mask = None
        if labels is not None and self.config.conditioning.compare == "same_class":
            mask = labels[:, None] == self.axis.gather(labels)
        rows = self.axis.row_ids(count)
        nimg = images_seen(state.step, self.config.batch_size)
        return BatchOutputs(local, whole, rows, offsets, mask, nimg)

    def without_frozen(self, params: Params) -> Params:
        """The discriminator's weights, those of frozen layers as constants."""
        return self._at_frozen(jax.lax.stop_gradient, params)

    def _at_frozen(self, change: Callable[[Array], Array], params: Params) -> Params:
        """The discriminator's weights, or a tree like them, changed where layers are frozen."""
        if not self.frozen:
            return params
        changed = {
            name: jax.tree.map(change, group) if name in self.frozen else group
            for name, group in params["trunk"].items()
        }
        return {**params, "trunk": changed}

    def _descend(
        self,
        state: TrainState,
        gradients: Params,
        means: Means,
        params: Params,
        optim_state: optax.OptState,
        player: str,
    ) -> tuple[Params, optax.OptState, Metrics]:
        gradients, means = self.axis.mean((gradients, means))
        if player in state.prior:
            updates, optim_state, prior_means = self._pulled(
                state, gradients, params, optim_state, player
            )
            means = means | prior_means
        else:
            updates, optim_state = self.optimizer.update(gradients, optim_state, params)
        if player == "discriminator":
            of_weights, of_learnt = updates
            updates = (self._at_frozen(jnp.zeros_like, of_weights), of_learnt)
        metrics = {f"{player}/{name}": value for name, value in means.items()}
        metrics |= {f"{player}/grad_norm": optax.tree.norm(gradients)}
        metrics |= {f"{player}/update_norm": optax.tree.norm(updates)}
        return optax.apply_updates(params, updates), optim_state, metrics

    def _pulled(
        self,
        state: TrainState,
        gradients: Params,
        params: Params,
        optim_state: optax.OptState,
        player: str,
    ) -> tuple[Params, optax.OptState, Means]:
        """The updates, with those of the prior; it is the same on all devices, and meets no row."""
        anchor, weights = state.prior[player], getattr(state, player)
        towards = prior_lib.pull(anchor, weights)
        if player == "discriminator":
            towards = (towards, optax.tree.zeros_like(state.learnt))
        rate = None
        if self.config.prior.decoupled:
            rate = optim_lib.learning_rate(self.config)(state.step)
        updates, optim_state = prior_lib.pulled_updates(
            self.optimizer, gradients, optim_state, params, towards, rate
        )
        return updates, optim_state, {"prior": prior_lib.energy(anchor, weights)}


def _cosine(one: DiscriminatorOutput, other: DiscriminatorOutput) -> Scores:
    """Cosines between the embeddings of two outputs, row by row, in float32."""
    return jnp.sum(single(one.embedding) * single(other.embedding), axis=1)
