"""Networks: shapes, sizes, layers against NumPy and SciPy, and what a sample's score depends on."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal, stats

from cgan import networks
from cgan.config import ConfigError, Discriminator, Experiment, Generator
from cgan.networks import Networks, count_parameters, layers
from cgan.rng import row_keys, stream_key

KEY = jax.random.key(0)
POINT, GREY, COLOUR, WIDE = (2,), (8, 8, 1), (8, 8, 3), (8, 16, 3)


def build(
    shape: tuple[int, ...],
    generator: dict[str, Any] | None = None,
    discriminator: dict[str, Any] | None = None,
) -> Networks:
    small: dict[str, Any] = {"width": 4, "depth": 2}
    config = Experiment(
        workdir=Path("runs/test"),
        generator=Generator(**small | {"latent_dim": 5} | (generator or {})),
        discriminator=Discriminator(**small | (discriminator or {})),
    )
    pair = networks.build(config, shape)
    # Compiled whole: faster than operation by operation.
    return Networks(*(jax.jit(function) for function in pair))


def samples_of(shape: tuple[int, ...], n: int = 6) -> jax.Array:
    return jax.random.normal(jax.random.key(3), (n, *shape))


def randomised(shapes: Any, seed: int = 1, scale: float = 0.5) -> Any:
    """A tree of these shapes with every leaf random, biases too."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(scale=scale, size=leaf.shape), jnp.float32), shapes
    )


def generator_params(pair: Networks, scale: float = 0.5) -> Any:
    return randomised(jax.eval_shape(pair.init_generator, KEY), 1, scale)


def discriminator_variables(pair: Networks) -> tuple[Any, Any]:
    """Random parameters and stats."""
    return randomised(jax.eval_shape(pair.init_discriminator, KEY), 2)


CONV, FOURIER = {"architecture": "conv"}, {"fourier_features": 3, "max_frequency": 4.0}
PAIRS = [
    pytest.param(POINT, {}, {}, id="points"),
    pytest.param(POINT, FOURIER, FOURIER, id="points-fourier"),
    pytest.param(POINT, {"latent_dim": 2, "residual": True}, {}, id="points-residual"),
    pytest.param(GREY, {}, {"spectral_norm": True}, id="mlp-images-spectral"),
    pytest.param(COLOUR, CONV | {"depth": 1}, CONV | {"depth": 1}, id="conv-shallow"),
    pytest.param(GREY, CONV | {"depth": 3}, CONV | {"depth": 3}, id="conv-to-one-pixel"),
    pytest.param(WIDE, CONV, CONV | {"spectral_norm": True}, id="conv-not-square-spectral"),
]


@pytest.mark.parametrize(("shape", "generator", "discriminator"), PAIRS)
def test_a_pair_makes_samples_and_scores_of_the_right_shape(
    shape: tuple[int, ...], generator: dict[str, Any], discriminator: dict[str, Any]
) -> None:
    pair = build(shape, generator, discriminator)
    params = jax.eval_shape(pair.init_generator, KEY)
    d_params, stats_ = jax.eval_shape(pair.init_discriminator, KEY)
    latents = jax.eval_shape(pair.draw_latents, row_keys(KEY, jnp.arange(3)))
    assert latents.shape == (3, generator.get("latent_dim", 5))
    samples = jax.eval_shape(pair.generate, params, latents)
    assert samples.shape == (3, *shape)
    assert samples.dtype == jnp.float32
    scores = jax.eval_shape(pair.score, d_params, stats_, samples)
    assert scores.shape == (3,)
    assert scores.dtype == jnp.float32
    assert bool(stats_) == discriminator.get("spectral_norm", False)


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_images_stay_in_range_however_large_the_weights_are(architecture: str) -> None:
    pair = build(COLOUR, {"architecture": architecture})
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
        (COLOUR, {"width": 7, "depth": 1}, (5 + 1) * 7 + (7 + 1) * 192),
        # 5 -> 2x2x16; 16 -> 4x8, conv 8 -> 8; 8 -> 4x4, conv 4 -> 4; conv 4 -> 1
        (GREY, CONV, 6 * 64 + 17 * 32 + 73 * 8 + 9 * 16 + 37 * 4 + 37 * 1),
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
        (GREY, CONV, 10 * 4 + 37 * 4 + 17 * 8 + 73 * 8 + 33 * 16 + 64),
        # conv 3 -> 4; conv 4 -> 4, 4x4 -> 8; 4x8x8 -> 1
        (WIDE, CONV | {"depth": 1}, 28 * 4 + 37 * 4 + 17 * 8 + 256),
    ],
)
def test_discriminators_have_as_many_parameters_as_counted_by_hand(
    shape: tuple[int, ...], discriminator: dict[str, Any], count: int, spectral_norm: bool
) -> None:
    pair = build(shape, None, discriminator | {"spectral_norm": spectral_norm})
    assert count_parameters(discriminator_variables(pair)[0]) == count


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def test_an_mlp_pair_computes_what_numpy_computes() -> None:
    pair = build(GREY)
    generator, (discriminator, _) = generator_params(pair), discriminator_variables(pair)

    def forward(params: Any, x: np.ndarray) -> np.ndarray:
        denses = [params[f"Dense_{number}"] for number in range(3)]
        w = [np.asarray(dense["kernel"], float) for dense in denses]
        b = [np.asarray(dense.get("bias", 0), float) for dense in denses]
        return leaky(leaky(x @ w[0] + b[0]) @ w[1] + b[1]) @ w[2] + b[2]

    latents = samples_of((5,))
    samples = np.asarray(pair.generate(generator, latents))
    expected = np.tanh(forward(generator, np.asarray(latents, float))).reshape(-1, 8, 8, 1)
    np.testing.assert_allclose(samples, expected, rtol=1e-5, atol=1e-6)
    scores = np.asarray(pair.score(discriminator, {}, jnp.asarray(samples)))
    np.testing.assert_allclose(
        scores, forward(discriminator, expected.reshape(-1, 64))[:, 0], rtol=1e-4, atol=1e-5
    )


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


SCORERS = [
    pytest.param(POINT, {}, id="mlp"),
    pytest.param(POINT, FOURIER | {"spectral_norm": True}, id="mlp-fourier-spectral"),
    pytest.param(GREY, CONV | {"depth": 1}, id="conv"),
    pytest.param(GREY, CONV | {"depth": 1, "spectral_norm": True}, id="conv-spectral"),
]


@pytest.mark.parametrize(("shape", "discriminator"), SCORERS)
def test_a_score_does_not_depend_on_the_other_samples(
    shape: tuple[int, ...], discriminator: dict[str, Any]
) -> None:
    pair = build(shape, None, discriminator)
    (params, stats_), samples = discriminator_variables(pair), samples_of(shape, 3)
    slopes = jax.jit(jax.jacrev(lambda x: pair.score(params, stats_, x)))(samples)
    size = np.abs(np.asarray(slopes)).reshape(3, 3, -1).max(axis=-1)
    np.testing.assert_array_equal(size[~np.eye(3, dtype=bool)], 0)
    assert size.diagonal().min() > 0
    alone = [pair.score(params, stats_, samples[i : i + 1])[0] for i in range(3)]
    together = np.asarray(pair.score(params, stats_, samples))
    np.testing.assert_allclose(together, np.asarray(alone), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "discriminator"), [(POINT, FOURIER | {"depth": 3}), (GREY, CONV | {"depth": 1})]
)
def test_spectral_norm_divides_every_kernel_by_its_largest_singular_value(
    shape: tuple[int, ...], discriminator: dict[str, Any]
) -> None:
    plain = build(shape, None, discriminator)
    normed = build(shape, None, discriminator | {"spectral_norm": True})
    params, stats_ = discriminator_variables(normed)
    for _ in range(300):
        stats_ = normed.update_stats(params, stats_)

    def divide(leaf: jax.Array) -> np.ndarray:
        kernel = np.asarray(leaf, float)
        if kernel.ndim == 2:
            kernel = kernel / np.linalg.svd(kernel, compute_uv=False)[0]
        return kernel.astype(np.float32)

    divided = jax.tree.map(divide, params)
    assert jax.tree.structure(divided) == jax.tree.structure(discriminator_variables(plain)[0])
    samples = samples_of(shape)
    expected = np.asarray(plain.score(jax.tree.map(jnp.asarray, divided), {}, samples))
    found = np.asarray(normed.score(params, stats_, samples))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(expected - np.asarray(plain.score(params, {}, samples))).max() > 1e-2


def test_the_gradient_goes_through_the_singular_value() -> None:
    """A kernel's length changes nothing, so the gradient has no part along the kernel."""
    pair = build(POINT, None, {"spectral_norm": True})
    params, stats_ = discriminator_variables(pair)
    for _ in range(300):
        stats_ = pair.update_stats(params, stats_)
    samples = samples_of(POINT)
    loss = jax.jit(jax.grad(lambda p: jnp.square(pair.score(p, stats_, samples)).mean()))
    slopes = loss(params)
    for name, layer in params.items():
        kernel, slope = np.asarray(layer["kernel"]), np.asarray(slopes[name]["kernel"])
        size = np.linalg.norm(kernel) * np.linalg.norm(slope)
        assert size > 1e-3
        assert abs((kernel * slope).sum()) < 1e-3 * size


def test_stats_move_only_where_they_are_updated() -> None:
    pair = build(POINT, None, {"spectral_norm": True})
    params, stats_ = discriminator_variables(pair)
    before = jax.tree.map(np.asarray, stats_)
    pair.score(params, stats_, samples_of(POINT))
    jax.tree.map(np.testing.assert_array_equal, before, jax.tree.map(np.asarray, stats_))
    after = jax.tree.map(np.asarray, pair.update_stats(params, stats_))
    assert jax.tree.structure(after) == jax.tree.structure(before)
    moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, after)
    assert any(jax.tree.leaves(moved))


def test_without_spectral_norm_there_are_no_stats() -> None:
    pair = build(GREY, None, CONV)
    params, stats_ = discriminator_variables(pair)
    assert stats_ == {}
    assert pair.update_stats(params, stats_) == {}


@pytest.mark.parametrize(
    ("n", "height", "width", "channels", "features"),
    [(1, 1, 1, 1, 1), (2, 4, 5, 3, 2), (1, 5, 2, 1, 3)],
)
def test_both_forms_of_the_convolution_are_scipys_correlation(
    n: int, height: int, width: int, channels: int, features: int
) -> None:
    rng = np.random.default_rng([n, height, width, channels, features])
    x = rng.normal(size=(n, height, width, channels)).astype(np.float32)
    kernel = rng.normal(size=(9 * channels, features)).astype(np.float32)
    expected = np.zeros((n, height, width, features))
    for image in range(n):
        for feature in range(features):
            for channel in range(channels):
                window = kernel.reshape(3, 3, channels, features)[:, :, channel, feature]
                plane = x[image, :, :, channel].astype(float)
                padded = np.pad(plane, 1)
                expected[image, :, :, feature] += signal.correlate2d(padded, window, "valid")
    as_product = np.asarray(jax.jit(layers.neighbourhoods)(x) @ kernel)
    as_convolution = np.asarray(jax.jit(layers.convolve)(x, kernel))
    np.testing.assert_allclose(as_product, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(as_convolution, expected, rtol=1e-4, atol=1e-4)


def test_conv3x3_takes_the_product_on_cpu_and_adds_its_bias() -> None:
    layer = layers.Conv3x3(features=3)
    x = samples_of((4, 5, 2), 2)
    bias = np.array([1.0, -2.0, 5.0], np.float32)
    params = {"kernel": jax.random.normal(KEY, (18, 3)), "bias": jnp.asarray(bias)}
    found = np.asarray(jax.jit(layer.apply)({"params": params}, x))
    expected = np.asarray(layers.convolve(x, params["kernel"])) + bias
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("n", "height", "width", "channels"), [(2, 2, 3, 3), (1, 3, 1, 2)])
def test_depth_to_space_and_back_move_each_value_where_a_loop_moves_it(
    n: int, height: int, width: int, channels: int
) -> None:
    deep = np.arange(n * height * width * 4 * channels, dtype=np.float32)
    deep = deep.reshape(n, height, width, 4 * channels)
    wide = np.empty((n, 2 * height, 2 * width, channels), np.float32)
    for image, row, column, channel in np.ndindex(*wide.shape):
        depth = (2 * (row % 2) + column % 2) * channels + channel
        wide[image, row, column, channel] = deep[image, row // 2, column // 2, depth]
    np.testing.assert_array_equal(np.asarray(jax.jit(layers.depth_to_space)(deep)), wide)
    np.testing.assert_array_equal(np.asarray(jax.jit(layers.space_to_depth)(wide)), deep)


def fourier(x: jax.Array, count: int, max_frequency: float) -> jax.Array:
    features: jax.Array = layers.FourierFeatures(count, max_frequency).apply({}, x)
    return features


@pytest.mark.parametrize("max_frequency", [1.0, 2.0, 50.0])
@pytest.mark.parametrize("inputs", [1, 2, 7])
def test_frequencies_are_log_uniform_from_one_to_the_highest(
    inputs: int, max_frequency: float
) -> None:
    count = 400
    zero = jnp.zeros((1, inputs))
    slopes = jax.jit(jax.jacfwd(lambda x: fourier(x, count, max_frequency)[0]))(zero)[:, 0]
    # At zero the sine of a phase has the phase's own slope: direction times frequency.
    waves = np.asarray(slopes[inputs : inputs + count], float)
    frequencies = np.linalg.norm(waves, axis=1)
    assert frequencies.min() >= 1 - 1e-5
    assert frequencies.max() <= max_frequency * (1 + 1e-5)
    if max_frequency > 1:
        shares = np.log(frequencies) / np.log(max_frequency)
        assert stats.kstest(shares, "uniform").pvalue > 1e-3
    if inputs == 2:
        angles = np.arctan2(waves[:, 1], waves[:, 0]) / (2 * np.pi) % 1
        assert stats.kstest(angles, "uniform").pvalue > 1e-3


def test_fourier_features_stand_beside_their_inputs_as_sine_and_cosine_of_one_phase() -> None:
    x = samples_of((2,), 50)
    features = np.asarray(fourier(x, 6, 9.0))
    assert features.shape == (50, 2 + 6 + 6)
    np.testing.assert_array_equal(features[:, :2], np.asarray(x))
    sine, cosine = features[:, 2:8], features[:, 8:]
    np.testing.assert_allclose(sine**2 + cosine**2, 1, atol=1e-5)
    odd, even = np.asarray(fourier(-x, 6, 9.0))[:, 2:8], np.asarray(fourier(-x, 6, 9.0))[:, 8:]
    np.testing.assert_allclose(odd, -sine, atol=1e-5)
    np.testing.assert_allclose(even, cosine, atol=1e-5)


def test_fourier_features_are_the_same_every_time() -> None:
    x = samples_of((3,))
    np.testing.assert_array_equal(np.asarray(fourier(x, 5, 8.0)), np.asarray(fourier(x, 5, 8.0)))


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
        (GREY, CONV | {"depth": 4}, {}, r"generator\.depth = 4: .*8x8 .* must be at most 3"),
        (WIDE, {}, CONV | {"depth": 4}, r"discriminator\.depth = 4: .*8x16 .* must be at most 3"),
        ((12, 20, 3), CONV | {"depth": 3}, {}, r"generator\.depth = 3: .* must be at most 2"),
        (POINT, {"residual": True}, {}, r"generator\.residual = True: .*\(2,\).*latent_dim is 5"),
        (GREY, {"residual": True}, {}, r"generator\.residual = True: .*\(8, 8, 1\)"),
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
