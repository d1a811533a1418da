"""Keys and shapes of DINOv2 state dicts: those of the Hugging Face hub and of the PyTorch hub."""

from typing import NamedTuple

import numpy as np

from eval.extractors.dinov2_network import HEAD_CHANNELS, PATCH
from eval.extractors.weights import State

GRID = 37
"""Patches along a side of the images that DINOv2 was last trained with: 518 pixels."""

Shapes = dict[str, tuple[int, ...]]


class Tensor(NamedTuple):
    """One tensor of a DINOv2 file: its key in either layout, its shape in the hidden size `d`."""

    hub: str
    ours: tuple[str, ...]
    """Keys in the layout of Hugging Face; several where the first axis is split."""
    shape: tuple[int | str, ...]


OUTSIDE = (
    Tensor("cls_token", ("embeddings.cls_token",), (1, 1, "d")),
    Tensor("mask_token", ("embeddings.mask_token",), (1, "d")),
    Tensor("pos_embed", ("embeddings.position_embeddings",), (1, 1 + GRID**2, "d")),
    Tensor(
        "patch_embed.proj.weight",
        ("embeddings.patch_embeddings.projection.weight",),
        ("d", 3, PATCH, PATCH),
    ),
    Tensor("patch_embed.proj.bias", ("embeddings.patch_embeddings.projection.bias",), ("d",)),
    Tensor("norm.weight", ("layernorm.weight",), ("d",)),
    Tensor("norm.bias", ("layernorm.bias",), ("d",)),
)

_SPLIT = tuple(f"attention.attention.{name}" for name in ("query", "key", "value"))

IN_LAYER = (
    Tensor("norm1.weight", ("norm1.weight",), ("d",)),
    Tensor("norm1.bias", ("norm1.bias",), ("d",)),
    Tensor("attn.qkv.weight", tuple(f"{key}.weight" for key in _SPLIT), ("3d", "d")),
    Tensor("attn.qkv.bias", tuple(f"{key}.bias" for key in _SPLIT), ("3d",)),
    Tensor("attn.proj.weight", ("attention.output.dense.weight",), ("d", "d")),
    Tensor("attn.proj.bias", ("attention.output.dense.bias",), ("d",)),
    Tensor("ls1.gamma", ("layer_scale1.lambda1",), ("d",)),
    Tensor("norm2.weight", ("norm2.weight",), ("d",)),
    Tensor("norm2.bias", ("norm2.bias",), ("d",)),
    Tensor("mlp.fc1.weight", ("mlp.fc1.weight",), ("4d", "d")),
    Tensor("mlp.fc1.bias", ("mlp.fc1.bias",), ("4d",)),
    Tensor("mlp.fc2.weight", ("mlp.fc2.weight",), ("d", "4d")),
    Tensor("mlp.fc2.bias", ("mlp.fc2.bias",), ("d",)),
    Tensor("ls2.gamma", ("layer_scale2.lambda1",), ("d",)),
)


def _tensors(layers: int) -> list[Tensor]:
    """All tensors of a DINOv2 file with their full keys, in both layouts."""
    inside = [
        Tensor(
            f"blocks.{layer}.{tensor.hub}",
            tuple(f"encoder.layer.{layer}.{key}" for key in tensor.ours),
            tensor.shape,
        )
        for layer in range(layers)
        for tensor in IN_LAYER
    ]
    return [*OUTSIDE, *inside]


def from_hub(state: State) -> bool:
    """Whether a state dict's keys are those of the PyTorch hub."""
    return "cls_token" in state


def sizes(state: State) -> tuple[int, int]:
    """The hidden size and number of layers that a state dict seems to have: at least 64, and 1."""
    token = "cls_token" if from_hub(state) else "embeddings.cls_token"
    prefix = "blocks." if from_hub(state) else "encoder.layer."
    hidden = state[token].shape[-1] if token in state and state[token].ndim else 0
    indices = {key.removeprefix(prefix).split(".")[0] for key in state if key.startswith(prefix)}
    return max(hidden // HEAD_CHANNELS, 1) * HEAD_CHANNELS, max(len(indices), 1)


def expected_shapes(hidden: int, layers: int, hub: bool) -> Shapes:
    """Keys and shapes of a state dict, in one of the layouts."""
    units = {"d": hidden, "3d": 3 * hidden, "4d": 4 * hidden}
    shapes: Shapes = {}
    for tensor in _tensors(layers):
        first, *rest = (units[side] if isinstance(side, str) else side for side in tensor.shape)
        if hub:
            shapes[tensor.hub] = (first, *rest)
        else:
            shapes |= {key: (first // len(tensor.ours), *rest) for key in tensor.ours}
    return shapes


def renamed(state: State, layers: int) -> State:
    """Rename a state dict of the PyTorch hub to the layout of Hugging Face."""
    out: State = {}
    for tensor in _tensors(layers):
        parts = np.split(state[tensor.hub], len(tensor.ours))
        out |= dict(zip(tensor.ours, parts, strict=True))
    return out
