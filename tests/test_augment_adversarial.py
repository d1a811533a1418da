"""Adversarial views: within the ball, from keyed starts, what they do to a game, and when there are
none. That a step takes them alike on any number of devices is held by `test_step.py`."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cgan.assemble import Parts, assemble
from cgan.augment import adversarial
from cgan.augment.adversarial import Adversary, directions, into_ball, random_offsets, worst
from cgan.config import (
    Augment,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Objective,
    Penalty,
)
from cgan.data.pipeline import load_batches
from cgan.rng import row_keys, stream_key
from cgan.types import DiscriminatorOutput

N = 12


def keys(n: int = N, stream: str = "adversary/real") -> jax.Array:
    return row_keys(stream_key(3, stream), jnp.arange(n))


def samples(*shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).normal(size=(N, *shape)), jnp.float32)


def norms(offsets: jax.Array) -> np.ndarray:
    return np.linalg.norm(np.asarray(offsets).reshape(len(offsets), -1), axis=1)


def wavy(x: jax.Array) -> jax.Array:
    flat = x.reshape(len(x), -1)
    return jnp.sin(3 * flat).sum(axis=1) + jnp.prod(jnp.cos(flat[:, :3]), axis=1)


@pytest.mark.parametrize("radius", [1e-3, 0.3, 20.0])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("shape", [(2,), (4, 3, 1)], ids=["points", "images"])
def test_no_neighbor_leaves_the_ball(shape: tuple[int, ...], steps: int, radius: float) -> None:
    x = samples(*shape)
    found = worst(wavy, keys(), x, radius, steps)
    assert found.shape == x.shape
    assert found.dtype == x.dtype
    away = norms(found - x)
    assert (away <= radius * (1 + 1e-4) + 1e-6).all()
    assert (away > 0.1 * radius).all()
    if radius < 1:
        assert (wavy(found) > wavy(x)).all()


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_on_a_slope_that_is_the_same_everywhere_steps_are_those_of_a_plain_loop(steps: int) -> None:
    """From a start across, the way to the ball's worst is what is said at `step_length`."""
    slope, radius = np.array([3.0, -4.0, 12.0]) / 13, 0.5
    across = np.array([4.0, 3.0, 0.0]) / 5 * radius
    at = across
    for number in range(steps):
        at = at + 2 * radius * (1 - number / steps) * slope
        at = at * min(1, radius / np.linalg.norm(at))
    found = jnp.asarray(across, jnp.float32)[None]

    def gain(x: jax.Array) -> jax.Array:
        return x @ jnp.asarray(slope, jnp.float32)

    for number in range(steps):
        length = adversarial.step_length(number, steps, radius)
        found = adversarial.climb(gain, samples(3)[:1], found, radius, length)
    np.testing.assert_allclose(found[0], at, atol=1e-6)
    reached = {1: 0.89, 2: 0.97, 3: 0.99}[steps]
    assert at @ slope / radius == pytest.approx(reached, abs=0.006)


def test_many_steps_reach_the_point_of_the_ball_where_a_linear_gain_is_largest() -> None:
    slope = samples(5)[0]
    x = samples(5)[1:]
    found = worst(lambda x: x @ slope, keys(N - 1), x, 0.7, 20)
    expected = x + 0.7 * slope / jnp.linalg.norm(slope)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_starts_are_spread_evenly_over_the_ball_each_by_its_own_key() -> None:
    n = 4_000
    drawn = random_offsets(keys(n), jnp.zeros((n, 3)), 2.0)
    away = norms(drawn)
    for share in (0.3, 0.6, 0.9):
        assert np.mean(away < 2 * share) == pytest.approx(share**3, abs=0.03)
    np.testing.assert_allclose(np.cov(np.asarray(drawn).T), np.eye(3) * 4 / 5, atol=0.06)
    assert (random_offsets(keys(n, "adversary/fake"), jnp.zeros((n, 3)), 2.0) != drawn).all()
    np.testing.assert_array_equal(random_offsets(keys(9), jnp.zeros((9, 3)), 2.0), drawn[:9])


def test_a_neighbor_depends_on_its_own_row_alone() -> None:
    x, order = samples(4), jnp.array([5, 0, 11])
    whole = worst(wavy, keys(), x, 0.4, 3)
    some = worst(wavy, keys()[order], x[order], 0.4, 3)
    np.testing.assert_allclose(some, whole[order], atol=1e-6)


def test_a_flat_gain_leaves_the_random_start_and_one_of_the_smallest_slopes_is_climbed() -> None:
    x = samples(4)
    flat = worst(lambda x: 0 * x[:, 0], keys(), x, 0.4, 2)
    np.testing.assert_allclose(flat - x, random_offsets(keys(), x, 0.4), atol=1e-6)
    slope = jnp.array([1e-30, 0.0, 0.0, 0.0])
    found = worst(lambda x: x @ slope, keys(), x, 0.4, 10)
    np.testing.assert_allclose((found - x)[:, 0], 0.4, atol=1e-3)
    assert not jnp.isfinite(directions(jnp.array([[jnp.nan, 1.0]]))).any()
    np.testing.assert_array_equal(into_ball(jnp.zeros((1, 2)), 0.5), 0)


def test_the_way_to_a_neighbor_is_a_constant_to_the_loss() -> None:
    """The gradient is that at the points found; by a neighbour it is that by its sample."""
    x, weight = samples(4), jnp.asarray(1.3)

    def loss(weight: jax.Array, x: jax.Array) -> jax.Array:
        found = worst(lambda x: wavy(jax.lax.stop_gradient(weight) * x), keys(), x, 0.4, 2)
        return jnp.sum(wavy(weight * found))

    at = worst(lambda x: wavy(weight * x), keys(), x, 0.4, 2)
    by_weight, by_sample = jax.grad(loss, argnums=(0, 1))(weight, x)
    expected = jax.grad(lambda weight, x: jnp.sum(wavy(weight * x)), argnums=(0, 1))(weight, at)
    np.testing.assert_allclose(by_weight, expected[0], rtol=1e-5)
    np.testing.assert_allclose(by_sample, expected[1], rtol=1e-5)


def experiment(radius: float, steps: int = 1, temperature: float = 0.5, **sections) -> Experiment:
    on = {} if radius == 0 else {"adversarial_steps": steps}
    return Experiment(
        workdir=Path("unused"),
        data=Data("ring8"),
        generator=Generator(latent_dim=2, width=2, depth=1),
        discriminator=Discriminator(width=2, depth=1),
        augment=Augment(adversarial_radius=radius, **on),
        batch_size=N,
        **{
            "objective": Objective("pairwise", temperature=temperature),
            "penalty": Penalty(0.0, 0.0),
            **sections,
        },
    )


SLOPE = np.array([0.6, -0.8]) * 1.7


def linear(parts: Parts) -> Parts:
    """The same game, played by a discriminator `w . x`."""
    return parts._replace(
        networks=parts.networks.with_discriminator(
            lambda key: {"w": jnp.asarray(SLOPE, jnp.float32)},
            lambda params, x: jnp.matmul(x, params["w"], precision="highest"),
        )
    )


def discriminator_loss(parts: Parts) -> tuple[float, float]:
    """Loss and mean margin before temperature of the first step."""
    batch = load_batches(parts.source, N, parts.config.seed, 0, 1)
    _, outcome = jax.jit(parts.train_step())(parts.init_state(), batch)
    metrics = outcome.metrics
    return float(metrics["discriminator/loss"][0]), float(metrics["discriminator/score_gap"][0])


def test_the_margins_of_a_linear_score_shrink_by_the_radius_times_its_slopes() -> None:
    """By `radius * |w| / tau` for the real's side and as much for the fake's, inside the curve."""
    radius, tau = 0.4, 0.5
    plain = linear(assemble(experiment(0.0, temperature=tau)))
    batch = load_batches(plain.source, N, plain.config.seed, 0, 1)
    reals = np.asarray(plain.source.encode(batch.x[0]), np.float64)
    state = plain.init_state()
    latents = plain.networks.draw_latents(
        row_keys(stream_key(plain.config.seed, "latents/discriminator"), jnp.arange(N))
    )
    fakes = np.asarray(plain.networks.generate(state.generator, latents), np.float64)
    margins = (reals @ SLOPE)[:, None] - fakes @ SLOPE
    shrunk = margins - 2 * radius * np.linalg.norm(SLOPE)
    for parts, expected in (
        (plain, margins),
        (linear(assemble(experiment(radius, 20, tau))), shrunk),
    ):
        loss, gap = discriminator_loss(parts)
        assert loss == pytest.approx(np.mean(np.logaddexp(0, -expected / tau)), rel=1e-4)
        assert gap == pytest.approx(expected.mean(), rel=1e-4)


def test_the_worst_positive_costs_half_the_squared_radius_times_the_jacobians_norm() -> None:
    """Near one vector, `h = e + A x`: what is lost of the cosine is `radius^2 |A|_op^2 / 2`."""
    rng, radius = np.random.default_rng(1), 0.6
    inner = rng.normal(size=(4, 3)) * 0.05
    across = np.r_[np.zeros((1, 3)), inner]

    def discriminate(x: jax.Array, labels: None) -> DiscriminatorOutput:
        towards = jnp.eye(5)[0] + jnp.matmul(x, jnp.asarray(across.T, jnp.float32))
        unit = towards / jnp.linalg.norm(towards, axis=1, keepdims=True)
        return DiscriminatorOutput(None, unit)

    config = experiment(radius, 40, embedding=Embedding(weight=1.0))
    x = 0.1 * samples(3)
    own = discriminate(x, None).embedding
    assert own is not None
    found = discriminate(Adversary(config).positive(discriminate, keys(), x, None, own), None)
    lost = 1 - jnp.sum(own * found.embedding, axis=1)
    expected = radius**2 * np.linalg.norm(inner, 2) ** 2 / 2
    np.testing.assert_allclose(lost, expected, rtol=0.02)
    assert expected < 0.9 * radius**2 * np.sum(inner**2) / 2, "the other norm would not do"


def traced(config: Experiment) -> None:
    parts = assemble(config)
    batch = load_batches(parts.source, N, 0, 0, 1)
    jax.eval_shape(parts.train_step(), parts.abstract_state(), batch)


BOTH = {"embedding": Embedding(weight=1.0, dimensions=3)}


def test_without_a_radius_nothing_of_it_is_in_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an operation, so such a run is bit for bit what it was before there were attacks."""
    attacks: list[int] = []

    def counted(gain, keys, samples, radius, steps):
        attacks.append(len(samples))
        return samples

    monkeypatch.setattr(adversarial, "worst", counted)
    traced(experiment(0.0, **BOTH))
    assert attacks == []
    traced(experiment(0.5, **BOTH))
    assert sorted(set(attacks)) == [N, 2 * N]  # other views, and both sides of the score
    attacks.clear()
    alone = {**BOTH, "objective": Objective(weight=0.0)}
    traced(experiment(0.5, **alone))
    assert set(attacks) == {N}
    attacks.clear()
    traced(experiment(0.5))
    assert set(attacks) == {2 * N}


def test_the_generator_meets_no_attack() -> None:
    """Against the same discriminator its loss is the same: that of samples as they are."""
    losses = []
    for radius in (0.0, 0.5):
        parts = linear(assemble(experiment(radius)))._replace(optimizer=optax.sgd(0.0))
        batch = load_batches(parts.source, N, 0, 0, 1)
        _, outcome = jax.jit(parts.train_step())(parts.init_state(), batch)
        losses.append(float(outcome.metrics["generator/loss"][0]))
    assert losses[0] == losses[1]
