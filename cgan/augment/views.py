"""Random views of samples: a discriminator that sees few data learns them by heart later.

Both players' reals and fakes may pass through here before they are scored (differentiable
augmentation, Zhao et al. 2020; adaptive augmentation, Karras et al. 2020), and a second view of a
real is the positive of an embedding contrast. One strength from 0 to 1 scales every magnitude; at
1 most handwritten digits can still be read. There are no flips or rotations, since a digit has a
handedness, and no mixing of channels, since those of `stacked_digits` are independent digits.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.kinds import DNA, IMAGE, POINT, PROTEIN, SEQUENCE, Kind
from cgan.types import RandomKey, RowKeys, Samples

Image = Float[Array, "height width channels"]
Scalar = Float[Array, ""]

MAX_SHIFT = 1 / 8
"""Largest shift either way, as a share of the image's height and width."""
MAX_ZOOM = 1 / 3
"""Largest zoom in octaves: content is scaled by `2 ** -MAX_ZOOM` to `2 ** MAX_ZOOM`."""
MAX_CONTRAST = 1 / 2
"""Largest change of contrast either way, in octaves."""
MAX_BRIGHTNESS = 0.3
"""Largest change of brightness either way, in units of the pixels, whose range is 2."""
MAX_CUTOUT = 1 / 2
"""Largest sides of the cutout, as a share of the image's height and width."""
MAX_JITTER = 0.1
"""Largest standard deviation of the jitter, in units of the points' spread."""


def augment(keys: RowKeys, samples: Samples, strength: float, kind: Kind) -> Samples:
    """A random view of each sample: a function of its own key and itself alone.

    Images `[n, height, width, channels]` are shifted and zoomed, then their contrast and
    brightness change, then a rectangle is cut out. Points `[n, dimensions]` get Gaussian noise.
    A view is affine in its sample, so gradients of every order pass through it, and it is not
    clipped to [-1, 1], where they would stop. For one key it is continuous in the strength.

    Args:
        keys: a key for each row.
        samples: images in [-1, 1] or points in units of their spread.
        strength: 0 for the samples as they are, bit for bit, to 1 for the strongest views.
        kind: of the samples.

    Returns:
        Views of the samples' shape and type.

    Raises:
        ValueError: the strength is outside [0, 1], or more than 0 for samples without views.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength = {strength}: must be from 0 to 1")
    if strength == 0:
        return samples
    view = VIEWS[kind]
    if view is None:
        raise ValueError(f"strength = {strength}: must be 0 for {kind.plural}, which have no views")
    return jax.vmap(view, in_axes=(0, 0, None))(keys, samples, strength)


def jitter(
    key: RandomKey, point: Float[Array, " dimensions"], strength: float
) -> Float[Array, " dimensions"]:
    """Add Gaussian noise of standard deviation `strength * MAX_JITTER` to a point."""
    return point + strength * MAX_JITTER * jax.random.normal(key, point.shape, point.dtype)


class View(NamedTuple):
    """Changes to one image; lengths are shares of its height (first) and width (second)."""

    shift: Float[Array, "2"]
    scale: Scalar
    contrast: Scalar
    brightness: Scalar
    cutout_side: Scalar
    cutout_center: Float[Array, "2"]


def draw_view(key: RandomKey, strength: float) -> View:
    """Draw the changes of one view, each magnitude uniform in its range times the strength.

    Scale and contrast are uniform in octaves. The cutout's centre is anywhere in the image, so that
    a part of it may lie outside.
    """
    u = jax.random.uniform(key, (8,), jnp.float32, -1, 1)
    return View(
        shift=strength * MAX_SHIFT * u[:2],
        scale=2 ** (strength * MAX_ZOOM * u[2]),
        contrast=2 ** (strength * MAX_CONTRAST * u[3]),
        brightness=strength * MAX_BRIGHTNESS * u[4],
        cutout_side=strength * MAX_CUTOUT * (u[5] + 1) / 2,
        cutout_center=(u[6:] + 1) / 2,
    )


def view_of_image(key: RandomKey, image: Image, strength: float) -> Image:
    """Draw one random view of an image."""
    return apply_view(draw_view(key, strength), image)


def apply_view(view: View, image: Image) -> Image:
    """Apply changes to an image: `cut_out(contrast * resample(image) + brightness)`."""
    rows, columns = (
        positions(size, shift, view.scale)
        for size, shift in zip(image.shape[:2], view.shift, strict=True)
    )
    toned = view.contrast * resample(image, rows, columns) + view.brightness
    return cut_out(toned, view.cutout_center, view.cutout_side).astype(image.dtype)


def positions(size: int, shift: Scalar, scale: Scalar) -> Float[Array, " size"]:
    """Positions along an axis that a shifted and scaled image's pixels come from, in pixels.

    Scaling is about the middle. Positions beyond the first and last pixel are theirs, which
    repeats the edge.
    """
    middle = (size - 1) / 2
    from_middle = jnp.arange(size) - middle
    return jnp.clip((from_middle - shift * size) / scale + middle, 0, size - 1)


@jax.custom_jvp
def resample(
    image: Image, rows: Float[Array, " new_height"], columns: Float[Array, " new_width"]
) -> Float[Array, "new_height new_width channels"]:
    """Interpolate an image bilinearly at every pair of a row and a column position, in pixels.

    A pixel weighs `max(0, 1 - |position - pixel|)`: nothing comes from outside the image. CPUs
    read the two pixels beside a position, accelerators multiply by matrices of weights.
    Derivatives are of products everywhere: those of reads would be scatters, which are slow.
    """
    form = by_reads if jax.default_backend() == "cpu" else by_products
    return form(image, rows, columns)


@resample.defjvp
def _slopes_of_resample(
    primals: tuple[Array, Array, Array], tangents: tuple[Array, Array, Array]
) -> tuple[Array, Array]:
    return resample(*primals), jax.jvp(by_products, primals, tangents)[1]


def by_products(
    image: Image, rows: Float[Array, " new_height"], columns: Float[Array, " new_width"]
) -> Float[Array, "new_height new_width channels"]:
    """Interpolate as `resample` by a product with a matrix of all weights along each axis."""
    along_height, along_width = (
        jnp.maximum(0, 1 - jnp.abs(at[:, None] - jnp.arange(size)))
        for at, size in zip((rows, columns), image.shape[:2], strict=True)
    )
    product = partial(jnp.einsum, precision="highest")  # or accelerators round whole pixels
    return product("vw,uwc->uvc", along_width, product("uh,hwc->uwc", along_height, image))


def by_reads(
    image: Image, rows: Float[Array, " new_height"], columns: Float[Array, " new_width"]
) -> Float[Array, "new_height new_width channels"]:
    """Interpolate as `resample` by reading two rows for each new one, and then two columns.

    Rows lie in memory as one, columns do not: so the image is turned over and its columns are read
    as rows. A loop of two turns, since what stands side by side XLA fuses, and then reads four
    pixels one by one for each new one.
    """
    side = max(*image.shape[:2], len(rows), len(columns))  # so that both turns are alike
    positions = jnp.stack([jnp.pad(at, (0, side - len(at))) for at in (rows, columns)])
    padding = [(0, side - size) for size in image.shape[:2]]
    square = jnp.pad(image, [*padding, (0, 0)]).astype(jnp.result_type(image, positions))

    def read_rows(axis: Array, x: Image) -> Image:
        at = positions[axis]
        first = jnp.clip(jnp.floor(at), 0, max(side - 2, 0)).astype(jnp.int32)

        def weighed(pixel: Array) -> Image:
            weights = jnp.maximum(0, 1 - jnp.abs(at - pixel))
            return weights[:, None, None] * x.at[pixel].get(mode="clip")

        return (weighed(first) + weighed(first + 1)).swapaxes(0, 1)

    return jax.lax.fori_loop(0, 2, read_rows, square)[: len(rows), : len(columns)]


def cut_out(image: Image, center: Float[Array, "2"], side: Scalar) -> Image:
    """Set a rectangle of an image, of its own proportions, to mid-grey, which is 0.

    A pixel is greyed by the share of its area that the rectangle covers, so the edges move
    smoothly, by less than a pixel too.
    """

    def covered(size: int, middle: Scalar) -> Float[Array, " size"]:
        low, high = (middle - side / 2) * size, (middle + side / 2) * size
        pixel = jnp.arange(size)
        return jnp.maximum(0, jnp.minimum(pixel + 1, high) - jnp.maximum(pixel, low))

    height, width, channels = image.shape
    rows, columns = covered(height, center[0]), covered(width, center[1])
    kept = 1 - rows[:, None] * jnp.repeat(columns, channels)
    # Pixels and channels on one axis: CPUs work along the last, and that of channels is short.
    return (image.reshape(height, -1) * kept).reshape(image.shape)


VIEWS: dict[Kind, Callable[[RandomKey, Any, float], Any] | None] = {
    IMAGE: view_of_image,
    POINT: jitter,
    SEQUENCE: None,
    DNA: None,
    PROTEIN: None,
}
"""One random view of one sample; None where nothing is known that leaves a sample what it is."""
