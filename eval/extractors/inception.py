"""The Inception extractor: published weights, folded for the network, and its preprocessing."""

from pathlib import Path

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from cgan.config import ConfigError
from cgan.types import Params
from eval.extractors import resize, weights
from eval.extractors.image_network import ImageNetwork
from eval.extractors.inception_network import SIDE, InceptionNetwork
from eval.extractors.weights import Published, State

VERSION = "inception-1"
"""Version of what the same weights read; raise it when the code changes that."""

BATCH_NORM_EPSILON = 1e-3

PUBLISHED = Published(
    extractor="inception",
    file_name="pt_inception-2015-12-05-6726825d.pth",
    download=(
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth"
    ),
)


def load(path: Path | None = None) -> ImageNetwork:
    """Load the Inception extractor with weights from this file, or from the cache folder.

    Raises:
        ConfigError: no file, or one that does not hold this network.
    """
    path = weights.locate(path, PUBLISHED)
    state = weights.checked(path, weights.read_state(path), expected_shapes(), PUBLISHED)
    return ImageNetwork(
        name="inception",
        fingerprint=weights.state_fingerprint(VERSION, state),
        params=folded(path, state),
        apply=InceptionNetwork().apply,
        resize=resize.square(resize.bilinear_tf1, SIDE),
        resized=resize.resized,
    )


def _layers() -> dict[str, tuple[int, ...]]:
    """Shapes of the network's kernels, by layer."""
    squares = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), np.float32)
    params = jax.eval_shape(InceptionNetwork().init, jax.random.key(0), squares)["params"]
    leaves = flatten_dict(params)
    return {
        ".".join(path[:-1]): leaf.shape for path, leaf in leaves.items() if path[-1] == "kernel"
    }


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Keys and shapes of the state dict: 94 convolutions with batch norm, and the last layer."""
    layers = _layers()
    features, classes = layers.pop("fc")
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (height, width, inputs, channels) in layers.items():
        shapes[f"{layer}.conv.weight"] = (channels, inputs, height, width)
        for statistic in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{layer}.bn.{statistic}"] = (channels,)
    return shapes | {"fc.weight": (classes, features), "fc.bias": (classes,)}


def folded(path: Path, state: State) -> Params:
    """The network's parameters: each batch norm folded into its convolution, in float64.

    `gamma (W x - mean) / sqrt(variance + epsilon) + beta` is again a convolution with a bias.

    Raises:
        ConfigError: a variance below zero.
    """
    params: dict[str, np.ndarray] = {"fc.kernel": state["fc.weight"].T}
    for key in state:
        if not key.endswith(".conv.weight"):
            continue
        layer = key.removesuffix(".conv.weight")
        kernel, gamma, beta, mean, variance = (
            state[f"{layer}.{name}"].astype(np.float64)
            for name in ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
        )
        if variance.min() < 0:
            found = f"'{layer}.bn.running_var' holds {variance.min():g}"
            raise ConfigError(f"weights = {str(path)!r}: {found}; must be at least 0")
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        params[f"{layer}.kernel"] = (kernel.transpose(2, 3, 1, 0) * scale).astype(np.float32)
        params[f"{layer}.bias"] = (beta - mean * scale).astype(np.float32)
    return {"params": unflatten_dict(params, sep=".")}
