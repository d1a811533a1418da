"""The probability of augmentation: fixed, on a ramp, adaptive; in training, and what is refused."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan import parallel
from cgan.assemble import Parts, assemble
from cgan.augment import probability
from cgan.config import Augment, Data, Discriminator, Experiment, Generator, Penalty
from cgan.data.pipeline import load_batches
from cgan.objectives import BOUNDARY, BatchOutputs, PairedOutputs, sign_of_reals
from cgan.types import DiscriminatorOutput
from tests.unchecked import assert_refused, make

BATCH = 8
ADAPTIVE = Augment(policy="diffaugment", target=0.2, adapt_nimg=160, probability=0.5, color=False)
"""Cheap to compile."""


def experiment(**sections) -> Experiment:
    return Experiment(
        workdir=Path("unused"),
        data=Data("digits"),
        generator=Generator(latent_dim=2, width=4, depth=1),
        discriminator=Discriminator(width=4, depth=1),
        penalty=Penalty(r1=0.0, r2=0.0),
        batch_size=BATCH,
        total_nimg=20 * BATCH,
        steps_per_dispatch=4,
        **sections,
    )


def by_hand(start: float, signs: list[float], target: float, by: float) -> list[float]:
    """The probability after each step, in plain Python."""
    found, p, pending = [], start, []
    for sign in signs:
        pending.append(sign)
        if len(pending) == 4:
            mean = sum(pending) / 4
            p = min(max(p + (by if mean > target else -by if mean < target else 0), 0), 1)
            pending = []
        found.append(p)
    return found


@pytest.mark.parametrize(("level", "end"), [(1.0, 1.0), (-1.0, 0.0), (0.2, None)])
def test_an_adaptive_probability_follows_the_sign_of_reals(level: float, end: float | None) -> None:
    """Up to 1 if all are called real, down to 0 if none is, and in between after the means."""
    config = experiment(augment=ADAPTIVE)
    rng = np.random.default_rng(0)
    signs = np.clip(level + (abs(level) < 1) * rng.normal(size=60), -1, 1).astype(np.float32)
    expected = by_hand(0.5, [float(sign) for sign in signs], 0.2, BATCH * 4 / 160)
    adaptive, found = probability.init(config), []
    for step, sign in enumerate(signs):
        assert float(probability.at(config, adaptive, jnp.int32(step))) == pytest.approx(
            ([0.5, *expected])[step], abs=1e-5
        )
        adaptive = probability.adapt(config, adaptive, jnp.int32(step), jnp.asarray(sign))
        found.append(float(adaptive["probability"]))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    if end is not None:
        assert found[-1] == end
    else:
        assert (np.diff(found) > 0).any()
        assert (np.diff(found) < 0).any()


@pytest.mark.parametrize("rounding", [-1e-6, 0.0, 1e-6])
def test_at_the_target_an_adaptive_probability_stays_however_its_mean_is_rounded(
    rounding: float,
) -> None:
    config = experiment(augment=ADAPTIVE)
    adaptive = probability.init(config)
    for step in range(4):
        sign = jnp.asarray(0.2 + rounding, jnp.float32)
        adaptive = probability.adapt(config, adaptive, jnp.int32(step), sign)
    assert float(adaptive["probability"]) == 0.5


def test_a_probability_on_a_ramp_follows_the_clock_and_carries_nothing() -> None:
    augment = Augment(policy="ada", final_probability=0.55)
    config = dataclasses.replace(experiment(augment=augment), ramp_nimg=10 * BATCH)
    assert probability.init(config) == {}
    for step in (0, 3, 10, 15):
        share = (1 - np.cos(np.pi * min(step / 10, 1))) / 2
        found = float(probability.at(config, {}, jnp.int32(step)))
        assert found == pytest.approx(0.55 * share, abs=1e-6)
    assert probability.at(experiment(), {}, jnp.int32(0)) == 0


@pytest.mark.parametrize(
    "augment", [ADAPTIVE, Augment(policy="diffaugment", final_probability=0.4, color=False)]
)
def test_a_step_draws_with_and_tells_the_probability_from_before_it_adapts(
    augment: Augment,
) -> None:
    """That of its own number, and not of the next one's."""
    config = dataclasses.replace(experiment(augment=augment), ramp_nimg=10 * BATCH)
    parts = assemble(config)
    step, drawn_with = parts.train_step(), []
    step.augment = lambda keys, samples, probability: drawn_with.append(probability) or samples
    start = parts.init_state()
    state = start._replace(step=jnp.int32(3))  # the fourth: an adaptive one moves behind it
    if augment.target is not None:
        state = state._replace(adaptive=start.adaptive | {"signs": jnp.float32(4)})
    samples = jnp.zeros((2, 8, 8, 1))
    step.view(state, "views/generator/fake", jnp.arange(2), samples)
    state, told = step.update_probability(state, {"discriminator/real_sign": jnp.float32(1)})
    on_ramp = 0.4 * (1 - np.cos(np.pi * 3 / 10)) / 2
    expected = 0.5 if augment.target is not None else on_ramp
    assert float(told["augment/probability"]) == pytest.approx(expected, abs=1e-6)
    assert float(drawn_with[0]) == pytest.approx(expected, abs=1e-6)
    if augment.target is not None:
        assert float(state.adaptive["probability"]) == pytest.approx(0.5 + BATCH * 4 / 160)


def batch_of(real: np.ndarray, fake: np.ndarray, rows: slice) -> BatchOutputs:
    def said(part: slice) -> PairedOutputs:
        return PairedOutputs(
            *(DiscriminatorOutput(jnp.asarray(x[part], jnp.float32), None) for x in (real, fake))
        )

    ids = jnp.arange(len(real))
    return BatchOutputs(said(rows), said(slice(None)), ids[rows], ids)


def test_the_sign_of_reals_counts_those_above_the_boundary_or_above_fakes() -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.normal(0.7, 1, 16), rng.normal(0, 1, 16)
    halves = [batch_of(real, fake, rows) for rows in (slice(0, 8), slice(8, 16))]
    for boundary in (0.0, 0.5):
        expected = np.mean([1 if score > boundary else -1 for score in real])
        found = np.mean([float(sign_of_reals(half, boundary)) for half in halves])
        assert found == pytest.approx(expected, abs=1e-6)
    pairs = np.mean([[1 if one > other else -1 for other in fake] for one in real])
    found = np.mean([float(sign_of_reals(half, None)) for half in halves])
    assert found == pytest.approx(pairs, abs=1e-6)
    shifted = float(sign_of_reals(batch_of(real + 50, fake + 50, slice(None)), None))
    assert shifted == pytest.approx(pairs, abs=1e-6)
    assert BOUNDARY == {"nonsaturating": 0, "saturating": 0, "hinge": 0, "least_squares": 0.5}


def runner(parts: Parts, num_devices: int):
    """From a state on the host and the numbers of dispatches to the next state and all metrics."""
    devices, each = jax.devices()[:num_devices], parts.config.steps_per_dispatch
    step = parallel.replicated_step(parts.train_step(), devices)

    def run(state, dispatches: range):
        state, found = parallel.replicate(state, devices), []
        for number in dispatches:
            batches = load_batches(parts.source, BATCH, parts.config.seed, number * each, each)
            state, outcome = step(state, parallel.shard(batches, devices))
            found.append(parallel.fetch(outcome).metrics)
        metrics = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
        return parallel.fetch(state), metrics

    return run


def test_an_adaptive_run_is_resumed_bit_for_bit_and_the_same_on_many_devices() -> None:
    config = experiment(augment=ADAPTIVE)
    parts = assemble(config)
    run, start = runner(parts, 1), parallel.fetch(parts.init_state())
    whole, metrics = run(start, range(4))
    half, _ = run(start, range(2))
    assert half.adaptive["probability"] == metrics["augment/probability"][8]
    resumed, _ = run(half, range(2, 4))
    for leaf, other in zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True):
        np.testing.assert_array_equal(leaf, other)
    signs = [float(sign) for sign in metrics["discriminator/real_sign"]]
    expected = by_hand(0.5, signs, 0.2, BATCH * 4 / 160)
    np.testing.assert_allclose(metrics["augment/probability"], [0.5, *expected][:-1], atol=1e-5)
    assert whole.adaptive["probability"] == pytest.approx(expected[-1], abs=1e-5)
    assert len(set(metrics["augment/probability"])) > 1
    split = assemble(dataclasses.replace(config, micro_batches=2))
    _, found = runner(split, 2)(start, range(2))
    for name in metrics:
        np.testing.assert_allclose(
            found[name], metrics[name][:8], rtol=1e-3, atol=1e-4, err_msg=name
        )


ADA = {"augment.policy": "ada"}
USED = {"augment.probability": 0.5}


@pytest.mark.parametrize(
    ("settings", "name", "expected"),
    [
        (
            ADA,
            "augment.probability",
            "more than 0 with augment.policy = 'ada', or "
            "augment.final_probability or augment.target be set",
        ),
        (
            ADA | USED | {"augment.strength": 0.5},
            "augment.strength",
            "0.0 with augment.policy = 'ada', which does not use it",
        ),
        (USED, "augment.probability", "0.0 with augment.policy = 'views', which does not use it"),
        (
            {"augment.target": 0.6},
            "augment.target",
            "None with augment.policy = 'views', which does not use it",
        ),
        (
            ADA | {"augment.target": 0.6, "augment.final_probability": 0.5},
            "augment.final_probability",
            "None with augment.target = 0.6, which moves the probability",
        ),
        (
            ADA | USED | {"augment.adapt_nimg": 100},
            "augment.adapt_nimg",
            "500000 with augment.target = None, which does not use it",
        ),
        (
            ADA | USED | {"data.source": "ring8"},
            "augment.policy",
            "'views' with data.source = 'ring8', whose samples are points",
        ),
        (
            ADA | USED | {"data.source": "stacked_digits"},
            "augment.color",
            "False with data.source = 'stacked_digits', whose channels are independent digits",
        ),
        (
            ADA
            | {
                "augment.target": 0.6,
                "objective.weight": 0.0,
                "embedding.weight": 1.0,
                "penalty.r1": 0.0,
                "penalty.r2": 0.0,
            },
            "augment.target",
            "None with objective.weight = 0, which does not use it",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, name, expected) -> None:
    assert_refused(settings, name, expected)


def test_settings_that_fit_are_not() -> None:
    assert make(ADA | USED | {"data.source": "stacked_digits", "augment.color": False})
    assert make(ADA | {"augment.target": 0.6})
    assert make(
        {
            "augment.policy": "diffaugment",
            "augment.final_probability": 0.3,
            "ramp_nimg": 100,
            "optim.final_lr_fraction": 1.0,
        }
    )
