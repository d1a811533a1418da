"""The 3x3 convolution, in the form that is fast on every XLA backend.

On the CPU it is a primitive of its own. The convolution is the backend's, but to few features, as
an image's channels, a product for all places, shifted and summed. Its gradient with respect to the
maps is a convolution with another kernel. The gradient with respect to the kernel is written here
as an ordinary convolution of transposed maps: JAX's own leaves the transposing to the compiler, and
inside `lax.scan` that is a hundred times slower. Each of the two operations is linear in either
operand, and their transposes are each other; so derivatives of any order, in both modes, are made
of these two alone. `docs/decisions/0003-convolutions.md` has the measurements.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax._src import checkify
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

from cgan.networks import exactness

Shape = tuple[int, ...]
Images = Float[Array, "n height width channels"]
Kernel = Float[Array, "3 3 inputs features"]
"""Weights of a convolution: inputs of one group's channels, features of all, group by group."""

FEW = 8
"""Most features that `convolution_to_few` is faster for, where channels are four times as many."""


def convolve(
    x: Images, kernel: Float[Array, "rows features"], groups: int = 1
) -> Float[Array, "n height width features"]:
    """A 3x3 convolution, stride 1, zero padding, in the form that the backend is fast at.

    Args:
        x: the maps.
        kernel: `[9 c / groups, features]`: rows by place, then by channel of the group.
        groups: of channels, each convolved by itself (Xie et al. 2017, section 3.1); a divisor
            of the channels and of the features.
    """
    windows = kernel.reshape(3, 3, x.shape[-1] // groups, -1)
    form = correlate if jax.default_backend() == "cpu" else backend_convolution
    return form(x, windows, groups)


def backend_convolution(
    x: Images, kernel: Kernel, groups: int
) -> Float[Array, "n height width features"]:
    """A 3x3 convolution by the backend's own operation and JAX's derivatives."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(1, 1),
        padding="SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
        precision=exactness.of_operand(x),
    )


def each_group(
    operation: Callable[[Array, Array], Array], left: Array, right: Array, groups: int
) -> Array:
    """Apply an operation to each group of the last axes: faster on CPUs than XLA's grouped.

    One after another: side by side in the program, they would take minutes to compile. What comes
    out takes the place of what went in where it can, as an array of its own has to be filled first.
    """
    if groups == 1:
        return operation(left, right)

    def part(x: Array, group: Array | int) -> Array:
        size = x.shape[-1] // groups
        return jax.lax.dynamic_slice_in_dim(x, group * size, size, axis=-1)

    def put(group: Array, found: Array) -> Array:
        one = operation(part(found if in_place else left, group), part(right, group))
        return jax.lax.dynamic_update_slice_in_dim(found, one, group * one.shape[-1], axis=-1)

    one = jax.eval_shape(lambda: operation(part(left, 0), part(right, 0)))
    shape = (*one.shape[:-1], groups * one.shape[-1])
    in_place = shape == left.shape
    return jax.lax.fori_loop(0, groups, put, left if in_place else jnp.zeros(shape, one.dtype))


def grouped_convolution(
    x: Images, kernel: Kernel, groups: int
) -> Float[Array, "n height width features"]:
    """A 3x3 convolution of each group by itself, in the form that CPUs are fast at."""
    few = kernel.shape[-1] // groups <= min(FEW, kernel.shape[2] // 4)
    one = convolution_to_few if few else partial(backend_convolution, groups=1)
    return each_group(one, x, kernel, groups)


def convolution_to_few(x: Images, kernel: Kernel) -> Float[Array, "n height width features"]:
    """A 3x3 convolution to few features: one product for all nine places, shifted and summed.

    To the 1 to 4 channels of an image it is two to four times as fast on CPUs as the backend's own
    (`docs/decisions/0003-convolutions.md`). The products of all places, nine times what comes out,
    are held for a moment.
    """
    _, height, width, _ = x.shape
    places = jnp.einsum(
        "nhwc,ijcf->nhwijf",
        x,
        kernel,
        precision=exactness.of_operand(x),
        preferred_element_type=jnp.promote_types(x.dtype, jnp.float32),
    )
    side = (1, 1)
    padded = jnp.pad(places, ((0, 0), side, side, (0, 0), (0, 0), (0, 0)))
    shifted = [
        padded[:, row : row + height, column : column + width, row, column]
        for row in range(3)
        for column in range(3)
    ]
    return sum(shifted[1:], shifted[0]).astype(x.dtype)


def kernel_slopes(
    x: Images, slopes: Float[Array, "n height width features"], groups: int
) -> Kernel:
    """The kernel's gradient: at each of its places, products of shifted maps and slopes."""
    return each_group(transposed_convolution, x, slopes, groups)


def transposed_convolution(
    x: Images, slopes: Float[Array, "n height width features"]
) -> Float[Array, "3 3 channels features"]:
    """The kernel's gradient for one group, by a convolution with images and channels traded.

    Images and channels trade places: the channels are convolved, as if they were images, with
    windows as large as the maps.
    """
    found = jax.lax.conv_general_dilated(
        x.transpose(3, 1, 2, 0),
        slopes.transpose(1, 2, 0, 3),
        window_strides=(1, 1),
        padding=((1, 1), (1, 1)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=exactness.of_operand(x),
    )
    return found.transpose(1, 2, 0, 3)


def turned(kernel: Kernel, groups: int) -> Float[Array, "3 3 _ channels"]:
    """The kernel that leads back: upside down, left to right, and from features to inputs."""
    _, _, inputs, features = kernel.shape
    kernel = kernel.reshape(3, 3, inputs, groups, features // groups)
    kernel = kernel[::-1, ::-1].transpose(0, 1, 4, 3, 2)
    return kernel.reshape(3, 3, features // groups, groups * inputs)


def correlate(x: Images, kernel: Kernel, groups: int) -> Float[Array, "n height width features"]:
    """A grouped 3x3 convolution whose derivatives are made of it and of `correlate_slopes`."""
    return _convolution.bind(x, kernel, groups=groups)


def correlate_slopes(
    x: Images, slopes: Float[Array, "n height width features"], groups: int
) -> Kernel:
    """The kernel's gradient, with derivatives made of it and of `correlate`."""
    return _kernel_slopes.bind(x, slopes, groups=groups)


def _primitive(
    name: str,
    implementation: Callable[..., Array],
    shape: Callable[[Shape, Shape, int], Shape],
    batched: Callable[..., tuple[Array, int]],
) -> Primitive:
    def abstract(left: ShapedArray, right: ShapedArray, *, groups: int) -> ShapedArray:
        if left.dtype != right.dtype:
            raise TypeError(f"{name}: operands of {left.dtype} and {right.dtype}; must be alike")
        return ShapedArray(shape(left.shape, right.shape, groups), left.dtype)

    primitive = Primitive(name)
    primitive.def_impl(jax.jit(implementation, static_argnames="groups"))
    primitive.def_abstract_eval(abstract)
    lowering = mlir.lower_fun(implementation, multiple_results=False)
    mlir.register_lowering(primitive, lowering)
    batching.primitive_batchers[primitive] = batched
    # So that --debug-nans names it; the registry has no public name.
    checkify.error_checks[primitive] = partial(checkify.nan_error_check, primitive)
    return primitive


def _shape_of_maps(x: Shape, kernel: Shape, groups: int) -> Shape:
    if kernel[:2] != (3, 3) or x[3] != groups * kernel[2]:
        raise TypeError(f"maps {x} and kernel {kernel} in {groups} groups: must be 3x3 of as many")
    return (*x[:3], kernel[3])


def _shape_of_kernel(x: Shape, slopes: Shape, groups: int) -> Shape:
    if x[:3] != slopes[:3]:
        raise TypeError(f"maps {x} and slopes {slopes}: must be alike but for their channels")
    return (3, 3, x[3] // groups, slopes[3])


def _side_by_side(operand: Array, axis: int | None, size: int) -> Array:
    """Turn members of a batch into further groups: `[b, ..., c]` as `[..., b c]`."""
    if axis is None:
        operand, axis = jnp.broadcast_to(operand, (size, *operand.shape)), 0
    operand = jnp.moveaxis(operand, axis, -2)
    return operand.reshape(*operand.shape[:-2], -1)


def _batched_maps(
    operands: tuple[Array, Array], axes: tuple[int | None, int | None], *, groups: int
) -> tuple[Array, int]:
    """The rule of `jax.vmap` for `correlate`: a batch of maps under one kernel is more maps."""
    x, kernel = operands
    if axes[0] is None or axes[1] is not None:
        return _batched(correlate)(operands, axes, groups=groups)
    x = jnp.moveaxis(x, axes[0], 0)
    found = correlate(x.reshape(-1, *x.shape[2:]), kernel, groups)
    return found.reshape(*x.shape[:2], *found.shape[1:]), 0


def _batched(bind: Callable[..., Array]) -> Callable[..., tuple[Array, int]]:
    """The rule of `jax.vmap`, whatever is batched: one operation with more groups."""

    def rule(
        operands: tuple[Array, Array], axes: tuple[int | None, int | None], *, groups: int
    ) -> tuple[Array, int]:
        size = next(
            operand.shape[axis]
            for operand, axis in zip(operands, axes, strict=True)
            if axis is not None
        )
        left, right = (
            _side_by_side(operand, axis, size) for operand, axis in zip(operands, axes, strict=True)
        )
        found = bind(left, right, groups=size * groups)
        return found.reshape(*found.shape[:-1], size, -1), found.ndim - 1

    return rule


_convolution = _primitive(
    "convolution_3x3",
    grouped_convolution,
    _shape_of_maps,
    _batched_maps,
)
_kernel_slopes = _primitive(
    "convolution_3x3_kernel_slopes",
    kernel_slopes,
    _shape_of_kernel,
    _batched(correlate_slopes),
)
ad.defbilinear(
    _convolution,
    lambda slopes, x, kernel, groups: correlate(slopes, turned(kernel, groups), groups),
    lambda slopes, x, kernel, groups: correlate_slopes(x, slopes, groups),
)
ad.defbilinear(
    _kernel_slopes,
    lambda change, x, slopes, groups: correlate(slopes, turned(change, groups), groups),
    lambda change, x, slopes, groups: correlate(x, change, groups),
)
