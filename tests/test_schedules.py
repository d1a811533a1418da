"""Schedules: ramps and Adam with a moving beta2 against NumPy, and what steps do with them."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cgan import optim, parallel
from cgan.assemble import Parts, assemble
from cgan.config import Data, Discriminator, Experiment, Generator, Optim, Penalty
from cgan.data.pipeline import load_batches
from cgan.schedules import penalty_share, ramp
from tests.unchecked import assert_refused, make

BATCH = 8
RAMPED = Experiment(
    workdir=Path("unused"),
    data=Data("ring8"),
    generator=Generator(latent_dim=2, width=4, depth=1),
    discriminator=Discriminator(width=4, depth=1),
    penalty=Penalty(r1=0.2, r2=0.3, final_fraction=0.1),
    optim=Optim(
        lr=0.1,
        final_lr_fraction=0.25,
        beta2=0.9,
        final_beta2=0.99,
        ema_halflife_nimg=0,
        final_ema_halflife_nimg=100,
    ),
    batch_size=BATCH,
    total_nimg=40 * BATCH,
    ramp_nimg=20 * BATCH,
    steps_per_dispatch=4,
)


def half_cosine(start: float, end: float, share: float) -> float:
    """As the paper words it, in float64."""
    return end + (start - end) * (1 + np.cos(np.pi * min(share, 1.0))) / 2


@pytest.mark.parametrize(
    ("start", "end"), [(2e-4, 5e-5), (0.9, 0.99), (150.0, 15.0), (0.0, 5e7), (0.3, 0.3)]
)
def test_a_ramp_is_half_a_cosine_and_then_flat(start: float, end: float) -> None:
    length = 20_000_000
    at = np.array([0, 1, 1e-3, 0.25, 0.5, 0.9, 1.0, 1.7, 40.0])
    at = np.where(at == 1, 256 / length, at)  # one batch, where a cosine would round to 1
    at[6] = 1.0
    found = [float(ramp(start, end, jnp.float32(share * length), length)) for share in at]
    expected = [half_cosine(start, end, share) for share in at]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * min(start, end))
    assert found[0] == np.float32(start)
    assert found[6:] == [np.float32(end)] * 3


def test_a_ramp_may_be_longer_than_whole_numbers_of_32_bits() -> None:
    length = 3_000_000_000
    found = jax.jit(lambda nimg: ramp(1.0, 3.0, nimg, length))(jnp.float32(length / 2))
    assert float(found) == pytest.approx(2.0)


def test_the_first_batch_of_a_long_ramp_is_already_above_its_start() -> None:
    """Which a cosine in float32 is not: the half-life is divided by, and must not be 0."""
    first = float(ramp(0.0, 5e7, jnp.float32(256), 200_000_000))
    assert first == pytest.approx(5e7 * np.sin(np.pi / 2 * 256 / 2e8) ** 2, rel=1e-5)


def adam_by_hand(gradients: np.ndarray, beta1: float, beta2: np.ndarray) -> np.ndarray:
    """Directions in float64: moments as explicit sums over all gradients, over their weights."""
    directions = []
    for t in range(1, len(gradients) + 1):
        past = gradients[:t]
        of_mean = np.array([(1 - beta1) * beta1 ** (t - 1 - i) for i in range(t)])
        of_square = np.array([(1 - beta2[i]) * np.prod(beta2[i + 1 : t]) for i in range(t)])
        mean = of_mean @ past / of_mean.sum()
        square = of_square @ past**2 / of_square.sum()
        directions.append(mean / (np.sqrt(square) + 1e-8))
    return np.array(directions)


def run_adam(transform: optax.GradientTransformation, gradients: np.ndarray) -> np.ndarray:
    state = transform.init(jnp.zeros(gradients.shape[1]))
    found = []
    for gradient in gradients:
        direction, state = transform.update(jnp.asarray(gradient, jnp.float32), state)
        found.append(np.asarray(direction))
    return np.array(found)


@pytest.mark.parametrize("beta1", [0.0, 0.7])
@pytest.mark.parametrize(("first", "last"), [(0.5, 0.999), (0.9, 0.99), (0.99, 0.3), (0.0, 0.9)])
def test_adam_with_a_moving_beta2_weighs_all_past_squares_to_one(
    beta1: float, first: float, last: float
) -> None:
    gradients = np.random.default_rng(0).normal(size=(12, 3)) * np.array([1e-3, 1.0, 50.0])
    betas = np.linspace(first, last, 12)
    moving = optim.scale_by_adam(beta1, lambda count: jnp.asarray(betas, jnp.float32)[count])
    expected = adam_by_hand(gradients, beta1, betas)
    np.testing.assert_allclose(run_adam(moving, gradients), expected, rtol=1e-4)


def test_adam_with_a_beta2_that_stays_is_adam() -> None:
    gradients = np.random.default_rng(1).normal(size=(12, 3))
    own = run_adam(optim.scale_by_adam(0.3, lambda count: jnp.float32(0.95)), gradients)
    theirs = run_adam(optax.scale_by_adam(0.3, 0.95), gradients)
    np.testing.assert_allclose(own, theirs, rtol=1e-5)


def test_the_optimizer_moves_its_rate_and_beta2_over_the_ramp() -> None:
    optimizer, steps = optim.build(RAMPED), 25
    gradients = np.random.default_rng(2).normal(size=(steps, 4))
    shares = np.arange(steps) / 20
    betas = np.array([half_cosine(0.9, 0.99, share) for share in shares])
    rates = np.array([half_cosine(0.1, 0.025, share) for share in shares])
    expected = -rates[:, None] * adam_by_hand(gradients, 0.0, betas)
    np.testing.assert_allclose(run_adam(optimizer, gradients), expected, rtol=1e-4)


def test_the_half_life_follows_its_ramp_from_nothing() -> None:
    for step in (1, 5, 10, 20, 40):
        nimg = jnp.float32(step * BATCH)
        halflife = float(optim.ema_halflife(RAMPED, nimg))
        assert halflife == pytest.approx(half_cosine(0, 100, step / 20), rel=1e-5)
        decay = float(optim.ema_decay(jnp.float32(halflife), BATCH))
        assert decay == pytest.approx(0.5 ** (BATCH / halflife), rel=1e-5)


STEPS: dict[Any, Any] = {}
"""Those that were compiled, by config and number of devices."""


def trained(parts: Parts, num_devices: int, dispatches: range, state=None):
    """The state after some dispatches, from a state on the host, and the metrics of each step."""
    devices, each = jax.devices()[:num_devices], parts.config.steps_per_dispatch
    made = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), devices)
    step = STEPS.setdefault((parts.config, num_devices), made)
    state = parallel.replicate(parts.init_state() if state is None else state, devices)
    found = []
    for number in dispatches:
        batches = load_batches(parts.source, BATCH, parts.config.seed, number * each, each)
        state, outcome = step(state, parallel.shard(batches, devices))
        found.append(parallel.fetch(outcome).metrics)
    metrics = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    return parallel.fetch(state), metrics


def test_a_ramped_run_is_resumed_bit_for_bit_and_the_same_on_many_devices() -> None:
    parts = assemble(RAMPED)
    whole, metrics = trained(parts, 1, range(4))
    half, _ = trained(parts, 1, range(2))
    resumed, _ = trained(parts, 1, range(2, 4), half)
    for leaf, other in zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True):
        np.testing.assert_array_equal(leaf, other)
    _, other_metrics = trained(parts, 8, range(4))
    for name in metrics:
        np.testing.assert_allclose(
            other_metrics[name], metrics[name], rtol=1e-4, atol=1e-5, err_msg=name
        )


def test_the_penalties_weights_follow_their_ramp() -> None:
    """The same first step from a later clock pays the ramp's share of the same squares."""
    parts = assemble(RAMPED)
    start = parallel.fetch(parts.init_state())
    for step in (0, 7, 10, 20, 33):
        assert float(penalty_share(RAMPED, jnp.float32(step * BATCH))) == pytest.approx(
            half_cosine(1, 0.1, step / 20), rel=1e-5
        )
    one = dataclasses.replace(RAMPED, steps_per_dispatch=1, ramp_nimg=1)
    _, first = trained(assemble(one), 1, range(1), start)
    flat = dataclasses.replace(one, penalty=Penalty(r1=0.2, r2=0.3))
    constant = dataclasses.replace(one, penalty=Penalty(r1=0.02, r2=0.03))
    _, as_at_start = trained(assemble(flat), 1, range(1), start)
    for name in ("discriminator/r1", "discriminator/r2", "discriminator/loss"):
        np.testing.assert_array_equal(first[name], as_at_start[name])
    later = start._replace(step=np.int32(1))
    _, second = trained(assemble(one), 1, range(1), later)
    _, as_at_end = trained(assemble(constant), 1, range(1), later)
    for name in ("discriminator/r1", "discriminator/r2", "discriminator/loss"):
        np.testing.assert_allclose(second[name], as_at_end[name], rtol=1e-5)


def test_a_half_life_of_nothing_needs_a_ramp() -> None:
    assert_refused({"optim.ema_halflife_nimg": 0}, "optim.ema_halflife_nimg", "more than 0")
    assert make({"optim.ema_halflife_nimg": 0, "optim.final_ema_halflife_nimg": 10})


def test_settings_of_ramps_that_nothing_would_read_are_refused() -> None:
    settings = {"penalty.r1": 0.0, "penalty.r2": 0.0, "penalty.final_fraction": 0.1}
    expected = "1.0 where all penalties are 0, which does not use it"
    assert_refused(settings, "penalty.final_fraction", expected)
    settings = {"ramp_nimg": 100, "optim.final_lr_fraction": 1.0}
    expected = "None where nothing has another final value, which does not use it"
    assert_refused(settings, "ramp_nimg", expected)
    for name, value in (("penalty.final_fraction", 0.5), ("optim.final_beta2", 0.9)):
        assert make(settings | {name: value}).ramp_end_nimg == 100
    assert make({"total_nimg": 100, "batch_size": 64}).ramp_end_nimg == 128
