"""Real handwritten digits that scikit-learn ships, alone and stacked as three channels.

`digits`: 1,797 images of 8x8 pixels (Alpaydin & Kaynak 1998, UCI optical recognition of
handwritten digits), one in five held out. `stacked_digits`: three of them, drawn independently,
as the channels of one image, which makes 1,000 modes: the protocol of Stacked MNIST (Metz et al.
2017, Unrolled GANs, section 3.3.1) on data that needs no download. The modes' shares may follow a
power law (`shares.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from cgan.config import ConfigError
from cgan.data.abilities import Literature
from cgan.data.contents import Content, content_of, hash_of
from cgan.data.shares import name_of, power_law
from cgan.data.source import Source, Split, decode_images, encode_images, split_rng
from cgan.kinds import IMAGE
from cgan.system.cache import load_arrays, save_arrays
from cgan.system.files import cache_folder
from cgan.types import Batch

HELD_OUT = 0.2
STACKED_SAMPLES = {"train": 1_048_576, "test": 26_000}
SPLIT_SEED = 0
LITERATURE = Literature(10_000, min_accuracy=0.97)
PLACE_VALUES = np.array([100, 10, 1], np.int32)
LabeledImages = tuple[UInt8[np.ndarray, "n height width 1"], Int[np.ndarray, " n"]]


def _shares(labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, " 10"]:
    return np.bincount(labels, minlength=10) / len(labels)


@dataclass(frozen=True)
class Digits:
    """One split of grey digits and their labels 0 to 9."""

    images: UInt8[np.ndarray, "n height width 1"]
    labels: Int[np.ndarray, " n"]
    name: str = "digits"
    class_names: Sequence[str] = tuple("0123456789")
    literature: Literature = LITERATURE
    kind = IMAGE

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.images.shape[1:]

    @property
    def class_weights(self) -> Float[np.ndarray, " 10"]:
        return _shares(self.labels)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        return Batch(self.images[indices], self.labels[indices])

    def content(self) -> Content:
        """The content of the split, in a few hashes."""
        hashes = np.stack([np.frombuffer(hash_of(x.tobytes()), np.uint8) for x in self.images])
        return content_of(hashes, self.labels)

    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)


@dataclass(frozen=True)
class StackedDigits:
    """Triples of digits as the channels of one image; its label reads them as `100a + 10b + c`."""

    digits: Digits
    triples: Int[np.ndarray, "n 3"]
    class_weights: Float[np.ndarray, " 1000"]
    name: str
    class_names: Sequence[str] = tuple(f"{number:03d}" for number in range(1000))
    kind = IMAGE

    @property
    def literature(self) -> Literature:
        """Metz et al. 2017; its digits are read as well as they are alone."""
        return Literature(26_000, 131_072, self.digits.literature.min_accuracy)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (*self.digits.sample_shape[:2], 3)

    @property
    def class_groups(self) -> Int[np.ndarray, " 1000"]:
        """The digit in the first channel, which says whose an image is among clients.

        By all three channels 5 clients of two digits would have 40 of the 1,000 modes between them.
        """
        return np.arange(1000) // PLACE_VALUES[0]

    def part_of_group(
        self, stored: UInt8[np.ndarray, "n height width 3"]
    ) -> UInt8[np.ndarray, "n height width 1"]:
        """The first channel."""
        return stored[..., :1]

    def __len__(self) -> int:
        return len(self.triples)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        triples = self.triples[indices]
        images = np.moveaxis(self.digits.images[triples, :, :, 0], 1, -1)
        return Batch(np.ascontiguousarray(images), self.digits.labels[triples] @ PLACE_VALUES)

    def content(self) -> Content:
        """The content of the split: whole numbers, which every machine draws alike."""
        drawn = hash_of(self.digits.content().ordered.encode() + self.triples.tobytes()).hex()
        return Content(drawn, drawn, self.digits.labels[self.triples] @ PLACE_VALUES)

    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)


def load_digits(split: Split) -> Digits:
    """Load the digits of a split; it is the same for every experiment, classes in balance."""
    return Digits(*kept("digits-1", split, _of_scikit_learn))


def _of_scikit_learn() -> LabeledImages:
    from sklearn import datasets

    bunch = datasets.load_digits()
    images = np.rint(bunch.images[..., None] * (255 / 16)).astype(np.uint8)
    return images, bunch.target.astype(np.int32)


def kept(version: str, split: Split, load: Callable[[], LabeledImages]) -> LabeledImages:
    """A split of a library's images, from the cache folder or now: importing them takes seconds.

    Args:
        version: of what is kept; another one where `load` or the splits change.
        split: which one.
        load: the images of both splits.
    """
    path = cache_folder() / "data" / f"{version}.npz"
    arrays = load_arrays(path)
    images, labels = f"{split}_images", f"{split}_labels"
    if arrays is None or not arrays.keys() >= {images, labels}:
        arrays = _in_splits(*load())
        save_arrays(path, arrays)
    return arrays[images], arrays[labels]


def _in_splits(
    images: UInt8[np.ndarray, "n height width 1"], labels: Int[np.ndarray, " n"]
) -> dict[str, np.ndarray]:
    from sklearn import model_selection

    train, test = model_selection.train_test_split(
        np.arange(len(images)), test_size=HELD_OUT, random_state=SPLIT_SEED, stratify=labels
    )
    return {
        f"{split}_{name}": array[chosen]
        for split, chosen in (("train", train), ("test", test))
        for name, array in (("images", images), ("labels", labels))
    }


def load_stacked_digits(split: Split, imbalance: float = 0.0) -> Source:
    """Load a fixed list of triples of a split's digits."""
    return stack(load_digits(split), split, "stacked_digits", imbalance)


def stack(digits: Digits, split: Split, name: str, imbalance: float = 0.0) -> StackedDigits:
    """Stack a fixed list of triples of these digits, the same for every experiment.

    Args:
        digits: what to stack.
        split: which split they are of.
        name: of the data set.
        imbalance: alpha of the power law of the 1,000 modes' shares; 0 draws each digit of the
            split as often as any other, and the channels independently.

    Raises:
        ConfigError: an imbalance where a digit is missing.
    """
    rng, size = split_rng(split), STACKED_SAMPLES[split]
    dtype = np.int16 if len(digits) < 2**15 else np.int32  # which also decides what is drawn
    if not imbalance:
        triples = rng.integers(len(digits), size=(size, 3), dtype=dtype)
        alone = digits.class_weights
        shares = np.einsum("a,b,c->abc", alone, alone, alone).ravel()
        return StackedDigits(digits, triples, shares, name)
    shares = power_law(1000, imbalance)
    modes = rng.choice(1000, size=size, p=shares)
    triples = _one_of_each(digits, modes[:, None] // PLACE_VALUES % 10, rng).astype(dtype)
    return StackedDigits(digits, triples, shares, name_of(name, imbalance))


def _one_of_each(
    digits: Digits, wanted: Int[np.ndarray, "n 3"], rng: np.random.Generator
) -> Int[np.ndarray, "n 3"]:
    """Choose a digit for each wanted label, each digit of the label as likely as the others."""
    counts = np.bincount(digits.labels, minlength=10)
    if not counts.all():
        raise ConfigError(
            f"data.imbalance: {digits.name} has no digit {int(np.argmin(counts))}; must be 0"
        )
    by_label = np.argsort(digits.labels, kind="stable")
    first = np.cumsum(counts) - counts
    return by_label[first[wanted] + rng.integers(counts[wanted])]
