"""A small convolutional classifier of the data set's own labels, whose hidden layer gives features.

It plays the part that Inception plays for photographs (Heusel et al. 2017) on data of another kind,
and it counts modes by reading the class of each sample (Metz et al. 2017, Unrolled GANs, section
3.3.1). It is trained once, on the train split only, and cached. Features are its last hidden layer.
"""

import json
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Float, Int, UInt8

from cgan import parallel
from cgan.data import Source
from cgan.system import compile_options
from cgan.system.cache import load_arrays, note, save_arrays
from cgan.system.files import cache_folder
from cgan.types import Params
from eval.extractors.base import Features, images_at_once
from eval.files.fingerprint import fingerprint

Weights = dict[str, np.ndarray]
"""The network's parameters by path, such as `params/Dense_0/kernel`."""


class Labeled(NamedTuple):
    """Images with the class of each."""

    images: UInt8[np.ndarray, "n height width channels"]
    labels: Int[np.ndarray, " n"]


@dataclass(frozen=True)
class Recipe:
    """All settings that decide the classifier, besides its training data."""

    features: int = 64
    epochs: int = 40
    nimg_at_most: int = 500_000
    """Most images seen in training: large data sets are seen fewer times, but at least twice."""
    train_rows_at_most: int = 100_000
    batch_size: int = 128
    lr: float = 3e-3
    weight_decay: float = 1e-2
    seed: int = 0
    version: int = 2
    """Version of the code below; raise it when that changes what it makes by more than rounding."""


RECIPE = Recipe()
CPU_BATCH = 256
"""Images that a CPU reads at once.

The maps of more fall out of a processor's caches, and take three times as long.
"""
ACCELERATOR_BATCH = 2048
HIGHEST = jax.lax.Precision.HIGHEST


class ClassifierNetwork(nn.Module):
    """The classifier's network: pixels 0..255, `[n, height, width, c]`, to features and logits.

    One convolution at full size, then one for each halving until a side is 4 pixels or fewer.
    """

    classes: int
    features: int

    @nn.compact
    def __call__(
        self, pixels: UInt8[Array, "n height width channels"]
    ) -> tuple[Float[Array, "n d"], Float[Array, "n classes"]]:
        hidden = pixels.astype(jnp.float32) / 255
        convolution = partial(nn.Conv, kernel_size=(3, 3), precision=HIGHEST)
        hidden = nn.gelu(convolution(32)(hidden))
        channels = 64
        while min(hidden.shape[1:3]) > 4:
            hidden = nn.gelu(convolution(channels, strides=2)(hidden))
            channels = min(2 * channels, 256)
        hidden = hidden.reshape(hidden.shape[0], -1)
        features = nn.gelu(nn.Dense(self.features, precision=HIGHEST)(hidden))
        return features, nn.Dense(self.classes, precision=HIGHEST)(features)


def _shifted(
    images: UInt8[np.ndarray, "n height width channels"], rng: np.random.Generator
) -> UInt8[np.ndarray, "n height width channels"]:
    """Each image moved by up to an eighth of its smaller side, with black at the edges."""
    n, height, width, _ = images.shape
    largest = max(1, min(height, width) // 8)
    padded = np.pad(images, ((0, 0), (largest, largest), (largest, largest), (0, 0)))
    top, left = rng.integers(0, 2 * largest + 1, size=(2, n, 1))
    rows, columns = top + np.arange(height), left + np.arange(width)
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def train(data: Labeled, classes: int, recipe: Recipe = RECIPE) -> Weights:
    """Train the classifier: AdamW with a cosine decay, cross-entropy, shifted images."""
    n = len(data.images)
    network = ClassifierNetwork(classes, recipe.features)
    batch_size = min(recipe.batch_size, n)
    batches = n // batch_size
    epochs = min(recipe.epochs, max(2, recipe.nimg_at_most // n))
    schedule = optax.cosine_decay_schedule(recipe.lr, epochs * batches)
    optimizer = optax.adamw(schedule, weight_decay=recipe.weight_decay)
    once = compile_options.for_once()
    params = jax.jit(network.init, compiler_options=once)(
        jax.random.key(recipe.seed), data.images[:1]
    )
    state = jax.jit(optimizer.init)(params)

    def mean_loss(
        params: Params, images: UInt8[Array, "n height width channels"], labels: Int[Array, " n"]
    ) -> Float[Array, ""]:
        _, logits = network.apply(params, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    @partial(jax.jit, compiler_options=compile_options.options())
    def update(params: Params, state: Any, images: Any, labels: Any) -> tuple[Params, Any]:
        gradient = jax.grad(mean_loss)(params, images, labels)
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state

    rng = np.random.default_rng(recipe.seed)
    for _ in range(epochs):
        order = rng.permutation(n)[: batches * batch_size]
        for indices in order.reshape(batches, -1):
            images = _shifted(data.images[indices], rng)
            params, state = update(params, state, images, data.labels[indices])
    leaves = flatten_dict(jax.device_get(params), sep="/")
    return {path: np.asarray(leaf) for path, leaf in leaves.items()}


@dataclass(frozen=True)
class Classifier:
    """Extractor of images of one shape: features, the likeliest class, and logits."""

    weights: Weights
    image_shape: tuple[int, int, int]
    classes: int
    accuracy: float | None = None
    name: str = "classifier"

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the weights themselves: another machine may train slightly other ones."""
        named = sorted(self.weights.items())
        return fingerprint(json.dumps(asdict(RECIPE)), *(leaf for _, leaf in named))

    @cached_property
    def _apply(self) -> Any:
        devices = jax.local_devices()
        apply = ClassifierNetwork(self.classes, RECIPE.features).apply
        params = parallel.replicate(unflatten_dict(self.weights, sep="/"), devices)
        read = parallel.spread(apply, devices)
        return lambda batch: jax.device_get(read(params, batch))

    def __call__(self, stored: UInt8[np.ndarray, "n height width channels"]) -> Features:
        """Read features and classes, in batches of one shape (one compilation)."""
        n, batch = len(stored), images_at_once(CPU_BATCH, ACCELERATOR_BATCH)
        features = np.empty((n, RECIPE.features), np.float32)
        logits = np.empty((n, self.classes), np.float32)
        for start in range(0, n, batch):
            rows = slice(start, min(start + batch, n))
            images = stored[rows]
            padding = [(0, batch - len(images)), (0, 0), (0, 0), (0, 0)]
            read = self._apply(np.pad(images, padding))
            features[rows], logits[rows] = (part[: len(images)] for part in read)
        return Features(features, logits.argmax(axis=-1), logits)


def labeled(source: Source, at_most: int) -> Labeled:
    """The images and labels of a source, at most the first so many."""
    batch = source[np.arange(min(len(source), at_most))]
    return Labeled(np.asarray(batch.x), np.asarray(batch.label))


def load(train_source: Source, held_out_source: Source) -> Classifier:
    """The classifier of a labelled data set, from the cache or trained now and cached.

    Its `accuracy` is measured anew on the held-out split. A cached file that reads worse than it
    did when it was made is damaged, and is made again.
    """
    data = labeled(train_source, RECIPE.train_rows_at_most)
    held_out = labeled(held_out_source, RECIPE.train_rows_at_most)
    classes = len(train_source.class_names)

    def measured(weights: Weights) -> Classifier:
        reader = Classifier(weights, data.images.shape[1:], classes)
        accuracy = float(np.mean(reader(held_out.images).labels == held_out.labels))
        return Classifier(weights, reader.image_shape, classes, accuracy)

    key = fingerprint(data.images, data.labels, f"{classes} {json.dumps(asdict(RECIPE))}")
    path = cache_folder() / f"classifier-{train_source.name}-{key}.npz"
    if (arrays := load_arrays(path)) is not None:
        accuracy = arrays.pop("accuracy", np.array(np.inf))
        if _shapes(arrays) == _expected_shapes(data.images[:1], classes):
            classifier = measured(arrays)
            if abs((classifier.accuracy or 0.0) - float(accuracy)) < 0.01:
                return classifier
        note(f"cache file {path} does not hold this classifier; building it anew")
    note(f"training the classifier of {train_source.name} (once)")
    classifier = measured(train(data, classes))
    save_arrays(path, classifier.weights | {"accuracy": np.array(classifier.accuracy)})
    return classifier


def _shapes(weights: Weights) -> dict[str, tuple[int, ...]]:
    return {path: leaf.shape for path, leaf in weights.items() if leaf.dtype == np.float32}


def _expected_shapes(
    image: UInt8[np.ndarray, "1 height width channels"], classes: int
) -> dict[str, tuple[int, ...]]:
    network = ClassifierNetwork(classes, RECIPE.features)
    params = jax.eval_shape(network.init, jax.random.key(0), image)
    return {path: leaf.shape for path, leaf in flatten_dict(params, sep="/").items()}
