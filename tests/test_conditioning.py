"""Class labels in the networks, against NumPy, and the settings of labels that are refused."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan import networks
from cgan.config import (
    Conditioning,
    ConfigError,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
)
from cgan.data import EMBEDDED as SOURCES
from cgan.networks import Networks
from cgan.training import loop
from cgan.types import present
from tests.unchecked import assert_refused, make

KEY = jax.random.key(0)
POINT, GRAY = (2,), (8, 8, 1)
CLASSES, DIMENSIONS, LATENT_DIM = 3, 6, 5
LABELS = jnp.array([2, 0, 1, 2])
SHAPES = [
    pytest.param(POINT, {}, id="points"),
    pytest.param(POINT, {"fourier_features": 3}, id="points-fourier"),
    pytest.param(GRAY, {"architecture": "conv"}, id="conv"),
]


def build(
    shape: tuple[int, ...],
    settings: dict[str, Any] | None = None,
    classes: int = CLASSES,
    dimensions: int = 0,
    spectral_norm: bool = False,
) -> Networks:
    small: dict[str, Any] = {"width": 4, "depth": 2} | (settings or {})
    config = Experiment(
        workdir=Path("unused"),
        generator=Generator(**small, latent_dim=LATENT_DIM),
        discriminator=Discriminator(**small, spectral_norm=spectral_norm),
        embedding=Embedding(weight=1.0, dimensions=dimensions) if dimensions else Embedding(),
        conditioning=Conditioning(labels=classes > 0, dimensions=DIMENSIONS if classes else 32),
    )
    return networks.build(config, shape, classes)


def randomized(tree: Any, seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape), jnp.float32), tree)


def variables(pair: Networks) -> tuple[Any, Any, Any]:
    """Random parameters of both networks, and stats."""
    generator = jax.eval_shape(pair.init_generator, KEY)
    discriminator, stats = jax.eval_shape(pair.init_discriminator, KEY)
    return randomized(generator), randomized(discriminator, 2), randomized(stats, 3)


def some(*shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(3), shape)


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def test_the_score_is_the_projection_that_numpy_computes() -> None:
    """Miyato & Koyama 2018, eq. 3: `y^T V phi(x) + psi(phi(x))`, with `psi` linear."""
    pair = build(POINT, dimensions=3)
    _, params, stats = variables(pair)
    samples = some(4, 2)
    x = np.asarray(samples, float)
    for name in ("layer_0", "layer_1"):
        layer = params["trunk"][name]
        x = leaky(x @ np.asarray(layer["kernel"], float) + np.asarray(layer["bias"], float))
    classes = np.eye(CLASSES)[np.asarray(LABELS)]
    projected = np.sum(
        classes @ np.asarray(params["head"]["class_vectors"]["kernel"], float) * x, axis=1
    )
    expected = x @ np.asarray(params["head"]["score"]["kernel"], float)[:, 0] + projected
    said = pair.discriminate(params, stats, samples, LABELS)
    np.testing.assert_allclose(np.asarray(said.score), expected, rtol=1e-4, atol=1e-5)
    other = pair.discriminate(params, stats, samples, (LABELS + 1) % CLASSES)
    assert np.abs(np.asarray(other.score) - expected).min() > 1e-3
    np.testing.assert_array_equal(np.asarray(other.embedding), np.asarray(said.embedding))


def test_the_generator_has_the_vector_of_the_class_beside_the_latents() -> None:
    pair = build(POINT)
    params, _, _ = variables(pair)
    latents = some(4, LATENT_DIM)
    vectors = np.asarray(params["trunk"]["class_vectors"]["kernel"], float)[np.asarray(LABELS)]
    x = np.concatenate([np.asarray(latents, float), vectors], axis=1)
    for number in range(3):
        layer = params["trunk"][f"layer_{number}"] if number < 2 else params["head"]["out"]
        x = x @ np.asarray(layer["kernel"], float) + np.asarray(layer["bias"], float)
        x = leaky(x) if number < 2 else x
    found = np.asarray(pair.generate(params, latents, LABELS))
    np.testing.assert_allclose(found, x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("shape", "settings"), SHAPES)
def test_without_classes_networks_are_those_without_labels_bit_for_bit(
    shape: tuple[int, ...], settings: dict[str, Any]
) -> None:
    """With a class's vector of zeros too: labels add to the networks and change nothing else."""
    plain, conditional = build(shape, settings, classes=0), build(shape, settings)
    generator, discriminator, _ = variables(plain)
    more_generator, more_discriminator, _ = variables(conditional)
    assert "class_vectors" not in {*generator["trunk"], *discriminator["head"]}
    assert set(more_generator["trunk"]) - set(generator["trunk"]) == {"class_vectors"}
    assert set(more_discriminator["head"]) - set(discriminator["head"]) == {"class_vectors"}
    layer = "start" if settings.get("architecture") == "conv" else "layer_0"
    first = generator["trunk"][layer]
    added = jnp.zeros((DIMENSIONS, first["kernel"].shape[1]))
    blind_trunk = generator["trunk"] | {
        layer: first | {"kernel": jnp.concatenate([first["kernel"], added])},
        "class_vectors": more_generator["trunk"]["class_vectors"],
    }
    blind_generator = generator | {"trunk": blind_trunk}
    zeros = jax.tree.map(jnp.zeros_like, more_discriminator["head"]["class_vectors"])
    blind_head = discriminator["head"] | {"class_vectors": zeros}
    samples = some(4, *shape)
    expected = present(plain.discriminate(discriminator, {}, samples).score)
    blind = conditional.discriminate(discriminator | {"head": blind_head}, {}, samples, LABELS)
    np.testing.assert_array_equal(np.asarray(blind.score), np.asarray(expected))
    latents = some(4, LATENT_DIM)
    np.testing.assert_allclose(
        np.asarray(conditional.generate(blind_generator, latents, LABELS)),
        np.asarray(plain.generate(generator, latents)),
        rtol=1e-5,
        atol=1e-6,
    )
    # The discriminator's other parameters start as they do without labels.
    started, _ = conditional.init_discriminator(KEY)
    del started["head"]["class_vectors"]
    jax.tree.map(np.testing.assert_array_equal, started, plain.init_discriminator(KEY)[0])


def test_spectral_norm_divides_the_class_vectors_too() -> None:
    plain, normed = build(POINT), build(POINT, spectral_norm=True)
    _, params, stats = variables(normed)
    step = jax.jit(normed.update_stats)
    for _ in range(200):
        stats = step(params, stats)

    def divide(leaf: jax.Array) -> jax.Array:
        return leaf / np.linalg.svd(leaf, compute_uv=False)[0] if leaf.ndim == 2 else leaf

    divided = jax.tree.map(divide, params)
    samples = some(4, 2)
    np.testing.assert_allclose(
        np.asarray(normed.discriminate(params, stats, samples, LABELS).score),
        np.asarray(plain.discriminate(divided, {}, samples, LABELS).score),
        rtol=1e-4,
        atol=1e-5,
    )


def test_a_network_with_classes_does_not_work_without_labels() -> None:
    pair = build(POINT)
    generator, discriminator, stats = variables(pair)
    with pytest.raises(TypeError, match="needs labels"):
        pair.generate(generator, some(4, LATENT_DIM))
    with pytest.raises(TypeError, match="needs labels"):
        pair.discriminate(discriminator, stats, some(4, 2))


LABELED = {"conditioning.labels": True}
SAME = LABELED | {"conditioning.compare": "same_class"}
ALONE = {
    "objective.weight": 0.0,
    "embedding.weight": 1.0,
    "penalty.r1": 0.0,
    "penalty.r2": 0.0,
}


@pytest.mark.parametrize(
    ("settings", "name", "expected"),
    [
        (
            {"conditioning.compare": "same_class"},
            "conditioning.compare",
            "'all' with conditioning.labels = False, which does not use it",
        ),
        (
            {"conditioning.dimensions": 8},
            "conditioning.dimensions",
            "32 with conditioning.labels = False, which does not use it",
        ),
        (
            SAME | {"objective.loss": "hinge"},
            "conditioning.compare",
            "'all' with objective.loss = 'hinge', which does not use it",
        ),
        (
            LABELED | ALONE,
            "conditioning.compare",
            "'same_class' with objective.weight = 0: the embedding sees no labels",
        ),
    ],
)
def test_settings_that_nothing_would_use_are_refused(
    settings: dict[str, Any], name: str, expected: str
) -> None:
    assert_refused(settings, name, expected)


def test_settings_that_fit_are_accepted() -> None:
    for settings in (LABELED, SAME, SAME | ALONE, LABELED | {"objective.loss": "hinge"}):
        make(settings)
    make(SAME | {"objective.loss": "hinge", "embedding.weight": 1.0})


def test_data_without_classes_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SOURCES["ring8"]("train")
    monkeypatch.setattr(type(source), "class_names", property(lambda self: []))
    config = Experiment(tmp_path / "run", Data("ring8"), Conditioning(labels=True))
    message = r"^conditioning\.labels = True: must be false with data\.source = 'ring8', which has"
    with pytest.raises(ConfigError, match=message):
        loop.train(config)
    assert list(tmp_path.iterdir()) == []
