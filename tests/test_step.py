"""The training step: the same on any number of devices, and the gradient of the whole batch."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from cgan import optim, parallel
from cgan.assemble import Parts, assemble
from cgan.config import (
    Augment,
    Bank,
    Conditioning,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Objective,
    Optim,
    Penalty,
)
from cgan.data.pipeline import load_batches
from cgan.schedules import images_seen
from tests import backbones
from tests.plain_step import plain_step

BATCH, STEPS = 16, 3


def experiment(
    architecture="mlp", spectral_norm=False, depth=2, micro_batches=1, **sections
) -> Experiment:
    return Experiment(
        workdir=Path("unused"),
        data=Data("digits"),
        generator=Generator(architecture, latent_dim=8, width=8, depth=depth),
        discriminator=Discriminator(
            architecture, width=8, depth=depth, spectral_norm=spectral_norm
        ),
        optim=Optim(ema_halflife_nimg=100),
        batch_size=BATCH,
        micro_batches=micro_batches,
        steps_per_dispatch=STEPS,
        **sections,
    )


NO_PENALTY = Penalty(r1=0.0, r2=0.0)
NEIGHBOR = Embedding(weight=1.0, dimensions=4)
MIRRORED = dataclasses.replace(NEIGHBOR, game="mirrored")
ALONE = Objective(weight=0.0)
SAME_CLASS = Conditioning(labels=True, compare="same_class")
VARIANTS = {
    "all fakes": experiment(),
    "sum, 5 fakes, sharp": experiment(
        objective=Objective(normalize="sum", fakes_per_real=5, temperature=0.5)
    ),
    "pairs without dual": experiment(
        objective=Objective(fakes_per_real=1, dual=False), penalty=Penalty(r1=0.0, r2=1.0)
    ),
    "spectral norm": experiment(spectral_norm=True, penalty=NO_PENALTY),
    "pairwise, hard": experiment(
        objective=Objective("pairwise", hardness=2.0),
        augment=Augment(policy="diffaugment", probability=0.6),
    ),
    "average, learnt temperature": experiment(
        objective=Objective("average", temperature_bounds=(0.5, 2.0))
    ),
    "hardest": experiment(objective=Objective("hardest")),
    "listwise, top 5": experiment(objective=Objective("listwise", top_k=5)),
    "mirrored embedding alone": experiment(
        objective=ALONE, embedding=MIRRORED, penalty=NO_PENALTY, augment=Augment(0.5)
    ),
    "neighbors alone": experiment(
        objective=ALONE,
        embedding=NEIGHBOR,
        penalty=NO_PENALTY,
        augment=Augment(0.5),
    ),
    "neighbors beside the score, 5 fakes": experiment(
        objective=Objective("pairwise", weight=0.5, fakes_per_real=5),
        embedding=Embedding(
            weight=2.0,
            dimensions=4,
            temperature_bounds=(0.05, 0.2),
            negatives="reals",
            final_fraction=0.1,
        ),
        augment=Augment(0.3),
        ramp_nimg=1_000,
    ),
    "neighbors coupled two-sidedly": experiment(
        embedding=dataclasses.replace(
            NEIGHBOR, coupling="two_sided", generator_temperature=0.5, negatives="fakes"
        ),
        augment=Augment(0.3),
    ),
    "neighbors within classes": experiment(
        objective=Objective("hinge"),
        embedding=dataclasses.replace(NEIGHBOR, halves="covering", graded=False),
        augment=Augment(0.3),
        conditioning=SAME_CLASS,
    ),
    "bank of embeddings within classes": experiment(
        objective=Objective("hinge"),
        embedding=NEIGHBOR,
        augment=Augment(0.3),
        conditioning=SAME_CLASS,
        bank=Bank(STEPS * BATCH),
    ),
    "bank of samples within classes": experiment(
        objective=Objective("pairwise"),
        augment=Augment(0.3),
        conditioning=SAME_CLASS,
        bank=Bank(STEPS * BATCH, "samples"),
    ),
    "both, 5 fakes": experiment(
        objective=Objective("pairwise", weight=0.5, fakes_per_real=5),
        embedding=Embedding(
            weight=2.0,
            game="mirrored",
            curve="average",
            dimensions=4,
            temperature_bounds=(0.05, 0.2),
        ),
        augment=Augment(0.3),
    ),
    **{
        loss: experiment(objective=Objective(loss))
        for loss in ("nonsaturating", "saturating", "hinge", "least_squares")
    },
    "wasserstein": experiment(
        objective=Objective("wasserstein"), penalty=Penalty(0.0, 0.0, gradient_penalty=10.0)
    ),
    "adversarial views of scores": experiment(
        objective=Objective("pairwise", fakes_per_real=5),
        penalty=Penalty(r1=0.1, r2=0.3),
        augment=Augment(adversarial_radius=0.5, adversarial_steps=2),
        conditioning=Conditioning(labels=True),
    ),
    "adversarial views of both heads": experiment(
        embedding=dataclasses.replace(NEIGHBOR, temperature_bounds=(0.05, 0.2)),
        augment=Augment(0.3, adversarial_radius=0.5),
    ),
    "worst positives alone": experiment(
        objective=ALONE,
        embedding=MIRRORED,
        penalty=NO_PENALTY,
        augment=Augment(adversarial_radius=0.5, adversarial_steps=3),
    ),
    "conv": experiment("conv", depth=1, spectral_norm=True),
    "ada": experiment(augment=Augment(policy="ada", probability=0.6)),
    "classes, conv": experiment(
        "conv",
        depth=1,
        spectral_norm=True,
        conditioning=Conditioning(labels=True, dimensions=4),
    ),
    "classes, hinge": experiment(
        objective=Objective("hinge"),
        penalty=Penalty(gradient_penalty=1.0),
        conditioning=Conditioning(labels=True),
    ),
    **{
        name: dataclasses.replace(
            backbones.experiment(name), batch_size=BATCH, steps_per_dispatch=STEPS
        )
        for name in backbones.AT_SCALE
    },
    "within classes": experiment(conditioning=SAME_CLASS),
    "within classes, 5 fakes": experiment(
        objective=Objective("pairwise", fakes_per_real=5, hardness=1.0, top_k=2),
        penalty=Penalty(r2=0.0),
        conditioning=SAME_CLASS,
    ),
    "within classes, listwise and embedding": experiment(
        objective=Objective("listwise", weight=0.5, fakes_per_real=9),
        embedding=dataclasses.replace(MIRRORED, curve="hardest"),
        augment=Augment(0.3),
        conditioning=SAME_CLASS,
    ),
}
RANDOM_PENALTIES = {
    "hutchinson": experiment(penalty=Penalty(estimator="hutchinson")),
    "finite differences": experiment(
        penalty=Penalty(estimator="finite_differences", finite_difference=0.1)
    ),
    "embedding's penalty": experiment(
        objective=ALONE,
        embedding=dataclasses.replace(MIRRORED, r1=0.1, r2=0.2),
        penalty=NO_PENALTY,
        augment=Augment(0.5),
    ),
}
"""Their gradients have no oracle here: `tests/objectives` holds the estimators."""
FEW = ("spectral norm", "neighbors beside the score, 5 fakes")
"""Enough for the fast suite, of states after several steps; the slow one has `SEVERAL`."""
SEVERAL = (
    *FEW,
    "within classes, 5 fakes",
    "sum, 5 fakes, sharp",
    "all fakes",
    "both, 5 fakes",
    "neighbors coupled two-sidedly",
    "nonsaturating",
    "conv",
    "classes, hinge",
    "adversarial views of scores",
)
COVERING = (
    "average, learnt temperature",
    "conv",
    "classes, hinge",
    "within classes, 5 fakes",
    "neighbors within classes",
    "neighbors coupled two-sidedly",
    "adversarial views of both heads",
)
"""Between them, and the tests of two steps, they use every part of a step.

The others take minutes more, to compile.
"""
APART = ((8, 1), (1, 4))
"""Numbers of devices and of micro-batches: each alone."""
TOGETHER = ((2, 4),)
"""Both in one program, which takes half the time to compile."""


def fast_if(fast: tuple[str, ...], names: Iterable[str], known: dict[str, Experiment]):
    """The parameter `config`, slow for all but a few names."""
    return pytest.mark.parametrize(
        "config",
        [
            pytest.param(known[name], id=name, marks=() if name in fast else pytest.mark.slow)
            for name in names
        ],
    )


RECORDER = optax.GradientTransformation(
    lambda params: jax.tree.map(jnp.zeros_like, params),
    lambda gradients, kept, params: (jax.tree.map(jnp.zeros_like, gradients), gradients),
)
"""Keeps the gradient and moves nothing."""


def host_batches(parts: Parts, num_steps=STEPS, first=0):
    return load_batches(parts.source, BATCH, parts.config.seed, first, num_steps)


def run(parts: Parts, num_devices: int, num_steps=STEPS, start=None):
    """State and metrics after one dispatch, from the start or from another state."""
    start = parts.init_state() if start is None else start
    devices = jax.devices()[:num_devices]
    assert len(devices) == num_devices
    step = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), devices)
    state = parallel.replicate(start, devices)
    batches = parallel.shard(host_batches(parts, num_steps, int(start.step)), devices)
    state, outcome = parallel.fetch(step(state, batches))
    assert outcome.finite.all()
    return state, outcome.metrics


def relative_error(found, expected) -> float:
    found, expected = (ravel_pytree(tree)[0].astype(jnp.float32) for tree in (found, expected))
    return float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected))


@fast_if(FEW, SEVERAL, VARIANTS)
def test_state_and_metrics_after_three_steps_do_not_depend_on_the_number_of_devices(config):
    parts = assemble(config)
    state, metrics = run(parts, 1)
    assert state.step == STEPS
    other_state, other_metrics = run(parts, 2 if config.generator.architecture == "conv" else 8)
    for name in metrics:
        np.testing.assert_allclose(
            other_metrics[name], metrics[name], rtol=1e-5, atol=1e-6, err_msg=name
        )
    for name, field, other in zip(state._fields, state, other_state, strict=True):
        if jax.tree.leaves(field):
            assert relative_error(other, field) < 1e-5, name
    # No small leaf may be wrong behind the others; Adam magnifies the rounding of gradients
    # that are nearly zero, so a leaf alone gets more room.
    for leaf, other in zip(jax.tree.leaves(state), jax.tree.leaves(other_state), strict=True):
        assert np.linalg.norm(other - leaf) <= 2e-3 * np.linalg.norm(leaf) + 1e-9


@pytest.mark.parametrize(
    ("config", "splits"),
    [
        *(pytest.param(VARIANTS[name], TOGETHER, id=name) for name in COVERING),
        *(
            pytest.param(config, APART, id=f"{name}, apart", marks=pytest.mark.slow)
            for name, config in VARIANTS.items()
        ),
    ],
)
def test_losses_and_gradients_equal_those_of_the_whole_batch_written_plainly(config, splits):
    """On several devices, and in micro-batches; the oracle knows no gather."""
    parts = assemble(config)._replace(optimizer=RECORDER)
    start = parts.init_state()
    runs = []
    for num_devices, micro_batches in splits:
        split = assemble(dataclasses.replace(config, micro_batches=micro_batches))
        runs.append(run(split._replace(optimizer=RECORDER), num_devices, num_steps=1))
    plain = plain_step(parts)
    stats = parts.networks.update_stats(start.discriminator, start.discriminator_stats)
    start = start._replace(discriminator_stats=stats)
    of_discriminator = jax.jit(jax.value_and_grad(plain.discriminator_loss))
    of_generator = jax.jit(jax.value_and_grad(plain.generator_loss))
    expected = {
        "discriminator": of_discriminator((start.discriminator, start.learnt), start),
        "generator": of_generator(start.generator, start),
    }
    for state, metrics in runs:
        assert metrics.keys() == runs[0][1].keys()
        for player, (loss, gradients) in expected.items():
            np.testing.assert_allclose(metrics[f"{player}/loss"][0], loss, rtol=1e-5)
            assert relative_error(getattr(state, f"{player}_optim"), gradients) < 1e-5


TELLING = {
    "both heads": dataclasses.replace(
        VARIANTS["neighbors beside the score, 5 fakes"],
        discriminator=Discriminator("mlp", width=8, depth=2, spectral_norm=True),
        penalty=Penalty(r1=0.1, r2=0.3, estimator="hutchinson"),
        conditioning=Conditioning(labels=True),
        optim=Optim(ema_halflife_nimg=100),
        steps_per_dispatch=2,
    ),
    "learnt temperature at a bound": dataclasses.replace(
        VARIANTS["average, learnt temperature"],
        objective=Objective("average", temperature_bounds=(0.9995, 1.0005)),
        steps_per_dispatch=2,
    ),
}
"""Between them they have every part of a state but an adaptive probability."""
RATE = 0.3
"""So large that a step on older parameters leads elsewhere."""


@pytest.mark.parametrize("name", TELLING)
def test_each_part_of_two_steps_reads_the_state_that_it_is_meant_to(name):
    """The discriminator learns from the newest fakes; the generator is graded by what that has just
    become, its power iterations and temperature too; the average follows."""
    parts = assemble(TELLING[name])._replace(optimizer=optax.sgd(RATE))
    start = parts.init_state()
    # Where the average neither follows at once nor has its whole half-life yet.
    apart = jax.tree.map(lambda leaf: 1.5 * leaf, start.generator)
    start = start._replace(step=jnp.int32(30), generator_ema=apart)
    found, _ = run(parts, 1, num_steps=2, start=start)
    state = start
    for number in (30, 31):
        before, (state, _) = state, jax.jit(plain_step(parts, number))(state)
    slopes = jax.jit(jax.grad(plain_step(parts, 31).generator_loss))(before.generator, before)
    stale = jax.tree.map(lambda old, slope: old - RATE * slope, before.generator, slopes)
    assert relative_error(stale, state.generator) > 1e-3, "too small a rate to tell"
    for field, tree, expected in zip(found._fields, found, state, strict=True):
        if jax.tree.leaves(expected):
            assert relative_error(tree, expected) < 2e-5, field


@fast_if(("hutchinson",), RANDOM_PENALTIES, RANDOM_PENALTIES)
def test_random_directions_depend_neither_on_devices_nor_on_micro_batches(config):
    """Nor do the metrics; gradients are taken before Adam, which magnifies rounding."""
    parts = assemble(config)._replace(optimizer=RECORDER)
    split = assemble(dataclasses.replace(config, micro_batches=4))._replace(optimizer=RECORDER)
    whole, whole_metrics = run(parts, 1, num_steps=1)
    for other, num_devices in ((parts, 8), (split, 2)):
        state, metrics = run(other, num_devices, num_steps=1)
        assert metrics.keys() == whole_metrics.keys()
        for name in metrics:
            np.testing.assert_allclose(
                metrics[name], whole_metrics[name], rtol=1e-5, atol=1e-6, err_msg=name
            )
        assert relative_error(state.discriminator_optim, whole.discriminator_optim) < 1e-5
        assert relative_error(state.generator_optim, whole.generator_optim) < 1e-5


def test_pmap_equals_its_shard_map_twin():
    parts = assemble(VARIANTS["sum, 5 fakes, sharp"])
    devices = jax.devices()[:2]
    state, metrics = run(parts, 2)
    mesh = Mesh(np.asarray(devices), (parallel.AXIS,))
    whole, split = PartitionSpec(), PartitionSpec(None, parallel.AXIS)
    twin = jax.jit(
        jax.shard_map(
            parts.train_step(axis=parallel.DEVICES),
            mesh=mesh,
            in_specs=(whole, split),
            out_specs=(whole, whole),
            check_vma=False,
        )
    )
    placed = jax.device_put(host_batches(parts), NamedSharding(mesh, split))
    twin_state, twin_outcome = jax.device_get(twin(parts.init_state(), placed))
    assert relative_error(state._replace(step=0), twin_state._replace(step=0)) < 1e-6
    assert relative_error(metrics, twin_outcome.metrics) < 1e-6


def test_replicas_stay_identical_bit_for_bit():
    """Seen with `out_axes=0`: `out_axes=None` would hide a difference behind device 0."""
    parts = assemble(VARIANTS["conv"])
    devices = jax.devices()
    stacked = jax.pmap(
        parts.train_step(axis=parallel.DEVICES),
        axis_name=parallel.AXIS,
        in_axes=(None, 0),
        devices=devices,
    )
    batches = parallel.shard(host_batches(parts), devices)
    for leaf in jax.tree.leaves(jax.device_get(stacked(parts.init_state(), batches))):
        assert len(leaf) == len(devices)
        assert all(np.array_equal(replica, leaf[0]) for replica in leaf)


@pytest.mark.parametrize("num_devices", [1, 8])
def test_the_step_is_traced_once_and_its_state_is_donated(num_devices):
    parts = assemble(VARIANTS["all fakes"])
    devices = jax.devices()[:num_devices]
    traces = []
    inner = parts.train_step(axis=parallel.DEVICES)

    def counted(state, batches):
        traces.append(1)
        return inner(state, batches)

    step = parallel.replicated_step(counted, devices)
    state = parallel.replicate(parts.init_state(), devices)
    for _ in range(3):
        old = state
        batches = parallel.shard(host_batches(parts), devices)
        state, metrics = step(state, batches)
        jax.block_until_ready(metrics)
        assert all(leaf.is_deleted() for leaf in jax.tree.leaves(old))
    assert len(traces) == 1


def test_several_steps_in_a_dispatch_equal_as_many_dispatches():
    parts = assemble(VARIANTS["all fakes"])
    together, metrics = run(parts, 1)
    devices = jax.devices()[:1]
    step = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), devices)
    state = parallel.replicate(parts.init_state(), devices)
    for number in range(STEPS):
        batches = load_batches(parts.source, BATCH, parts.config.seed, number, 1)
        state, one = step(state, parallel.shard(batches, devices))
        loss = "generator/loss"
        np.testing.assert_allclose(one.metrics[loss][0], metrics[loss][number], rtol=1e-5)
    assert relative_error(state.generator, together.generator) < 1e-5


def test_the_average_follows_its_half_life():
    """A float64 recurrence over the parameters of every step, with the ramp of its half-life."""
    config = dataclasses.replace(VARIANTS["all fakes"], optim=Optim(ema_halflife_nimg=2))
    parts = assemble(config)
    average = np.asarray(ravel_pytree(parts.init_state().generator_ema)[0], np.float64)
    devices = jax.devices()[:1]
    step = parallel.replicated_step(parts.train_step(), devices)
    replicated = parallel.replicate(parts.init_state(), devices)
    for number in range(1, STEPS + 1):
        batches = parallel.shard(host_batches(parts, 1, number - 1), devices)
        replicated, outcome = step(replicated, batches)
        state, outcome = parallel.fetch((replicated, outcome))
        assert outcome.finite.all()
        halflife = min(2, 0.05 * number * BATCH)
        keep = 0.5 ** (BATCH / halflife)
        average = keep * average + (1 - keep) * ravel_pytree(state.generator)[0]
        np.testing.assert_allclose(ravel_pytree(state.generator_ema)[0], average, rtol=1e-5)


def test_the_learning_rate_follows_half_a_cosine_over_images_seen():
    config = dataclasses.replace(
        VARIANTS["all fakes"],
        steps_per_dispatch=1,
        total_nimg=10 * BATCH,
        optim=Optim(lr=0.1, final_lr_fraction=0.2, beta1=0.0, beta2=0.0),
    )
    optimizer = optim.build(config)
    params = jnp.zeros(())
    optim_state = optimizer.init(params)
    for number in range(13):
        update, optim_state = optimizer.update(jnp.ones(()), optim_state, params)
        cosine = 0.5 * (1 + np.cos(np.pi * min(number / 10, 1)))
        np.testing.assert_allclose(-update, 0.1 * (0.2 + 0.8 * cosine), rtol=1e-4)


def test_the_clock_does_not_overflow_in_long_runs():
    """Images seen pass 2**31: the rate keeps falling and the average keeps averaging."""
    config = dataclasses.replace(VARIANTS["all fakes"], batch_size=64, total_nimg=4_000_000_000)
    step = jnp.asarray(2**31 // 64 + 1, jnp.int32)
    nimg = images_seen(step, 64)
    assert 2.0**31 <= float(nimg) < 2.0**31 + 512
    assert 0 < float(optim.ema_decay(optim.ema_halflife(config, nimg), 64)) < 1
    optimizer, params = optim.build(config), jnp.zeros(())
    later = jax.tree.map(
        lambda leaf: step if leaf.dtype == jnp.int32 else leaf, optimizer.init(params)
    )
    update, _ = optimizer.update(jnp.ones(()), later, params)
    cosine = 0.5 * (1 + np.cos(np.pi * 2**31 / 4e9))
    expected = config.optim.lr * (0.05 + 0.95 * cosine)
    # A fresh second moment after one unit gradient, with its bias correction long faded.
    np.testing.assert_allclose(-update, expected / np.sqrt(0.01), rtol=1e-3)
