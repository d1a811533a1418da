"""A small convolutional network that reads digits; its last hidden layer gives the features.

It plays the part that Inception plays for photographs (Heusel et al. 2017) on the data that ships
with scikit-learn, and, as in Metz et al. 2017 (Unrolled GANs, section 3.3.1), it counts the modes
of stacked digits by reading each channel. It is trained once, on the train split only, and cached.
"""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Float, Int, UInt8

from cgan.data import Source
from cgan.data.digits import Digits, load_digits
from cgan.types import Params
from eval.cache import cache_folder, load_arrays, note, save_arrays
from eval.extractors.base import Features
from eval.fingerprint import fingerprint

Weights = dict[str, np.ndarray]
"""The network's parameters by path, such as `params/Dense_0/kernel`."""


@dataclass(frozen=True)
class Recipe:
    """All that decides the classifier, besides its training data."""

    channels: tuple[int, int] = (32, 64)
    features: int = 64
    epochs: int = 40
    batch_size: int = 128
    lr: float = 3e-3
    weight_decay: float = 1e-2
    shift: int = 1
    """Largest shift of a training image, in pixels."""
    seed: int = 0
    version: int = 1
    """Raise it when the code below changes what it makes."""


RECIPE = Recipe()
MIN_ACCURACY = 0.97
READ_BATCH = 2048


class DigitNetwork(nn.Module):
    """Pixels 0..255 `[n, 8, 8, 1]` to features `[n, recipe.features]` and logits `[n, 10]`."""

    recipe: Recipe

    @nn.compact
    def __call__(
        self, pixels: UInt8[Array, "n 8 8 1"]
    ) -> tuple[Float[Array, "n d"], Float[Array, "n 10"]]:
        hidden = pixels.astype(jnp.float32) / 255
        hidden = nn.gelu(nn.Conv(self.recipe.channels[0], (3, 3))(hidden))
        hidden = nn.gelu(nn.Conv(self.recipe.channels[1], (3, 3), strides=2)(hidden))
        hidden = hidden.reshape(hidden.shape[0], -1)
        features = nn.gelu(nn.Dense(self.recipe.features)(hidden))
        return features, nn.Dense(10)(features)


def _shifted(
    images: UInt8[np.ndarray, "n 8 8 1"], largest: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "n 8 8 1"]:
    """Each image moved by up to `largest` pixels either way, with black at the edges."""
    padded = np.pad(images, ((0, 0), (largest, largest), (largest, largest), (0, 0)))
    top, left = rng.integers(0, 2 * largest + 1, size=(2, len(images), 1))
    rows, columns = top + np.arange(8), left + np.arange(8)
    return padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


def train(digits: Digits, recipe: Recipe = RECIPE) -> Weights:
    """Train the classifier: AdamW with a cosine decay, cross-entropy, shifted images."""
    network = DigitNetwork(recipe)
    batches = len(digits) // recipe.batch_size
    schedule = optax.cosine_decay_schedule(recipe.lr, recipe.epochs * batches)
    optimiser = optax.adamw(schedule, weight_decay=recipe.weight_decay)
    shape = jnp.zeros((1, *digits.sample_shape), jnp.uint8)
    params = jax.jit(network.init)(jax.random.key(recipe.seed), shape)
    state = optimiser.init(params)

    def mean_loss(
        params: Params, images: UInt8[Array, "n 8 8 1"], labels: Int[Array, " n"]
    ) -> Float[Array, ""]:
        _, logits = network.apply(params, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    @jax.jit
    def update(params: Params, state: Any, images: Any, labels: Any) -> tuple[Params, Any]:
        gradient = jax.grad(mean_loss)(params, images, labels)
        updates, state = optimiser.update(gradient, state, params)
        return optax.apply_updates(params, updates), state

    rng = np.random.default_rng(recipe.seed)
    for _ in range(recipe.epochs):
        order = rng.permutation(len(digits))[: batches * recipe.batch_size]
        for indices in order.reshape(batches, -1):
            images = _shifted(digits.images[indices], recipe.shift, rng)
            params, state = update(params, state, images, digits.labels[indices])
    leaves = flatten_dict(jax.device_get(params), sep="/")
    return {path: np.asarray(leaf) for path, leaf in leaves.items()}


@dataclass(frozen=True)
class DigitClassifier:
    """Reads each channel of an image as a digit.

    With one channel the label is the digit; with three it is `100a + 10b + c`, and the features are
    those of the channels side by side.
    """

    weights: Weights
    accuracy: float | None = None
    recipe: Recipe = RECIPE
    name: str = "digit_classifier"

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the weights themselves: another machine may train slightly other ones."""
        named = sorted(self.weights.items())
        return fingerprint(json.dumps(asdict(self.recipe)), *(leaf for _, leaf in named))

    @cached_property
    def _apply(self) -> Any:
        params = jax.device_put(unflatten_dict(self.weights, sep="/"))
        apply = jax.jit(DigitNetwork(self.recipe).apply)
        return lambda batch: jax.device_get(apply(params, batch))

    def _read(
        self, images: UInt8[np.ndarray, "n 8 8 1"]
    ) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
        """Features and digits of single channels, in batches of one shape (one compilation)."""
        features = np.empty((len(images), self.recipe.features), np.float32)
        digits = np.empty(len(images), np.int64)
        for start in range(0, len(images), READ_BATCH):
            batch = images[start : start + READ_BATCH]
            padding = [(0, READ_BATCH - len(batch)), (0, 0), (0, 0), (0, 0)]
            read, logits = self._apply(np.pad(batch, padding))
            rows = slice(start, start + len(batch))
            features[rows] = read[: len(batch)]
            digits[rows] = logits[: len(batch)].argmax(axis=-1)
        return features, digits

    def __call__(self, stored: UInt8[np.ndarray, "n 8 8 channels"]) -> Features:
        n, channels = len(stored), stored.shape[-1]
        single = np.ascontiguousarray(np.moveaxis(stored, -1, 1)).reshape(n * channels, 64)
        # Real stacks repeat the same few digits: each distinct channel is read once.
        _, first, inverse = np.unique(
            single.view("V64").ravel(), return_index=True, return_inverse=True
        )
        features, digits = self._read(single[first].reshape(-1, 8, 8, 1))
        place_values = 10 ** np.arange(channels)[::-1]
        return Features(
            features[inverse].reshape(n, channels * self.recipe.features),
            digits[inverse].reshape(n, channels) @ place_values,
        )


def _measure(weights: Weights, held_out: Digits) -> DigitClassifier:
    reader = DigitClassifier(weights)
    accuracy = float((reader(held_out.images).labels == held_out.labels).mean())
    return DigitClassifier(weights, accuracy)


def _shapes(weights: Weights) -> dict[str, tuple[int, ...]]:
    return {path: leaf.shape for path, leaf in weights.items() if leaf.dtype == np.float32}


def _expected_shapes() -> dict[str, tuple[int, ...]]:
    image = jax.ShapeDtypeStruct((1, 8, 8, 1), jnp.uint8)
    params = jax.eval_shape(DigitNetwork(RECIPE).init, jax.random.key(0), image)
    return {path: leaf.shape for path, leaf in flatten_dict(params, sep="/").items()}


def load(source: Source | None = None) -> DigitClassifier:
    """The classifier from the cache, or trained now (a few seconds) and cached.

    Raises:
        RuntimeError: its held-out accuracy is below 97 %, so that its counts can't be trusted.
    """
    digits, held_out = load_digits("train"), load_digits("test")
    key = fingerprint(digits.images, digits.labels, json.dumps(asdict(RECIPE)))
    path = cache_folder() / f"digit_classifier-{key}.npz"
    weights = load_arrays(path)
    if weights is not None:
        if _shapes(weights) == _expected_shapes():
            classifier = _measure(weights, held_out)
            if classifier.accuracy is not None and classifier.accuracy >= MIN_ACCURACY:
                return classifier
        note(f"cache file {path} does not hold this classifier; building it anew")
    note("training the digit classifier (once, a few seconds)")
    classifier = _measure(train(digits), held_out)
    if classifier.accuracy is None or classifier.accuracy < MIN_ACCURACY:
        raise RuntimeError(
            f"the digit classifier reads {classifier.accuracy:.1%} of held-out digits right; "
            f"{MIN_ACCURACY:.0%} or more are needed"
        )
    save_arrays(path, classifier.weights)
    return classifier
