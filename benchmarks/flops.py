"""The floating point operations of a training step, and the rate at which this machine does them.

Counted are matrix products and convolutions, as the traced step has them, without those whose
results nothing reads: what is between them, such as activations and the optimiser, is not.
"""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import jaxprs_in_params
from jax.interpreters.partial_eval import dce_jaxpr

from benchmarks.harness import Prepared
from cgan import parallel
from cgan.system import compile_options


def step_flops(compiled: Prepared) -> int:
    """Floating point operations of one training step on one device."""
    parts = compiled.parts
    step = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), compiled.devices)
    traced = jax.make_jaxpr(step.mapped)(compiled.start(), compiled.batches).jaxpr
    read, _ = dce_jaxpr(traced, [True] * len(traced.outvars))
    return flops(read) // parts.config.steps_per_dispatch


def flops(jaxpr: Any) -> int:
    """Floating point operations of a traced program; a loop of unknown length counts once."""
    found = 0
    for equation in jaxpr.eqns:
        count = COUNTS.get(equation.primitive.name)
        if count is not None:
            shapes = [operand.aval.shape for operand in (*equation.invars, *equation.outvars)]
            found += count(*shapes, equation.params)
        else:
            times = equation.params["length"] if equation.primitive.name == "scan" else 1
            found += times * sum(map(flops, jaxprs_in_params(equation.params)))
    return found


Shape = tuple[int, ...]


def _of_product(left: Shape, right: Shape, out: Shape, params: dict[str, Any]) -> int:
    (contracted, _), _ = params["dimension_numbers"]
    return 2 * math.prod(out) * math.prod(left[axis] for axis in contracted)


def _of_convolution(x: Shape, kernel: Shape, out: Shape, params: dict[str, Any]) -> int:
    places = params["dimension_numbers"].rhs_spec
    window = [kernel[axis] for axis in places[1:]]  # inputs of a group, and the sides
    return 2 * math.prod(out) * math.prod(window)


def _of_convolution_3x3(x: Shape, kernel: Shape, out: Shape, params: dict[str, Any]) -> int:
    return 2 * math.prod(out) * math.prod(kernel[:3])


def _of_kernel_slopes(x: Shape, slopes: Shape, out: Shape, params: dict[str, Any]) -> int:
    return 2 * math.prod(slopes) * math.prod(out[:3])


COUNTS: dict[str, Callable[..., int]] = {
    "dot_general": _of_product,
    "conv_general_dilated": _of_convolution,
    "convolution_3x3": _of_convolution_3x3,
    "convolution_3x3_kernel_slopes": _of_kernel_slopes,
}


def product_rate(precision: str = "float32", rounds: int = 3, side: int | None = None) -> float:
    """Floating point operations a second in the product of two large matrices of this precision.

    Args:
        precision: of the matrices; products of float32 are in full, as the networks' are.
        rounds: products that are timed; the fastest counts.
        side: of the square matrices; None for one that takes a CPU a moment, and an accelerator
            long enough that starting a program does not show.
    """
    side = side or (2048 if jax.default_backend() == "cpu" else 16384)
    matrix = jax.random.normal(jax.random.key(0), (side, side), precision)
    product = partial(jnp.matmul, precision="highest")
    square = jax.jit(lambda x: product(x, x), compiler_options=compile_options.options())
    jax.block_until_ready(square(matrix))
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        jax.block_until_ready(square(matrix))
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds)
