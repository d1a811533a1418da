"""The convolution against SciPy, and its derivatives against JAX's own of the backend's."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify
from scipy import signal, special

from cgan.networks import convolution
from cgan.networks.convolution import (
    backend_convolution,
    convolution_to_few,
    convolve,
    correlate,
    correlate_slopes,
)
from cgan.system import compile_options
from cgan.system.compile_options import YNN, CompiledStep, options

SIZES = [
    (1, 1, 1, 1, 1, 1),
    (2, 4, 5, 3, 2, 1),
    (1, 5, 2, 1, 3, 1),
    (2, 4, 5, 4, 6, 2),
    (2, 4, 5, 8, 2, 1),  # to few features
    (1, 3, 4, 8, 2, 2),
]
Form = Callable[..., jax.Array]


def normal(*shape: int, seed: int = 0) -> jax.Array:
    return jnp.asarray(np.random.default_rng([seed, *shape]).normal(size=shape), jnp.float32)


def assert_close(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for mine, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        size = float(np.abs(other).max())
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5 * max(1.0, size))


@pytest.mark.parametrize(("n", "height", "width", "channels", "features", "groups"), SIZES)
def test_all_forms_are_scipys_correlation(
    n: int, height: int, width: int, channels: int, features: int, groups: int
) -> None:
    x, size = normal(n, height, width, channels), channels // groups
    kernel = normal(3, 3, size, features)
    expected = np.zeros((n, height, width, features))
    for image in range(n):
        for feature in range(features):
            group = feature // (features // groups)
            for channel in range(group * size, (group + 1) * size):
                window = np.asarray(kernel)[:, :, channel % size, feature]
                padded = np.pad(np.asarray(x, float)[image, :, :, channel], 1)
                expected[image, :, :, feature] += signal.correlate2d(padded, window, "valid")
    for form in (correlate, backend_convolution):
        assert_close(jax.jit(form, static_argnums=2)(x, kernel, groups), expected)
    assert_close(correlate(x, kernel, groups), expected)
    if groups == 1:
        assert_close(convolution_to_few(x, kernel), expected)
        short = convolution_to_few(x.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16))
        assert short.dtype == jnp.bfloat16
        np.testing.assert_allclose(short, expected, atol=0.02 * np.abs(expected).max())
    assert_close(convolve(x, kernel.reshape(9 * size, features), groups), expected)


@pytest.mark.parametrize(("n", "height", "width", "channels", "features", "groups"), SIZES)
def test_kernel_slopes_are_what_jax_derives(
    n: int, height: int, width: int, channels: int, features: int, groups: int
) -> None:
    x, slopes = normal(n, height, width, channels), normal(n, height, width, features)
    kernel = jnp.zeros((3, 3, channels // groups, features))
    _, back = jax.vjp(lambda kernel: backend_convolution(x, kernel, groups), kernel)
    assert_close(correlate_slopes(x, slopes, groups), back(slopes)[0])


def judged(form: Form, groups: int) -> Callable[..., jax.Array]:
    """A loss of two layers with a gradient penalty: the third derivatives are not zero."""

    def score(kernels: Any, x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.sin(form(jnp.sin(form(x, kernels[0], groups)), kernels[1], groups)))

    def loss(kernels: Any, x: jax.Array) -> jax.Array:
        return score(kernels, x) + jnp.sum(jax.grad(score, argnums=1)(kernels, x) ** 2)

    return loss


@pytest.mark.parametrize("groups", [1, 2])
def test_derivatives_of_all_orders_and_modes_are_those_of_the_backends_convolution(
    groups: int,
) -> None:
    x, kernels = normal(2, 3, 4, 4), (normal(3, 3, 4 // groups, 4), normal(3, 3, 4 // groups, 4))
    change = (normal(3, 3, 4 // groups, 4, seed=1), normal(3, 3, 4 // groups, 4, seed=2))
    mine, other = judged(correlate, groups), judged(backend_convolution, groups)
    for derive in (
        lambda loss: jax.grad(loss, argnums=(0, 1)),
        lambda loss: lambda kernels, x: jax.jvp(loss, (kernels, x), (change, x)),
        lambda loss: lambda kernels, x: jax.jvp(jax.grad(loss), (kernels, x), (change, x)),
        lambda loss: jax.grad(lambda k, x: jax.jvp(loss, (k, x), (change, x))[1], argnums=(0, 1)),
        lambda loss: jax.grad(jax.checkpoint(loss)),
    ):
        assert_close(jax.jit(derive(mine))(kernels, x), jax.jit(derive(other))(kernels, x))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("axes", [(0, None), (3, None), (None, 1), (0, 0), (2, 4)])
def test_a_batch_of_operands_is_each_by_itself(
    axes: tuple[int | None, int | None], groups: int
) -> None:
    def stacked(shape: tuple[int, ...], axis: int | None) -> jax.Array:
        return normal(*shape) if axis is None else normal(*shape[:axis], 3, *shape[axis:])

    x_shape, kernel_shape, slopes_shape = (2, 4, 5, 4), (3, 3, 4 // groups, 6), (2, 4, 5, 6)
    for form, shape in ((correlate, kernel_shape), (correlate_slopes, slopes_shape)):
        right = None if axes[1] is None else min(axes[1], len(shape))
        operands = stacked(x_shape, axes[0]), stacked(shape, right)

        def one(left: jax.Array, right: jax.Array, form: Form = form) -> jax.Array:
            return form(left, right, groups)

        members = [
            one(
                *(
                    operand if axis is None else jnp.take(operand, member, axis)
                    for operand, axis in zip(operands, (axes[0], right), strict=True)
                )
            )
            for member in range(3)
        ]
        assert_close(jax.vmap(one, (axes[0], right))(*operands), jnp.stack(members))


def test_a_batch_of_maps_under_one_kernel_needs_no_more_groups() -> None:
    x, kernel = normal(3, 2, 4, 5, 4), normal(3, 3, 4, 6)
    traced = jax.make_jaxpr(jax.vmap(lambda x: correlate(x, kernel, 1)))(x)
    (groups,) = (
        equation.params["groups"] for equation in traced.eqns if "groups" in equation.params
    )
    assert groups == 1


def test_the_compilers_options_are_known_here_and_change_rounding_alone() -> None:
    assert options() == YNN
    x, kernel, slopes = normal(8, 8, 8, 16), normal(3, 3, 16, 16), normal(8, 8, 8, 16, seed=1)
    for form, right in ((correlate, kernel), (correlate_slopes, slopes)):
        lowered = jax.jit(form, static_argnums=2).lower(x, right, 1)
        plain, fast = (lowered.compile(compiler_options=chosen) for chosen in ({}, options()))
        assert_close(fast(x, right), plain(x, right))


@pytest.mark.parametrize("reduced", [jnp.sum, jnp.max, jax.nn.logsumexp])
def test_the_compilers_options_leave_long_rows_to_its_library(reduced: Any) -> None:
    """Products alone for YNNPACK once took sums of rows from it: a tree of windows, much slower."""
    x = normal(256, 512)
    lowered = jax.jit(partial(reduced, axis=1)).lower(x)
    products = dict.fromkeys(YNN, "LIBRARY_FUSION_TYPE_DOT")
    assert "reduce-window" in lowered.compile(compiler_options=products).as_text()
    program = lowered.compile(compiler_options=options())
    assert "reduce-window" not in program.as_text()
    oracle = {jnp.sum: np.sum, jnp.max: np.max}.get(reduced, special.logsumexp)
    assert_close(program(x), oracle(np.asarray(x, np.float64), axis=1))


@pytest.mark.parametrize("unknown", [{"xla_cpu_of_no_release": "x"}, dict.fromkeys(YNN, "NONE")])
def test_options_that_a_release_does_not_know_are_left_out(
    unknown: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_options, "YNN", unknown)
    assert options.__wrapped__() == {}


def test_a_step_is_compiled_once_for_each_type_of_its_arguments() -> None:
    traced = []

    def double(x: jax.Array) -> jax.Array:
        traced.append(x)
        return 2 * x

    step = CompiledStep(jax.pmap(double, devices=jax.devices()[:1]))
    for shape, dtype in (((1, 3), "float32"), ((1, 4), "float32"), ((1, 3), "int32")) * 2:
        x = jnp.ones(shape, dtype)
        assert_close(step(x), 2 * np.ones(shape))
        assert step(x).dtype == dtype
    assert len(traced) == 3


def test_a_nan_is_laid_to_the_convolution_that_made_it() -> None:
    x, kernel = jnp.full((1, 3, 3, 2), jnp.inf), normal(3, 3, 2, 2)
    for form, right in ((correlate, kernel), (correlate_slopes, normal(1, 3, 3, 2))):
        checked = checkify.checkify(
            lambda x, form=form, right=right: form(x, right, 1), errors=checkify.nan_checks
        )
        error, _ = jax.jit(checked)(x)
        assert "convolution_3x3" in error.get()
        error, _ = jax.jit(checked)(jnp.ones_like(x))
        assert error.get() is None


@pytest.mark.parametrize(
    ("x", "kernel", "dtype"),
    [
        ((1, 3, 3, 2), (3, 3, 4, 2), "float32"),
        ((1, 3, 3, 2), (5, 5, 2, 2), "float32"),
        ((1, 3, 3, 2), (3, 3, 2, 2), "bfloat16"),
    ],
)
def test_operands_that_do_not_fit_are_refused(
    x: tuple[int, ...], kernel: tuple[int, ...], dtype: str
) -> None:
    with pytest.raises(TypeError, match="must be"):
        jax.eval_shape(_convolution_of, jnp.zeros(x), jnp.zeros(kernel, dtype))


def _convolution_of(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return convolution._convolution.bind(x, kernel, groups=1)
