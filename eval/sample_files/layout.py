"""How the numbers of an array are images or features: told by its shape and type, never guessed.

What could be meant in two ways is refused, with the words that say how to make it one.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Shaped

from eval.metrics.base import FeatureError, check_finite

Layout = Literal["features", "channels last", "channels first", "grey"]
IMAGES_EXPECTED = "uint8 images [n, height, width, 1, 3 or 4]"
EXPECTED = f"must hold {IMAGES_EXPECTED} or finite float features [n, d]"
FLOATS = (2, 4, 8)
"""Sizes in bytes of the floating-point numbers that features can be."""


class UnfitArray(ValueError):
    """An array holds no samples; the message says why, and what would."""


class Form(NamedTuple):
    """The shape and type of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def may_be_samples(self) -> bool:
        """Whether the array is shaped like images of numbers, or like features."""
        if self.dtype.kind not in "uif":
            return False
        return len(self.shape) in (3, 4) or (len(self.shape) == 2 and self.dtype.kind == "f")


def layout_of(form: Form) -> Layout:
    """Tell what the axes of an array are.

    Raises:
        UnfitArray: no images and no features, or either of two things.
    """
    shape, dtype = form
    is_features = dtype.kind == "f" and dtype.itemsize in FLOATS
    if len(shape) == 2 and is_features and shape[1]:
        return "features"
    if dtype.kind in "ui" and min(shape, default=0) > 0:
        if len(shape) == 4:
            return _channels(shape)
        if len(shape) == 3 and shape[-1] not in (1, 3, 4):
            return "grey"
        if len(shape) == 3:
            one = f"may be one image, or {shape[0]} grey ones that are {shape[-1]} wide"
            raise UnfitArray(f"{one}; must have four axes, {IMAGES_EXPECTED}")
    raise UnfitArray(EXPECTED)


def _channels(shape: tuple[int, ...]) -> Layout:
    first, last = shape[1], shape[3]
    if last in (1, 3):
        return "channels last"
    if last == 4 and first in (1, 3, 4):
        raise UnfitArray(f"has {first} channels first or 4 last; must be transposed to the latter")
    if last == 4:
        return "channels last"
    if first in (1, 3, 4):
        return "channels first"
    raise UnfitArray(EXPECTED)


def require_values(name: str, array: Shaped[np.ndarray, "n *sample"]) -> None:
    """Refuse features that are not finite, and images whose values are no levels of 8 bits.

    Raises:
        UnfitArray: such values.
    """
    if array.ndim == 2 and array.dtype.kind == "f":
        try:
            check_finite(name, array)
        except FeatureError as error:
            raise UnfitArray(f"{error}; {EXPECTED}") from None
    elif array.dtype.kind == "f" and array.ndim in (3, 4) and array.size:
        raise UnfitArray(f"has values from {_range(array)}; {_as_levels(array)}")
    elif _is_deep(array) and (array.min() < 0 or array.max() > 255):
        raise UnfitArray(f"has values from {_range(array)}; must be from 0 to 255")


def _is_deep(array: Shaped[np.ndarray, "..."]) -> bool:
    return array.dtype.kind in "ui" and array.dtype != np.uint8 and array.size > 0


def _range(array: Shaped[np.ndarray, "..."]) -> str:
    return f"{array.min():g} to {array.max():g}"


def _as_levels(array: Shaped[np.ndarray, "..."]) -> str:
    """Read floating-point images as levels of 8 bits, by what their values may be."""
    if array.min() < 0:
        meant, rule = "-1 to 1", "(x * 127.5 + 127.5)"
    elif array.max() <= 1:
        meant, rule = "0 to 1", "(x * 255)"
    else:
        meant, rule = "0 to 255", "x"
    levels = f"{rule}.round().clip(0, 255).astype('uint8')"
    return f"must hold {IMAGES_EXPECTED}: {levels}, if they are meant to go from {meant}"
