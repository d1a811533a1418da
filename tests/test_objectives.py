"""The margin matrix, its curves and both players, against float64 NumPy from the papers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cgan.objectives import BatchScores, Contrastive, NonSaturating
from cgan.objectives.contrastive import CURVES, fake_rows, real_rows

BATCH = 6
CURVE_IDS = [" ".join(name) for name in CURVES]
every_curve = pytest.mark.parametrize("curve", CURVES.values(), ids=CURVE_IDS)
score_vectors = hnp.arrays(np.float32, BATCH, elements=st.floats(-20, 20, width=32))


def whole_batch(real, fake) -> BatchScores:
    """The scores as one device that holds the whole batch sees them."""
    real, fake = jnp.asarray(real), jnp.asarray(fake)
    return BatchScores(real, fake, real, fake, jnp.arange(len(real)))


def some_scores(seed=0, size=BATCH, scale=3.0):
    rng = np.random.default_rng(seed)
    return [rng.normal(scale=scale, size=size).astype(np.float32) for _ in range(2)]


def total(terms) -> jax.Array:
    return sum(term.mean() for term in terms.values())


def oracle_softmax(real, fake, k, temperature, normalise, sign=1.0):
    """Both terms of the contrastive game in float64, one pair at a time."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    n = len(real)
    weight = 1 / k if normalise == "mean" else 1.0
    real_terms, fake_terms = [], []
    for i in range(n):
        met = [(i + offset) % n for offset in range(k)]
        ratios = [np.exp(-sign * (real[i] - fake[j]) / temperature) for j in met]
        real_terms.append(np.log1p(weight * np.sum(ratios)))
    for j in range(n):
        met = [(j - offset) % n for offset in range(k)]
        ratios = [np.exp(-sign * (real[i] - fake[j]) / temperature) for i in met]
        fake_terms.append(np.log1p(weight * np.sum(ratios)))
    return {"real_vs_fakes": real_terms, "fake_vs_reals": fake_terms}


@pytest.mark.parametrize("normalise", ["mean", "sum"])
@pytest.mark.parametrize("k", [1, 2, BATCH])
@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_terms_equal_the_float64_oracle_for_both_players(normalise, k, temperature):
    real, fake = some_scores()
    game = Contrastive(CURVES["softmax", normalise], k, temperature)
    scores = whole_batch(real, fake)
    for terms, sign in [(game.discriminator_terms, 1.0), (game.generator_terms, -1.0)]:
        expected = oracle_softmax(real, fake, k, temperature, normalise, sign)
        found = terms(scores)
        assert found.keys() == expected.keys()
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=2e-6)


@pytest.mark.parametrize("normalise", ["mean", "sum"])
def test_one_fake_with_the_dual_is_twice_relativistic_pairing(normalise):
    real, fake = some_scores()
    game = Contrastive(CURVES["softmax", normalise], fakes_per_real=1)
    margins = real.astype(np.float64) - fake
    scores = whole_batch(real, fake)
    for terms, sign in [(game.discriminator_terms, 1), (game.generator_terms, -1)]:
        pairing = np.mean(np.log1p(np.exp(-sign * margins)))
        np.testing.assert_allclose(total(terms(scores)), 2 * pairing, rtol=1e-6)


def test_all_fakes_with_the_sum_and_the_dual_is_the_dual_contrastive_loss():
    """Yu et al. 2021, eqs. 3 and 4, written with their ratios of exponentials."""
    real, fake = some_scores()
    r, f = real.astype(np.float64), fake.astype(np.float64)
    attraction = -np.log(np.exp(r) / (np.exp(r) + np.exp(f).sum()))
    dual = -np.log(np.exp(-f) / (np.exp(-f) + np.exp(-r).sum()))
    game = Contrastive(CURVES["softmax", "sum"], BATCH)
    found = total(game.discriminator_terms(whole_batch(real, fake)))
    np.testing.assert_allclose(found, attraction.mean() + dual.mean(), rtol=1e-6)


def test_the_game_without_the_dual_has_only_the_real_rows():
    game = Contrastive(CURVES["softmax", "mean"], BATCH, dual=False)
    scores = whole_batch(*some_scores())
    assert set(game.discriminator_terms(scores)) == {"real_vs_fakes"}
    assert set(game.generator_terms(scores)) == {"real_vs_fakes"}


@pytest.mark.parametrize("k", [1, 4, BATCH])
def test_zero_margins_score_the_known_constant(k):
    zeros = jnp.zeros((3, k))
    np.testing.assert_allclose(CURVES["softmax", "mean"](zeros), np.log(2), rtol=1e-6)
    np.testing.assert_allclose(CURVES["softmax", "sum"](zeros), np.log(k + 1), rtol=1e-6)


@every_curve
def test_equal_scores_pull_every_fake_the_same_way(curve):
    """At equal distributions no fake is preferred: gradients are equal, one share each."""
    game = Contrastive(curve, BATCH)
    real, fake = np.zeros(BATCH, np.float32), np.zeros(BATCH, np.float32)
    gradient = jax.grad(lambda f: total(game.generator_terms(whole_batch(real, f))))(fake)
    np.testing.assert_allclose(gradient, gradient[0], rtol=1e-6)
    assert gradient[0] < 0


@every_curve
@given(real=score_vectors, fake=score_vectors)
@settings(max_examples=25, deadline=None)
def test_players_push_in_opposite_directions(curve, real, fake):
    """The discriminator raises reals and lowers fakes; the generator raises its fakes."""
    game = Contrastive(curve, 3)

    def discriminator(r, f):
        return total(game.discriminator_terms(whole_batch(r, f)))

    def generator(f):
        return total(game.generator_terms(whole_batch(real, f)))

    at_real, at_fake = jax.grad(discriminator, argnums=(0, 1))(real, fake)
    assert np.all(at_real <= 0)
    assert np.all(at_fake >= 0)
    assert np.sum(at_real) < 0 < np.sum(at_fake)
    at_fake = jax.grad(generator)(fake)
    assert np.all(at_fake <= 0)
    assert np.sum(at_fake) < 0


@every_curve
@given(real=score_vectors, fake=score_vectors, shift=st.floats(-50, 50, width=32))
@settings(max_examples=25, deadline=None)
def test_a_shift_of_all_scores_changes_nothing(curve, real, fake, shift):
    game = Contrastive(curve, BATCH)
    for terms in (game.discriminator_terms, game.generator_terms):
        before = total(terms(whole_batch(real, fake)))
        after = total(terms(whole_batch(real + shift, fake + shift)))
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)


@every_curve
@given(real=score_vectors, fake=score_vectors, order=st.permutations(range(BATCH)))
@settings(max_examples=25, deadline=None)
def test_the_order_of_fakes_does_not_matter_where_all_are_met(curve, real, fake, order):
    game = Contrastive(curve, BATCH)
    for terms in (game.discriminator_terms, game.generator_terms):
        before = terms(whole_batch(real, fake))
        after = terms(whole_batch(real, fake[np.array(order)]))
        np.testing.assert_allclose(total(after), total(before), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            after["real_vs_fakes"], before["real_vs_fakes"], rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("k", [1, 2, 5, BATCH])
def test_every_sample_meets_k_different_ones_and_the_dual_meets_the_same_pairs(k):
    real, fake = np.arange(BATCH) * 100.0, np.arange(BATCH) * 1.0  # their margin names the pair
    rows = jnp.arange(BATCH)
    from_reals = np.asarray(real_rows(jnp.asarray(real), jnp.asarray(fake), rows, k, 1.0))
    from_fakes = np.asarray(fake_rows(jnp.asarray(fake), jnp.asarray(real), rows, k, 1.0))
    assert all(len(set(row)) == k for row in from_reals.tolist())
    assert sorted(from_reals.ravel()) == sorted(from_fakes.ravel())


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@every_curve
def test_extreme_scores_give_finite_losses_and_gradients(curve, dtype):
    game = Contrastive(curve, 4)
    high, low = jnp.full(4, 1e4, dtype), jnp.full(4, -1e4, dtype)
    for real, fake in [(high, low), (low, high), (high, high)]:
        for terms in (game.discriminator_terms, game.generator_terms):
            value, gradients = jax.value_and_grad(
                lambda r, f, terms=terms: total(terms(whole_batch(r, f))), argnums=(0, 1)
            )(real, fake)
            assert np.isfinite(np.asarray([value, *jnp.concatenate(gradients)], np.float64)).all()


def test_nonsaturating_terms_equal_the_binary_cross_entropy_of_the_logits():
    real, fake = some_scores()
    sigmoid = 1 / (1 + np.exp(-np.stack([real, fake]).astype(np.float64)))
    terms = NonSaturating().discriminator_terms(whole_batch(real, fake))
    np.testing.assert_allclose(terms["real"], -np.log(sigmoid[0]), rtol=1e-5)
    np.testing.assert_allclose(terms["fake"], -np.log(1 - sigmoid[1]), rtol=1e-5)
    terms = NonSaturating().generator_terms(whole_batch(real, fake))
    np.testing.assert_allclose(terms["fake"], -np.log(sigmoid[1]), rtol=1e-5)
