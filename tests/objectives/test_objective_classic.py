"""Classic losses against the papers' formulas and optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from objective_oracles import (
    BATCH,
    assert_terms,
    embedding_batch,
    score_batch,
    some_embeddings,
    some_scores,
    total,
)

from cgan.objectives.classic import CLASSIC

every_loss = pytest.mark.parametrize("name", CLASSIC)
score_vectors = hnp.arrays(np.float32, BATCH, elements=st.floats(-20, 20, width=32))


def log_sigmoid(x):
    return np.log(1 / (1 + np.exp(-x)))


def log_one_minus_sigmoid(x):
    return np.log(1 - 1 / (1 + np.exp(-x)))


PAPERS = {  # what the discriminator pays for a real and a fake, what the generator pays
    "nonsaturating": (
        lambda d: -log_sigmoid(d),
        lambda d: -log_one_minus_sigmoid(d),
        lambda d: -log_sigmoid(d),
    ),
    "saturating": (
        lambda d: -log_sigmoid(d),
        lambda d: -log_one_minus_sigmoid(d),
        log_one_minus_sigmoid,
    ),
    "hinge": (
        lambda d: -np.minimum(0, -1 + d),
        lambda d: -np.minimum(0, -1 - d),
        lambda d: -d,
    ),
    "least_squares": (
        lambda d: (d - 1) ** 2 / 2,
        lambda d: d**2 / 2,
        lambda d: (d - 1) ** 2 / 2,
    ),
    "wasserstein": (lambda d: -d, lambda d: d, lambda d: -d),
}


@every_loss
def test_terms_equal_the_papers_in_float64(name):
    real, fake = some_scores()
    batch = score_batch(real, fake)
    of_real, of_fake, of_generator = PAPERS[name]
    expected = {"real": of_real(np.float64(real)), "fake": of_fake(np.float64(fake))}
    assert_terms(CLASSIC[name].discriminator_terms({}, batch), expected, rtol=1e-5)
    expected = {"fake": of_generator(np.float64(fake))}
    assert_terms(CLASSIC[name].generator_terms({}, batch), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "loss", "targets"),
    [
        ("nonsaturating", optax.sigmoid_binary_cross_entropy, (1.0, 0.0)),
        ("saturating", optax.sigmoid_binary_cross_entropy, (1.0, 0.0)),
        ("hinge", optax.hinge_loss, (1.0, -1.0)),
        ("least_squares", optax.l2_loss, (1.0, 0.0)),
    ],
)
def test_the_discriminator_terms_are_optax_losses_to_two_targets(name, loss, targets):
    real, fake = (jnp.asarray(side) for side in some_scores(scale=1.0))
    at_real, at_fake = (jnp.full(BATCH, target) for target in targets)
    expected = {"real": loss(real, at_real), "fake": loss(fake, at_fake)}
    found = CLASSIC[name].discriminator_terms({}, score_batch(real, fake))
    assert_terms(found, expected, rtol=1e-5, atol=1e-7)


def test_the_saturating_generator_pays_minus_what_the_discriminator_pays_for_fakes():
    batch = score_batch(*some_scores())
    game = CLASSIC["saturating"]
    expected = -game.discriminator_terms({}, batch)["fake"]
    assert_terms(game.generator_terms({}, batch), {"fake": expected}, rtol=1e-6)


def slopes(name):
    """The discriminator's gradient by reals and fakes, and the generator's by fakes."""
    game = CLASSIC[name]

    def discriminator(real, fake):
        return total(game.discriminator_terms({}, score_batch(real, fake)))

    def generator(fake):
        return total(game.generator_terms({}, score_batch(fake, fake)))

    by_discriminator = jax.grad(discriminator, argnums=(0, 1))
    return jax.jit(lambda real, fake: (*by_discriminator(real, fake), jax.grad(generator)(fake)))


SLOPES = {name: slopes(name) for name in CLASSIC}


@pytest.mark.parametrize("name", [name for name in CLASSIC if name != "least_squares"])
@given(real=score_vectors, fake=score_vectors)
@settings(max_examples=25, deadline=None)
def test_the_discriminator_raises_reals_and_lowers_fakes_the_generator_raises_fakes(
    name, real, fake
):
    at_reals, at_fakes, of_generator = (np.asarray(slope) for slope in SLOPES[name](real, fake))
    assert np.all(at_reals <= 0)
    assert np.all(at_fakes >= 0)
    assert np.all(of_generator <= 0)
    within = 1 - 1e-3  # where no hinge is flat
    assert np.all(at_reals[real < within] < 0)
    assert np.all(at_fakes[fake > -within] > 0)
    assert np.all(of_generator < 0)


@given(real=score_vectors, fake=score_vectors)
@settings(max_examples=25, deadline=None)
def test_least_squares_pull_every_score_to_its_target_from_both_sides(real, fake):
    tolerance = {"rtol": 1e-5, "atol": 1e-7}
    at_reals, at_fakes, of_generator = SLOPES["least_squares"](real, fake)
    np.testing.assert_allclose(at_reals, (real - 1) / BATCH, **tolerance)
    np.testing.assert_allclose(at_fakes, fake / BATCH, **tolerance)
    np.testing.assert_allclose(of_generator, (fake - 1) / BATCH, **tolerance)


@pytest.mark.parametrize(
    ("name", "constant"), [(name, 0.5 if name == "least_squares" else 0.0) for name in CLASSIC]
)
def test_at_equal_distributions_only_the_known_constant_is_stationary(name, constant):
    """Where both sides are draws from one distribution, their slopes must cancel."""

    def pull(score):
        scores = np.full(BATCH, score, np.float32)
        at_reals, at_fakes, _ = SLOPES[name](scores, scores)
        return np.sum(at_reals) + np.sum(at_fakes)

    assert abs(pull(constant)) < 1e-6
    if name not in ("hinge", "wasserstein"):  # these have more constants than one
        assert pull(constant - 0.5) < -0.1 < 0.1 < pull(constant + 0.5)


@every_loss
def test_nothing_is_learnt_and_the_score_is_needed(name):
    game = CLASSIC[name]
    assert game.init() == game.project({}) == game.readings({}) == {}
    for terms in (game.discriminator_terms, game.generator_terms):
        with pytest.raises(TypeError, match="no such head"):
            terms({}, embedding_batch(*some_embeddings()))
