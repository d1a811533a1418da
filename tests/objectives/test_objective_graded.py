"""Graded targets: the loss in NumPy, its gradient, devices and micro-batches, both players."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cgan import parallel
from cgan.assemble import assemble
from cgan.config import (
    Augment,
    ConfigError,
    Data,
    Discriminator,
    Experiment,
    Generator,
    Graded,
    Penalty,
    Pretext,
    Pretraining,
)
from cgan.data.pipeline import load_batches
from cgan.objectives.graded import Graded as Regression
from cgan.objectives.graded import apart
from cgan.objectives.outputs import NO_OUTPUT, BatchOutputs, PairedOutputs
from cgan.pretext import parts as pretext_parts
from cgan.pretext.step import PretextStep
from cgan.types import DiscriminatorOutput
from tests.protein_files import family

N, BATCH = 6, 8
RNG = np.random.default_rng(0)
TABLE = np.abs(np.subtract.outer(np.arange(4), np.arange(4))) / 3
CLASSES = np.array([0, 1, 2, 3, 1, 0])


def embeddings() -> np.ndarray:
    rows = RNG.normal(size=(N, 5))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def loss(distance: Any, rows: Any, log_scale: Any) -> Any:
    paired = PairedOutputs(DiscriminatorOutput(None, jnp.asarray(rows)), NO_OUTPUT)
    everyone, classes = jnp.arange(N), jnp.asarray(CLASSES)
    batch = BatchOutputs(paired, paired, everyone, everyone, classes=classes, whole_classes=classes)
    game = Regression(lambda: TABLE, distance)
    terms = game.discriminator_terms({"log_scale": jnp.asarray(log_scale)}, batch)
    assert game.generator_terms({}, batch) == {}
    return terms["regression"].mean()


@pytest.mark.parametrize("distance", ["euclidean", "squared"])
def test_the_loss_is_the_mean_over_pairs(distance: Any) -> None:
    rows, scale, total, pairs = embeddings(), 0.7, 0.0, 0
    for i in range(N):
        for j in range(N):
            if i != j:
                far = np.linalg.norm(rows[i] - rows[j]) ** (1 if distance == "euclidean" else 2)
                total += (scale * far - TABLE[CLASSES[i], CLASSES[j]]) ** 2
                pairs += 1
    found = loss(distance, rows, np.log(scale))
    assert float(found) == pytest.approx(total / pairs, rel=1e-5)


@pytest.mark.parametrize("distance", ["euclidean", "squared"])
def test_equal_embeddings_have_a_finite_gradient(distance: Any) -> None:
    rows = jnp.tile(jnp.eye(5)[:1], (N, 1))
    gradient = jax.grad(lambda rows: loss(distance, rows, 0.0))(rows)
    assert np.isfinite(np.asarray(gradient)).all()
    assert float(apart(rows, rows, distance).max()) == 0


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    pytest.importorskip("Bio")
    path = family(tmp_path_factory.mktemp("proteins") / "family.fasta")
    return Data("proteins", path=path, length=40)


def networks() -> dict[str, Any]:
    return {
        "generator": Generator("conv1d", latent_dim=4, width=2, depth=1),
        "discriminator": Discriminator("conv1d", width=2, depth=1, pairs=1),
        "batch_size": BATCH,
    }


of_splits = pytest.mark.parametrize(
    "splits",
    [
        pytest.param(((2, 4),), id="together"),
        pytest.param(((1, 4), (2, 1), (8, 1)), id="apart", marks=pytest.mark.slow),
    ],
)
"""Numbers of devices and of micro-batches."""
Splits = tuple[tuple[int, int], ...]


def states_after_a_step(parts: Any, make: Any, seed: int, splits: Splits) -> Any:
    """The state after a step of gradient descent: of one device with the whole batch, and split."""
    parts = parts._replace(optimizer=optax.sgd(0.1))
    batches = load_batches(parts.source, BATCH, seed, 0, 1)
    for devices, micro_batches in ((1, 1), *splits):
        used = jax.devices()[:devices]
        config = dataclasses.replace(parts.config, micro_batches=micro_batches)
        step = parallel.replicated_step(make(parts._replace(config=config)), used)
        state = parallel.replicate(parts.init_state(), used)
        after, outcome = step(state, parallel.shard(batches, used))
        yield parallel.fetch(after), parallel.fetch(outcome).metrics


def assert_all_close(states: Any, name: str) -> None:
    (first, metrics), *others = states
    for state, other in others:
        for attribute in ("discriminator", "learnt"):
            one, two = getattr(first, attribute), getattr(state, attribute)
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), one, two)
        np.testing.assert_allclose(metrics[name], other[name], rtol=1e-4)


@of_splits
def test_beside_a_gan_it_is_the_same_on_any_number_of_devices(data: Data, splits: Splits) -> None:
    config = Experiment(
        workdir=Path("run"),
        data=data,
        graded=Graded(weight=2.0, dimensions=4),
        penalty=Penalty(r1=0.0, r2=0.0),
        **networks(),
    )
    parts = assemble(config)
    make = lambda parts: parts.train_step(axis=parallel.DEVICES)  # noqa: E731
    assert_all_close(states_after_a_step(parts, make, 0, splits), "discriminator/graded/regression")


@of_splits
def test_as_a_pretext_it_is_the_same_on_any_number_of_devices(data: Data, splits: Splits) -> None:
    config = Pretraining(
        workdir=Path("run"),
        data=data,
        pretext=Pretext(task="graded", dimensions=4),
        augment=Augment(),
        **networks(),
    )
    parts = pretext_parts.assemble(config)
    make = lambda parts: PretextStep(parts, parallel.DEVICES)  # noqa: E731
    assert_all_close(states_after_a_step(parts, make, 0, splits), "pretext/explained")


def test_a_pretext_on_other_data_or_on_views_is_refused(data: Data) -> None:
    graded = {"pretext": Pretext(task="graded"), "workdir": Path("run")}
    with pytest.raises(ConfigError, match=r"^data.source = 'digits': must be a data set of prot"):
        Pretraining(data=Data("digits"), augment=Augment(), **graded)
    views = Augment(policy="substitutions", probability=0.1)
    with pytest.raises(ConfigError, match=r"^augment.policy = 'substitutions': must be one that"):
        Pretraining(data=data, augment=views, **graded)
