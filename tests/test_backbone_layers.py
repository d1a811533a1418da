"""What the architectures at scale are made of, against NumPy written from the papers' formulas."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan.networks import convolution, r3gan, stylegan2
from cgan.networks.attention import SelfAttention
from cgan.networks.sngan import ClassNorm

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def applied(layer: nn.Module, params: Any, *inputs: Any) -> np.ndarray:
    return np.asarray(jax.jit(layer.apply)({"params": params}, *inputs), float)


def random_params(layer: nn.Module, *inputs: Any) -> Any:
    """Random parameters of a layer, by the shapes that it asks for."""
    shapes = jax.eval_shape(layer.init, KEY, *inputs)["params"]
    return jax.tree.map(lambda leaf: normal(*leaf.shape), shapes)


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def correlated(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A 3x3 convolution, kernel `[9 c, features]`: see tests/test_convolution.py."""
    windows = kernel.reshape(3, 3, x.shape[-1], -1)
    return np.asarray(
        jax.jit(convolution.backend_convolution, static_argnums=2)(x, windows, 1), float
    )


def test_a_block_of_r3gan_is_three_matrices_and_two_biased_activations() -> None:
    x, layer = normal(2, 4, 4, 4), r3gan.Block(expansion=2, group_size=4, blocks=3)
    params = random_params(layer, x)
    first, last = params["expand"]["kernel"], params["reduce"]["kernel"]
    biases = [params[name]["bias"] for name in ("expanded", "convolved")]
    middle = params["grouped"]["kernel"]
    y = leaky(x @ first + biases[0])
    halves = [
        correlated(y[..., at : at + 4].astype(np.float32), middle[:, at : at + 4]) for at in (0, 4)
    ]
    y = leaky(np.concatenate(halves, axis=-1) + biases[1])
    np.testing.assert_allclose(applied(layer, params, x), x + y @ last, rtol=1e-4, atol=1e-4)


def test_a_block_of_r3gan_starts_as_the_identity_with_weights_scaled_by_fixup() -> None:
    x, blocks = normal(1, 4, 4, 128), 16
    layer = r3gan.Block(expansion=4, group_size=64, blocks=blocks)
    params = jax.jit(layer.init)(KEY, x)["params"]
    np.testing.assert_array_equal(applied(layer, params, x), x)
    gain = np.sqrt(2 / 1.04) * blocks**-0.25
    for name, inputs in [("expand", 128), ("grouped", 9 * 64)]:
        spread = np.std(np.asarray(params[name]["kernel"]))
        assert spread == pytest.approx(gain / np.sqrt(inputs), rel=0.02)


def test_a_modulated_convolution_has_weights_of_unit_length_for_each_sample() -> None:
    x, styles, layer = normal(2, 4, 4, 3), normal(2, 5), stylegan2.ModulatedConv3x3(4)
    params = random_params(layer, x, styles)
    affine = params["style"]
    scale = styles @ affine["kernel"] / np.sqrt(5) + affine["bias"]
    kernel = params["kernel"].reshape(9, 3, 4)
    rows = []
    for image, of_image in zip(x, scale, strict=True):
        weights = kernel * of_image[:, None]
        weights = weights / np.sqrt(np.square(weights).sum(axis=(0, 1)))
        made = correlated(image[None], weights.reshape(27, 4).astype(np.float32))
        rows.append(leaky(made + params["bias"]) * np.sqrt(2))
    found = applied(layer, params, x, styles)
    np.testing.assert_allclose(found, np.concatenate(rows), rtol=1e-4, atol=1e-4)


def test_scaled_weights_are_divided_by_the_root_of_their_inputs() -> None:
    x, layer = normal(6, 4), stylegan2.ScaledDense(3, lr=0.01, bias_at_start=1.0)
    params = random_params(layer, x)
    expected = 0.01 * (x @ params["kernel"] / 2 + params["bias"])
    np.testing.assert_allclose(applied(layer, params, x), expected, rtol=1e-4, atol=1e-5)
    start = jax.jit(layer.init)(KEY, x)["params"]
    np.testing.assert_allclose(applied(layer, start, np.zeros_like(x)), 1, rtol=1e-6)


def test_attention_is_a_mean_of_values_by_the_likeness_of_queries_and_keys() -> None:
    x, layer = normal(2, 4, 4, 16), SelfAttention()
    params = random_params(layer, x)
    names = ("query", "key", "value", "out")
    query, key, value, out = (params[name]["kernel"].astype(float) for name in names)
    expected = x.astype(float)
    for image, row, column in np.ndindex(2, 4, 4):
        pixels = x[image].astype(float)
        keys = (pixels @ key).reshape(2, 2, 2, 2, 2).max(axis=(1, 3)).reshape(4, 2)
        values = (pixels @ value).reshape(2, 2, 2, 2, 8).max(axis=(1, 3)).reshape(4, 8)
        weights = np.exp(keys @ (pixels[row, column] @ query))
        mean = weights @ values / weights.sum()
        expected[image, row, column] += params["gamma"] * (mean @ out)
    np.testing.assert_allclose(applied(layer, params, x), expected, rtol=1e-3, atol=1e-3)
    start = jax.jit(layer.init)(KEY, x)["params"]
    np.testing.assert_array_equal(applied(layer, start, x), x)


@pytest.mark.parametrize("labels", [None, np.array([2, 0], np.int32)])
def test_a_norm_by_class_is_of_each_samples_groups(labels: np.ndarray | None) -> None:
    x = 5 + 3 * normal(2, 4, 4, 6)
    layer = ClassNorm(classes=3 if labels is not None else 0, group_size=3)
    given = None if labels is None else jnp.asarray(labels)
    params = random_params(layer, x, given)
    chosen = np.zeros(2, int) if labels is None else labels
    groups = x.astype(float).reshape(2, 16, 2, 3)
    normed = groups - groups.mean(axis=(1, 3), keepdims=True)
    normed /= np.sqrt(np.square(normed).mean(axis=(1, 3), keepdims=True) + 1e-6)
    gain, bias = (params[name][chosen][:, None, None] for name in ("gain", "bias"))
    expected = normed.reshape(2, 4, 4, 6) * gain + bias
    np.testing.assert_allclose(applied(layer, params, x, given), expected, rtol=1e-4, atol=1e-4)
