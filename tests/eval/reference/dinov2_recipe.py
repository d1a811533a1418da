"""Seeded random weights and images for a small DINOv2 ViT, with NumPy alone.

Hidden 192, 4 layers, 3 heads, 14-pixel patches, a 37 x 37 grid of positions; keys as in the files
of the Hugging Face hub. dinov2_features.npz holds class-token features [4, 192] of `images()` that
PyTorch made with position embeddings in two conventions: `offset_0.1` (the original network: scale
factor (16 + 0.1) / 37) and `size` (resized to exactly 16 x 16). They differ by 0.05; float32
rounding is 1e-6. dinov2_keys.json lists keys and shapes of the published ViT-B/14 and ViT-L/14.
"""

import zlib

import numpy as np

SEED = 2304
HIDDEN, LAYERS, PATCH = 192, 4, 14


def shapes(d=HIDDEN, layers=LAYERS):
    """Keys and shapes for a hidden size and a number of layers."""
    out = {
        "embeddings.cls_token": (1, 1, d),
        "embeddings.mask_token": (1, d),
        "embeddings.position_embeddings": (1, 1370, d),
        "embeddings.patch_embeddings.projection.weight": (d, 3, PATCH, PATCH),
        "embeddings.patch_embeddings.projection.bias": (d,),
        "layernorm.weight": (d,),
        "layernorm.bias": (d,),
    }
    attention = ("attention.query", "attention.key", "attention.value", "output.dense")
    for layer in range(layers):
        prefix = f"encoder.layer.{layer}."
        for norm in ("norm1", "norm2"):
            out |= {f"{prefix}{norm}.weight": (d,), f"{prefix}{norm}.bias": (d,)}
        for name in attention:
            key = f"{prefix}attention.{name}"
            out |= {f"{key}.weight": (d, d), f"{key}.bias": (d,)}
        for index in (1, 2):
            out[f"{prefix}layer_scale{index}.lambda1"] = (d,)
        out |= {f"{prefix}mlp.fc1.weight": (4 * d, d), f"{prefix}mlp.fc1.bias": (4 * d,)}
        out |= {f"{prefix}mlp.fc2.weight": (d, 4 * d), f"{prefix}mlp.fc2.bias": (d,)}
    return out


def _tensor(key, shape):
    seed = (zlib.crc32(key.encode()) ^ SEED) & 0xFFFFFFFF
    z = np.random.RandomState(seed).standard_normal(shape)
    if key.endswith("lambda1"):
        return (0.5 + 0.1 * z).astype("f4")
    if "norm" in key and key.endswith("weight"):
        return (1 + 0.1 * z).astype("f4")
    if key.endswith("bias"):
        return (0.1 * z).astype("f4")
    if "position_embeddings" in key or "token" in key:
        return (0.5 * z).astype("f4")
    return (z / np.sqrt(np.prod(shape[1:]))).astype("f4")


def weights():
    """State dict as {key: float32 array}."""
    return {key: _tensor(key, shape) for key, shape in shapes().items()}


def images():
    """Images uint8 [4, 224, 224, 3]: blocks and noise, integer arithmetic only."""
    rs = np.random.RandomState(5)
    low = rs.randint(0, 256, (4, 8, 8, 3))
    blocks = np.repeat(np.repeat(low, 28, 1), 28, 2)
    return np.clip(blocks + rs.randint(-30, 31, blocks.shape), 0, 255).astype(np.uint8)
