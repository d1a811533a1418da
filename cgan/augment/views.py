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

from cgan.kinds import IMAGE, POINT, SEQUENCE, Kind
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


def resample(
    image: Image, rows: Float[Array, " new_height"], columns: Float[Array, " new_width"]
) -> Float[Array, "new_height new_width channels"]:
    """Interpolate an image bilinearly at every pair of a row and a column position, in pixels.

    A matrix product along each axis, whose weights are hats `max(0, 1 - |position - pixel|)`:
    inside `lax.scan` XLA's CPU backend is fast at products, and not at gathers and scatters.
    """
    along_height, along_width = (
        jnp.maximum(0, 1 - jnp.abs(at[:, None] - jnp.arange(size)))
        for at, size in zip((rows, columns), image.shape[:2], strict=True)
    )
    product = partial(jnp.einsum, precision="highest")  # or accelerators round whole pixels
    return product("vw,uwc->uvc", along_width, product("uh,hwc->uwc", along_height, image))


def cut_out(image: Image, center: Float[Array, "2"], side: Scalar) -> Image:
    """Set a rectangle of an image, of its own proportions, to mid-grey, which is 0.

    A pixel is greyed by the share of its area that the rectangle covers, so the edges move
    smoothly, by less than a pixel too.
    """

    def covered(size: int, middle: Scalar) -> Float[Array, " size"]:
        low, high = (middle - side / 2) * size, (middle + side / 2) * size
        pixel = jnp.arange(size)
        return jnp.maximum(0, jnp.minimum(pixel + 1, high) - jnp.maximum(pixel, low))

    rows, columns = covered(image.shape[0], center[0]), covered(image.shape[1], center[1])
    return image * (1 - rows[:, None] * columns)[..., None]


VIEWS: dict[Kind, Callable[[RandomKey, Any, float], Any] | None] = {
    IMAGE: view_of_image,
    POINT: jitter,
    SEQUENCE: None,
}
"""One random view of one sample; None where nothing is known that leaves a sample what it is."""
