"""The DINOv2 extractor: published weights, arranged for the network, and its preprocessing.

The Frechet distance on its features is the FD-DINOv2 of Stein et al. (2023), who read them with the
large network. As there, images become squares of 224 pixels by Pillow's bicubic filter, in whole
grey levels.
"""

from pathlib import Path

import numpy as np

from cgan.types import Params
from eval.extractors import dinov2_keys, resize, weights
from eval.extractors.dinov2_network import HEAD_CHANNELS, PATCH, SIDE, DinoNetwork
from eval.extractors.image_network import ImageNetwork
from eval.extractors.weights import Published, State

VERSION = "dinov2-1"
"""Version of what the same weights read; raise it when the code changes that."""

OFFSET = 0.1
"""Offset added to the new size of the grid of positions before dividing by the old one."""

PUBLISHED = Published(
    extractor="dinov2",
    file_name="dinov2-large.safetensors",
    download=(
        "model.safetensors of https://huggingface.co/facebook/dinov2-large (or dinov2-base; "
        "or dinov2_vitl14_pretrain.pth of the PyTorch hub)"
    ),
)


def load(path: Path | None = None) -> ImageNetwork:
    """Load the DINOv2 extractor with weights from this file, or from the cache folder.

    The number of layers and the hidden size are those of the file.

    Raises:
        ConfigError: no file, or one that does not hold such a network.
    """
    path = weights.locate(path, PUBLISHED)
    state = weights.read_state(path)
    hub = dinov2_keys.from_hub(state)
    hidden, layers = dinov2_keys.sizes(state)
    shapes = dinov2_keys.expected_shapes(hidden, layers, hub)
    state = weights.checked(path, state, shapes, PUBLISHED)
    if hub:
        state = dinov2_keys.renamed(state, layers)
    return ImageNetwork(
        name="dinov2",
        fingerprint=weights.state_fingerprint(VERSION, state),
        params=arranged(state, layers),
        apply=DinoNetwork(hidden, layers).apply,
        resize=resize.square(resize.bicubic_antialiased, SIDE),
        resized=resize.resized_in_gray_levels,
    )


def positions(embeddings: np.ndarray) -> np.ndarray:
    """Position embeddings resized to the grid of patches, `[1 + grid^2, d]`.

    They were trained for `[1, 1 + 37^2, d]`. The original network gives the magnification as `(16 +
    0.1) / 37` instead of the size 16 x 16, which moves all positions a little. FD-DINOv2 figures
    depend on it.
    """
    old, new = dinov2_keys.GRID, SIDE // PATCH
    matrix = resize.bicubic(old, new, factor=(new + OFFSET) / old)
    class_position, grid = embeddings[0, :1], embeddings[0, 1:].reshape(old, old, -1)
    resized = np.einsum("yh,xw,hwd->yxd", matrix, matrix, grid, optimize=True)
    return np.concatenate([class_position, resized.reshape(new * new, -1)])


def arranged(state: State, layers: int) -> Params:
    """The network's parameters from a state dict in the layout of Hugging Face."""
    hidden = state["layernorm.weight"].shape[0]
    heads = (hidden // HEAD_CHANNELS, HEAD_CHANNELS)

    def stacked(key: str) -> np.ndarray:
        return np.stack([state[f"encoder.layer.{layer}.{key}"] for layer in range(layers)])

    def norm(key: str) -> Params:
        return {"scale": stacked(f"{key}.weight"), "bias": stacked(f"{key}.bias")}

    def dense(key: str) -> dict[str, np.ndarray]:
        kernel = stacked(f"{key}.weight").transpose(0, 2, 1)
        return {"kernel": kernel, "bias": stacked(f"{key}.bias")}

    def to_heads(key: str) -> Params:
        layer = dense(f"attention.attention.{key}")
        return {
            "kernel": layer["kernel"].reshape(layers, hidden, *heads),
            "bias": layer["bias"].reshape(layers, *heads),
        }

    out = dense("attention.output.dense")
    out["kernel"] = out["kernel"].reshape(layers, *heads, hidden)
    patches = state["embeddings.patch_embeddings.projection.weight"]
    params = {
        "class_token": state["embeddings.cls_token"][0, 0],
        "positions": positions(state["embeddings.position_embeddings"]),
        "patches": {
            "kernel": patches.transpose(2, 3, 1, 0),
            "bias": state["embeddings.patch_embeddings.projection.bias"],
        },
        "blocks": {
            "norm1": norm("norm1"),
            "attention": {key: to_heads(key) for key in ("query", "key", "value")} | {"out": out},
            "scale1": stacked("layer_scale1.lambda1"),
            "norm2": norm("norm2"),
            "fc1": dense("mlp.fc1"),
            "fc2": dense("mlp.fc2"),
            "scale2": stacked("layer_scale2.lambda1"),
        },
        "norm": {"scale": state["layernorm.weight"], "bias": state["layernorm.bias"]},
    }
    return {"params": params}
