"""The penalties of a config as terms of a loss: weights, sides and heads."""

from pathlib import Path

import numpy as np
import pytest

from cgan.config import Embedding, Experiment, Penalty
from cgan.objectives.regularizer import Keys, Regularizer
from tests.objectives.test_objective_penalties import SAMPLES, curved, keys, squared_jacobians


def regularized(settings, discriminate=curved, real=SAMPLES, fake=SAMPLES + 1):
    embedding = Embedding(weight=1.0, **settings.pop("embedding", {}))
    config = Experiment(Path("unused"), embedding=embedding, penalty=Penalty(**settings))
    return Regularizer(config)(
        lambda x, _labels: discriminate(x),
        Keys(keys(), keys(seed=1), keys(seed=2)),
        real,
        fake,
    )


NONE = {"r1": 0.0, "r2": 0.0}


def test_the_regularizer_weighs_half_the_squared_gradients_of_each_side():
    said_real, said_fake, terms = regularized({"r1": 2.0, "r2": 6.0})
    for said, name, weight, samples in (
        (said_real, "r1", 2, SAMPLES),
        (said_fake, "r2", 6, SAMPLES + 1),
    ):
        expected = squared_jacobians(curved, samples).score * weight / 2
        np.testing.assert_allclose(terms[name], expected, rtol=1e-5)
        np.testing.assert_allclose(said.score, curved(samples).score, rtol=1e-6)
        np.testing.assert_allclose(said.embedding, curved(samples).embedding, rtol=1e-6)
    assert terms.keys() == {"r1", "r2"}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (NONE, []),
        ({"r1": 1.0, "r2": 0.0}, ["r1"]),
        (NONE | {"gradient_penalty": 1.0}, ["gradient_penalty"]),
        (NONE | {"embedding": {"r2": 1.0}}, ["embedding_r2"]),
        ({"r1": 1.0, "r2": 0.0, "embedding": {"r1": 1.0}}, ["r1", "embedding_r1"]),
        ({"r1": 0.0, "r2": 1.0, "embedding": {"r1": 1.0}}, ["r2", "embedding_r1"]),
    ],
    ids=str,
)
def test_heads_and_sides_without_a_weight_have_no_term(settings, names):
    said_real, said_fake, terms = regularized(dict(settings))
    assert terms.keys() == set(names)
    assert all(term.shape == (5,) for term in terms.values())
    np.testing.assert_allclose(said_real.score, curved(SAMPLES).score, rtol=1e-6)
    np.testing.assert_allclose(said_fake.score, curved(SAMPLES + 1).score, rtol=1e-6)
