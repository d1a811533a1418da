"""Networks: shapes, sizes, outputs against NumPy, and what an output on a sample depends on."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from cgan import networks
from cgan.config import (
    ConfigError,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Objective,
    Penalty,
)
from cgan.networks import Networks, architectures, count_parameters
from cgan.rng import row_keys, stream_key
from cgan.types import DiscriminatorOutput, present

KEY = jax.random.key(0)
POINT, GRAY, COLOR, WIDE = (2,), (8, 8, 1), (8, 8, 3), (8, 16, 3)


def build(
    shape: tuple[int, ...],
    generator: dict[str, Any] | None = None,
    discriminator: dict[str, Any] | None = None,
    dimensions: int = 0,
    score: bool = True,
) -> Networks:
    """A small pair; the discriminator has a score, an embedding of these dimensions, or both."""
    small: dict[str, Any] = {"width": 4, "depth": 2}
    config = Experiment(
        workdir=Path("runs/test"),
        generator=Generator(**small | {"latent_dim": 5} | (generator or {})),
        discriminator=Discriminator(**small | (discriminator or {})),
        objective=Objective(weight=1.0 if score else 0.0),
        embedding=Embedding(weight=1.0, dimensions=dimensions) if dimensions else Embedding(),
        penalty=Penalty() if score else Penalty(r1=0.0, r2=0.0),
    )
    pair = networks.build(config, shape)
    # Compiled whole: faster than operation by operation.
    return pair._replace(
        **{
            name: jax.jit(function, static_argnames="tap")
            if "features" in name
            else jax.jit(function)
            for name, function in pair._asdict().items()
            if callable(function)
        }
    )


def samples_of(shape: tuple[int, ...], n: int = 6) -> jax.Array:
    return jax.random.normal(jax.random.key(3), (n, *shape))


def randomized(shapes: Any, seed: int = 1, scale: float = 0.5) -> Any:
    """A tree of these shapes with every leaf random, biases too."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(scale=scale, size=leaf.shape), jnp.float32), shapes
    )


def generator_params(pair: Networks, scale: float = 0.5) -> Any:
    return randomized(jax.eval_shape(pair.init_generator, KEY), 1, scale)


def discriminator_variables(pair: Networks) -> tuple[Any, Any]:
    """Random parameters and stats."""
    return randomized(jax.eval_shape(pair.init_discriminator, KEY), 2)


def scores(pair: Networks, params: Any, stats_: Any, samples: jax.Array) -> jax.Array:
    return present(pair.discriminate(params, stats_, samples).score)


CONV, FOURIER = {"architecture": "conv"}, {"fourier_features": 3, "max_frequency": 4.0}
HIDDEN = CONV | {"depth": 1, "hidden_units": 6}
PATCHES = CONV | {"depth": 1, "patch_size": 2}
SNGAN = {"architecture": "sngan", "depth": 3, "max_width": 8, "attention": 4}
PAIRS = [
    pytest.param(POINT, {}, {}, id="points"),
    pytest.param(POINT, FOURIER, FOURIER, id="points-fourier"),
    pytest.param(POINT, {"latent_dim": 2, "residual": True}, {}, id="points-residual"),
    pytest.param(GRAY, {}, {"spectral_norm": True}, id="mlp-images-spectral"),
    pytest.param(COLOR, CONV | {"depth": 1}, CONV | {"depth": 1}, id="conv-shallow"),
    pytest.param(GRAY, CONV | {"depth": 3}, CONV | {"depth": 3}, id="conv-to-one-pixel"),
    pytest.param(WIDE, CONV, CONV | {"spectral_norm": True}, id="conv-not-square-spectral"),
    pytest.param(GRAY, HIDDEN, HIDDEN | {"spectral_norm": True}, id="conv-hidden-spectral"),
    pytest.param(COLOR, PATCHES, PATCHES, id="conv-patches"),
]


HEADS = [(0, True), (6, False), (6, True)]


@pytest.mark.parametrize(("dimensions", "score"), HEADS)
@pytest.mark.parametrize(("shape", "generator", "discriminator"), PAIRS)
def test_a_pair_makes_samples_and_outputs_of_the_right_shape(
    shape: tuple[int, ...],
    generator: dict[str, Any],
    discriminator: dict[str, Any],
    dimensions: int,
    score: bool,
) -> None:
    pair = build(shape, generator, discriminator, dimensions, score)
    params = jax.eval_shape(pair.init_generator, KEY)
    d_params, stats_ = jax.eval_shape(pair.init_discriminator, KEY)
    latents = jax.eval_shape(pair.draw_latents, row_keys(KEY, jnp.arange(3)))
    assert latents.shape == (3, generator.get("latent_dim", 5))
    samples = jax.eval_shape(pair.generate, params, latents)
    assert samples.shape == (3, *shape)
    assert samples.dtype == jnp.float32
    output = jax.eval_shape(pair.discriminate, d_params, stats_, samples)
    float32 = jnp.dtype("float32")
    assert output == DiscriminatorOutput(
        score=jax.ShapeDtypeStruct((3,), float32) if score else None,
        embedding=jax.ShapeDtypeStruct((3, dimensions), float32) if dimensions else None,
    )
    assert bool(stats_) == discriminator.get("spectral_norm", False)


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_images_stay_in_range_however_large_the_weights_are(architecture: str) -> None:
    pair = build(COLOR, {"architecture": architecture})
    samples = np.asarray(pair.generate(generator_params(pair, scale=30), samples_of((5,))))
    assert np.abs(samples).max() <= 1
    assert np.abs(samples).max() > 0.9


def test_points_are_not_squashed() -> None:
    pair = build(POINT)
    samples = np.asarray(pair.generate(generator_params(pair, scale=30), samples_of((5,))))
    assert np.abs(samples).max() > 100


@pytest.mark.parametrize(
    ("shape", "generator", "count"),
    [
        # 5 -> 4 -> 4 -> 2
        (POINT, {}, (5 + 1) * 4 + (4 + 1) * 4 + (4 + 1) * 2),
        # 5 and 3 sines and 3 cosines -> 4 -> 4 -> 2
        (POINT, FOURIER, (5 + 3 + 3 + 1) * 4 + (4 + 1) * 4 + (4 + 1) * 2),
        # 5 -> 7 -> 192
        (COLOR, {"width": 7, "depth": 1}, (5 + 1) * 7 + (7 + 1) * 192),
        # 5 -> 2x2x16; 16 -> 4x8, conv 8 -> 8; 8 -> 4x4, conv 4 -> 4; conv 4 -> 1
        (GRAY, CONV, 6 * 64 + 17 * 32 + 73 * 8 + 9 * 16 + 37 * 4 + 37 * 1),
        # 5 -> 4x8x8; 8 -> 4x4, conv 4 -> 4; conv 4 -> 3
        (WIDE, CONV | {"depth": 1}, 6 * 256 + 9 * 16 + 37 * 4 + 37 * 3),
    ],
)
def test_generators_have_as_many_parameters_as_counted_by_hand(
    shape: tuple[int, ...], generator: dict[str, Any], count: int
) -> None:
    assert count_parameters(generator_params(build(shape, generator))) == count


@pytest.mark.parametrize("spectral_norm", [False, True])
@pytest.mark.parametrize(
    ("shape", "discriminator", "count"),
    [
        # 2 -> 4 -> 4 -> 1
        (POINT, {}, (2 + 1) * 4 + (4 + 1) * 4 + 4),
        # 2 and 3 sines and 3 cosines -> 4 -> 4 -> 1
        (POINT, FOURIER, (2 + 3 + 3 + 1) * 4 + (4 + 1) * 4 + 4),
        # conv 1 -> 4; conv 4 -> 4, 4x4 -> 8; conv 8 -> 8, 4x8 -> 16; 2x2x16 -> 1
        (GRAY, CONV, 10 * 4 + 37 * 4 + 17 * 8 + 73 * 8 + 33 * 16 + 64),
        # conv 3 -> 4; conv 4 -> 4, 4x4 -> 8; 4x8x8 -> 1
        (WIDE, CONV | {"depth": 1}, 28 * 4 + 37 * 4 + 17 * 8 + 256),
    ],
)
def test_discriminators_have_as_many_parameters_as_counted_by_hand(
    shape: tuple[int, ...], discriminator: dict[str, Any], count: int, spectral_norm: bool
) -> None:
    pair = build(shape, None, discriminator | {"spectral_norm": spectral_norm})
    params, _ = discriminator_variables(pair)
    assert count_parameters(params) == count
    embedding = (
        count_parameters(params["head"]["score"]) * 6
    )  # as long a row of weights for each output
    for score, expected in [(True, count + embedding), (False, count + embedding * 5 // 6)]:
        pair = build(shape, None, discriminator | {"spectral_norm": spectral_norm}, 6, score)
        assert count_parameters(discriminator_variables(pair)[0]) == expected


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def test_an_mlp_pair_computes_what_numpy_computes() -> None:
    pair = build(GRAY, dimensions=3)
    generator, (discriminator, _) = generator_params(pair), discriminator_variables(pair)

    def forward(params: Any, x: np.ndarray, last: str) -> np.ndarray:
        hidden = [params["trunk"][name] for name in ("layer_0", "layer_1")]
        denses = [*hidden, params["head"][last]]
        w = [np.asarray(dense["kernel"], float) for dense in denses]
        b = [np.asarray(dense.get("bias", 0), float) for dense in denses]
        return leaky(leaky(x @ w[0] + b[0]) @ w[1] + b[1]) @ w[2] + b[2]

    latents = samples_of((5,))
    samples = np.asarray(pair.generate(generator, latents))
    painted = forward(generator, np.asarray(latents, float), "out")
    np.testing.assert_allclose(samples, np.tanh(painted).reshape(-1, 8, 8, 1), rtol=1e-5, atol=1e-6)
    output = pair.discriminate(discriminator, {}, jnp.asarray(samples))
    flat = samples.reshape(-1, 64).astype(float)
    score = forward(discriminator, flat, "score")[:, 0]
    np.testing.assert_allclose(np.asarray(output.score), score, rtol=1e-4, atol=1e-5)
    vectors = forward(discriminator, flat, "embedding")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(output.embedding), vectors, rtol=1e-4, atol=1e-5)


def test_a_residual_generator_adds_its_latents_to_the_plain_one() -> None:
    plain = build(POINT, {"latent_dim": 2} | FOURIER)
    residual = build(POINT, {"latent_dim": 2, "residual": True} | FOURIER)
    params, latents = generator_params(plain), samples_of((2,))
    np.testing.assert_allclose(
        np.asarray(residual.generate(params, latents)),
        np.asarray(latents) + np.asarray(plain.generate(params, latents)),
        rtol=1e-6,
        atol=1e-6,
    )


def dense(params: Any, x: np.ndarray) -> np.ndarray:
    """A dense layer and a leaky ReLU, in NumPy."""
    y = x @ np.asarray(params["kernel"], np.float64) + np.asarray(params["bias"], np.float64)
    return np.where(y > 0, y, 0.2 * y)


def test_hidden_units_stand_between_the_coarsest_map_and_what_is_beside_it() -> None:
    pair = build(GRAY, HIDDEN, HIDDEN)
    params, (d_params, stats_) = generator_params(pair), discriminator_variables(pair)
    latents, samples = np.asarray(samples_of((5,))), samples_of(GRAY)
    hidden = dense(params["trunk"]["hidden"], latents)
    coarsest = dense(params["trunk"]["start"], hidden).reshape(-1, 4, 4, 8)
    made = pair.generator_features(params, latents, tap="level_0")
    np.testing.assert_allclose(made, coarsest, rtol=1e-4, atol=1e-5)

    maps = np.asarray(pair.features(d_params, stats_, samples, tap="level_1"))
    units = dense(d_params["trunk"]["hidden"], maps.reshape(len(maps), -1))
    for tap in ("hidden", "trunk"):
        said = pair.features(d_params, stats_, samples, tap=tap)
        np.testing.assert_allclose(said, units, rtol=1e-4, atol=1e-5)
    assert [level.tap for level in pair.levels] == ["level_0", "level_1", "hidden"]
    assert {group for level in pair.levels for group in level.groups} == set(d_params["trunk"])


def squares(images: np.ndarray, side: int) -> np.ndarray:
    """Images whose channels are the pixels of squares of this side, row by row, in NumPy."""
    rows = [images[:, row::side, column::side] for row, column in np.ndindex(side, side)]
    return np.concatenate(rows, axis=-1)


def test_networks_of_patches_are_those_of_images_whose_channels_are_the_squares_pixels() -> None:
    whole, deep = (8, 12, 3), (4, 6, 12)
    pair = build(whole, PATCHES, PATCHES)
    alone = PATCHES | {"patch_size": 1}
    of_squares = build(deep, alone, alone)
    params, (d_params, stats_) = generator_params(pair), discriminator_variables(pair)
    latents, samples = samples_of((5,)), samples_of(whole)
    made = squares(np.asarray(pair.generate(params, latents)), 2)
    np.testing.assert_allclose(made, of_squares.generate(params, latents), rtol=1e-5, atol=1e-6)
    said = scores(of_squares, d_params, stats_, jnp.asarray(squares(np.asarray(samples), 2)))
    np.testing.assert_allclose(scores(pair, d_params, stats_, samples), said, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "settings", "refused"),
    [
        ((7, 8, 1), {}, r"generator.architecture = 'conv': images of 7x8 .* must be 'mlp'"),
        ((28, 28, 1), {"patch_size": 4}, r"patch_size = 4: .* must be one of 1, 2, 7, 14$"),
        ((28, 28, 1), {"patch_size": 3}, r"patch_size = 3: .* must be one of 1, 2, 7, 14$"),
        ((28, 28, 1), {"patch_size": 2, "depth": 2}, r"depth = 2: .* must be at most 1$"),
        ((28, 28, 1), {"depth": 3}, r"depth = 3: images of 28x28 can't .* must be at most 2$"),
    ],
)
def test_images_that_can_not_be_halved_so_often_are_refused_with_what_can(
    shape: tuple[int, ...], settings: dict[str, int], refused: str
) -> None:
    config = Generator(**(CONV | {"depth": 1} | settings))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=refused):
        architectures.check_fits("generator", config, shape)


SCORERS = [
    pytest.param(POINT, {}, id="mlp"),
    pytest.param(POINT, FOURIER | {"spectral_norm": True}, id="mlp-fourier-spectral"),
    pytest.param(GRAY, CONV | {"depth": 1}, id="conv"),
    pytest.param(GRAY, CONV | {"depth": 1, "spectral_norm": True}, id="conv-spectral"),
    pytest.param(GRAY, HIDDEN, id="conv-hidden"),
]


@pytest.mark.parametrize(("shape", "discriminator"), SCORERS)
def test_an_output_does_not_depend_on_the_other_samples(
    shape: tuple[int, ...], discriminator: dict[str, Any]
) -> None:
    pair = build(shape, None, discriminator, dimensions=3)
    (params, stats_), samples = discriminator_variables(pair), samples_of(shape, 3)

    def outputs(x: jax.Array) -> jax.Array:
        output = pair.discriminate(params, stats_, x)
        return jnp.column_stack([present(output.score), present(output.embedding)])

    slopes = np.abs(np.asarray(jax.jit(jax.jacrev(outputs))(samples)))
    size = slopes.reshape(3, 4, 3, -1).max(axis=-1).transpose(1, 0, 2)
    np.testing.assert_array_equal(size[:, ~np.eye(3, dtype=bool)], 0)
    assert size.diagonal(axis1=1, axis2=2).min() > 0
    alone = [outputs(samples[i : i + 1])[0] for i in range(3)]
    together = np.asarray(outputs(samples))
    np.testing.assert_allclose(together, np.asarray(alone), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("spectral_norm", [False, True])
@pytest.mark.parametrize(("dimensions", "score"), HEADS)
def test_no_head_has_a_bias_and_each_has_its_own_spectral_norm(
    dimensions: int, score: bool, spectral_norm: bool
) -> None:
    pair = build(GRAY, None, CONV | {"spectral_norm": spectral_norm}, dimensions, score)
    params, stats_ = jax.eval_shape(pair.init_discriminator, KEY)
    heads = {name for name, made in [("score", score), ("embedding", dimensions)] if made}
    assert set(params["head"]) == heads
    assert all(set(params["head"][head]) == {"kernel"} for head in heads)

    def paths(tree: Any, kind: str) -> list[str]:
        found = [jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(tree)]
        return [path for path in found if kind in path]

    kernels, sigmas = paths(params, "kernel"), paths(stats_, "sigma")
    assert len(sigmas) == (len(kernels) if spectral_norm else 0)
    for head in heads:
        assert len([path for path in sigmas if f"{head}/kernel" in path]) == spectral_norm


@pytest.mark.parametrize("spectral_norm", [False, True])
@pytest.mark.parametrize(("shape", "discriminator"), [(POINT, FOURIER), (GRAY, CONV)])
def test_embeddings_are_unit_vectors(
    shape: tuple[int, ...], discriminator: dict[str, Any], spectral_norm: bool
) -> None:
    pair = build(shape, None, discriminator | {"spectral_norm": spectral_norm}, dimensions=5)
    (params, stats_), samples = discriminator_variables(pair), samples_of(shape, 20)
    embedding = np.asarray(pair.discriminate(params, stats_, samples).embedding)
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, rtol=1e-5)
    assert len(np.unique(embedding, axis=0)) == 20


def test_a_second_head_leaves_the_rest_as_it_was() -> None:
    alone, both = build(POINT), build(POINT, dimensions=4)
    (params, _), (more, _) = alone.init_discriminator(KEY), both.init_discriminator(KEY)
    del more["head"]["embedding"]
    jax.tree.map(np.testing.assert_array_equal, more, params)


def test_features_of_zero_have_no_direction_and_finite_gradients() -> None:
    """Where all features vanish: a sample of zeros, and no biases."""
    pair = build(POINT, dimensions=4)
    params, stats_ = pair.init_discriminator(KEY)
    zero = jnp.zeros((2, 2))

    def total(params: Any, samples: jax.Array) -> jax.Array:
        return jnp.sum(present(pair.discriminate(params, stats_, samples).embedding))

    assert total(params, zero) == 0
    for slope in jax.tree.leaves(jax.jit(jax.grad(total, argnums=(0, 1)))(params, zero)):
        assert np.isfinite(np.asarray(slope)).all()


@pytest.mark.parametrize(
    ("shape", "discriminator"),
    [
        (POINT, FOURIER | {"depth": 3}),
        (GRAY, CONV | {"depth": 1}),
        pytest.param(GRAY, SNGAN, marks=pytest.mark.slow),
    ],
)
def test_spectral_norm_divides_every_kernel_by_its_largest_singular_value(
    shape: tuple[int, ...], discriminator: dict[str, Any]
) -> None:
    plain = build(shape, None, discriminator, dimensions=3)
    normed = build(shape, None, discriminator | {"spectral_norm": True}, dimensions=3)
    params, stats_ = discriminator_variables(normed)
    step = jax.jit(normed.update_stats)
    for _ in range(300):
        stats_ = step(params, stats_)

    def divide(leaf: jax.Array) -> np.ndarray:
        kernel = np.asarray(leaf, float)
        if kernel.ndim == 2:
            kernel = kernel / np.linalg.svd(kernel, compute_uv=False)[0]
        return kernel.astype(np.float32)

    divided = jax.tree.map(divide, params)
    assert jax.tree.structure(divided) == jax.tree.structure(discriminator_variables(plain)[0])
    samples = samples_of(shape)
    expected = plain.discriminate(jax.tree.map(jnp.asarray, divided), {}, samples)
    found = normed.discriminate(params, stats_, samples)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-4, atol=1e-5)
    undivided = scores(plain, params, {}, samples)
    assert np.abs(np.asarray(expected.score) - np.asarray(undivided)).max() > 1e-2


def test_the_gradient_goes_through_the_singular_value() -> None:
    """A kernel's length changes nothing, so the gradient has no part along the kernel."""
    pair = build(POINT, None, {"spectral_norm": True})
    params, stats_ = discriminator_variables(pair)
    step = jax.jit(pair.update_stats)
    for _ in range(300):
        stats_ = step(params, stats_)
    samples = samples_of(POINT)
    loss = jax.jit(jax.grad(lambda p: jnp.square(scores(pair, p, stats_, samples)).mean()))
    slopes = loss(params)
    kernels = {"layer_0": "trunk", "layer_1": "trunk", "score": "head"}
    for name, part in kernels.items():
        kernel, slope = (np.asarray(tree[part][name]["kernel"]) for tree in (params, slopes))
        size = np.linalg.norm(kernel) * np.linalg.norm(slope)
        assert size > 1e-3
        assert abs((kernel * slope).sum()) < 1e-3 * size


def test_stats_move_only_where_they_are_updated() -> None:
    pair = build(POINT, None, {"spectral_norm": True})
    params, stats_ = discriminator_variables(pair)
    before = jax.tree.map(np.asarray, stats_)
    pair.discriminate(params, stats_, samples_of(POINT))
    jax.tree.map(np.testing.assert_array_equal, before, jax.tree.map(np.asarray, stats_))
    after = jax.tree.map(np.asarray, pair.update_stats(params, stats_))
    assert jax.tree.structure(after) == jax.tree.structure(before)
    moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, after)
    assert any(jax.tree.leaves(moved))


def test_without_spectral_norm_there_are_no_stats() -> None:
    pair = build(GRAY, None, CONV)
    params, stats_ = discriminator_variables(pair)
    assert stats_ == {}
    assert pair.update_stats(params, stats_) == {}


@pytest.mark.parametrize(
    ("latent", "distribution"),
    [("normal", stats.norm()), ("uniform", stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)))],
)
def test_latents_follow_their_distribution_with_mean_zero_and_variance_one(
    latent: str, distribution: Any
) -> None:
    n = 5000
    pair = build(POINT, {"latent": latent, "latent_dim": 4})
    latents = np.asarray(
        pair.draw_latents(row_keys(stream_key(0, "latents"), jnp.arange(n))), float
    )
    assert latents.shape == (n, 4)
    assert distribution.std() == pytest.approx(1)
    assert np.abs(latents.mean(axis=0)).max() < 5 / np.sqrt(n)
    np.testing.assert_allclose(latents.var(axis=0), 1, atol=0.1)
    assert np.abs(np.corrcoef(latents.T) - np.eye(4)).max() < 5 / np.sqrt(n)
    for coordinate in latents.T:
        assert stats.kstest(coordinate, distribution.cdf).pvalue > 1e-4


def test_a_row_of_latents_does_not_depend_on_the_other_rows() -> None:
    pair = build(POINT)
    keys = row_keys(KEY, jnp.arange(8))
    whole = np.asarray(pair.draw_latents(keys))
    np.testing.assert_array_equal(np.asarray(pair.draw_latents(keys[5:6])), whole[5:6])
    assert len(np.unique(whole, axis=0)) == 8


@pytest.mark.parametrize(
    ("shape", "generator", "discriminator", "message"),
    [
        (POINT, CONV, {}, r"generator\.architecture = 'conv': .*\(2,\); must be 'mlp'"),
        (POINT, {}, CONV, r"discriminator\.architecture = 'conv': .*\(2,\); must be 'mlp'"),
        (GRAY, CONV | {"depth": 4}, {}, r"generator\.depth = 4: .*8x8 .* must be at most 3"),
        (WIDE, {}, CONV | {"depth": 4}, r"discriminator\.depth = 4: .*8x16 .* must be at most 3"),
        ((12, 20, 3), CONV | {"depth": 3}, {}, r"generator\.depth = 3: .* must be at most 2"),
        (POINT, {"residual": True}, {}, r"generator\.residual = True: .*\(2,\).*latent_dim is 5"),
        (GRAY, {"residual": True}, {}, r"generator\.residual = True: .*\(8, 8, 1\)"),
    ],
)
def test_an_architecture_that_does_not_fit_the_samples_is_refused(
    shape: tuple[int, ...],
    generator: dict[str, Any],
    discriminator: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        build(shape, generator, discriminator)
