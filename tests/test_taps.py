"""Maps by the names of their taps, and heads on top of them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree import leaves as tree_leaves

from cgan import networks
from cgan.config import ConfigError
from cgan.types import present
from tests.backbones import PAIRS, experiment, randomized

KEY, ROWS, CLASSES, SHAPE = jax.random.key(0), 2, 3, (8, 8, 1)
LABELS = jnp.array([2, 0])
DISCRIMINATOR: dict[str, dict[str, tuple[int, ...]]] = {
    "mlp": {"layer_0": (8,), "trunk": (8,)},
    "conv": {"level_0": (8, 8, 4), "level_1": (4, 4, 8), "trunk": (128,)},
    "r3gan": {"level_0": (8, 8, 4), "level_1": (4, 4, 8), "trunk": (8,)},
    "sngan": {"level_0": (8, 8, 4), "level_1": (4, 4, 8), "trunk": (8,)},
    "stylegan2": {"level_0": (8, 8, 4), "level_1": (4, 4, 8), "trunk": (8,)},
}
GENERATOR: dict[str, dict[str, tuple[int, ...]]] = {
    "mlp": {"layer_0": (8,), "trunk": (8,), "samples": SHAPE},
    "conv": {"level_0": (4, 4, 8), "level_1": (8, 8, 4), "trunk": (8, 8, 4), "samples": SHAPE},
    "r3gan": {"level_0": (4, 4, 8), "level_1": (8, 8, 4), "trunk": (8, 8, 4), "samples": SHAPE},
    "sngan": {"level_0": (4, 4, 8), "level_1": (8, 8, 4), "trunk": (8, 8, 4), "samples": SHAPE},
    "stylegan2": {
        "styles": (6,),
        "level_0": (4, 4, 8),
        "level_1": (8, 8, 4),
        "trunk": (8, 8, 4),
        "samples": SHAPE,
    },
}
"""As docs/networks.md lists them, with the shapes of a row."""


def pair_of(architecture: str, precision: Any = "float32") -> tuple[networks.Networks, Any, Any]:
    config = experiment(architecture, precision=precision)
    pair = networks.build(config, SHAPE, CLASSES)
    shapes = jax.eval_shape(pair.init_generator, KEY), jax.eval_shape(pair.init_discriminator, KEY)
    generator, discriminator = (randomized(architecture, of) for of in shapes)
    return pair, generator, discriminator


def samples_and_latents() -> tuple[jax.Array, jax.Array]:
    return jax.random.normal(KEY, (ROWS, *SHAPE)), jax.random.normal(KEY, (ROWS, 6))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("architecture", PAIRS)
def test_each_architecture_has_the_taps_that_are_listed(architecture: str, precision: str) -> None:
    pair, generator, (params, stats) = pair_of(architecture, precision)
    samples, latents = samples_and_latents()

    def features(tap: str) -> Any:
        return jax.eval_shape(lambda: pair.features(params, stats, samples, tap=tap))

    def generator_features(tap: str) -> Any:
        return jax.eval_shape(lambda: pair.generator_features(generator, latents, LABELS, tap=tap))

    for find, listed in (
        (features, DISCRIMINATOR[architecture]),
        (generator_features, GENERATOR[architecture]),
    ):
        for tap, shape in listed.items():
            assert find(tap) == jax.ShapeDtypeStruct((ROWS, *shape), jnp.float32), tap
        known = ", ".join(listed)
        with pytest.raises(ConfigError, match=rf"^tap = 'level_9': must be one of {known}(\n|$)"):
            find("level_9")


@pytest.mark.parametrize("architecture", PAIRS)
def test_a_score_is_a_linear_map_of_the_trunks_features(architecture: str) -> None:
    pair, _, (params, _) = pair_of(architecture)
    stats: dict[str, Any] = {}
    config = experiment(architecture)
    if config.discriminator.spectral_norm:
        params, stats = jax.jit(pair.init_discriminator)(KEY)
        step = jax.jit(pair.update_stats)
        for _ in range(100):
            stats = step(params, stats)
    samples, _ = samples_and_latents()
    features = np.asarray(jax.jit(pair.features)(params, stats, samples), float)
    said = jax.jit(pair.discriminate)(params, stats, samples, LABELS)

    def kernel(name: str) -> np.ndarray:
        found = np.asarray(params["head"][name]["kernel"], float)
        return found / np.linalg.norm(found, 2) if config.discriminator.spectral_norm else found

    expected = features @ kernel("score")[:, 0]
    expected += np.sum(kernel("class_vectors")[np.asarray(LABELS)] * features, axis=1)
    np.testing.assert_allclose(present(said.score), expected, rtol=1e-3, atol=1e-4)
    vectors = features @ kernel("embedding")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(present(said.embedding), vectors, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("architecture", PAIRS)
def test_the_last_tap_of_a_generator_is_its_samples(architecture: str) -> None:
    pair, generator, _ = pair_of(architecture)
    _, latents = samples_and_latents()
    made = jax.jit(pair.generate)(generator, latents, LABELS)
    tapped = jax.jit(pair.generator_features, static_argnames="tap")(
        generator, latents, LABELS, tap="samples"
    )
    np.testing.assert_array_equal(made, tapped)


@pytest.mark.parametrize("architecture", PAIRS)
def test_parameters_are_named_after_trunk_and_head_and_never_numbered_by_class(
    architecture: str,
) -> None:
    _, generator, (params, _) = pair_of(architecture)
    for tree in (generator, params):
        assert set(tree) == ({"trunk"} if "rgb_0" in tree["trunk"] else {"trunk", "head"})
        for path, _ in jax.tree_util.tree_leaves_with_path(tree):
            assert not any(str(entry.key)[0].isupper() for entry in path), path


@pytest.mark.parametrize("architecture", PAIRS)
def test_levels_say_which_parameters_each_tap_depends_on(architecture: str) -> None:
    """By the slopes of its maps, none of which are 0 by chance in all of a parameter."""
    pair, _, (params, stats) = pair_of(architecture)
    samples, _ = samples_and_latents()
    assert [level.tap for level in pair.levels] == list(DISCRIMINATOR[architecture])[:-1]
    for number, level in enumerate(pair.levels, start=1):

        def size(params: Any, tap: str = level.tap) -> jax.Array:
            return jnp.sum(pair.features(params, stats, samples, tap=tap) ** 2)

        slopes = jax.device_get(jax.jit(jax.grad(size))(params))
        read = {name for name, of in slopes["trunk"].items() if any(map(np.any, tree_leaves(of)))}
        assert read == pair.frozen_groups(number) & params["trunk"].keys()
        assert pair.frozen_groups(number) <= params["trunk"].keys()
        assert not any(map(np.any, tree_leaves(slopes["head"])))
