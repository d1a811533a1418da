"""Seeded random weights and images for an Inception-v3 (FID variant), with NumPy alone.

`weights()` has the layout of `pt_inception-2015-12-05`: keys and shapes in inception_keys.json,
batch norm statistics in inception_bn.npz, measured in one forward pass: features keep their size.

inception_features.npz holds what torch-fidelity 0.4.0 (`inception-v3-compat`, torch 2.13.0,
float32) made of the first four of `images(case)`: `features_<case>` [4, 2048], `logits_<case>`
[4, 1008] (with the last layer's bias), and of the first image `resized_<case>` [24, 299, 3], the
rows `ROWS` of its resize to 299. Its float32 features differ from float64 by up to 9e-5.
"""

import json
import pathlib
import zlib

import numpy as np

HERE = pathlib.Path(__file__).parent
SEED = 20151205
CASES = {"32": (11, 16, 32, 32), "64x48": (13, 4, 64, 48)}
"""Seed, number of images, height, width."""
ROWS = np.linspace(0, 298, 24).astype(int)


def _tensor(key, shape):
    rs = np.random.RandomState((zlib.crc32(key.encode()) ^ SEED) & 0xFFFFFFFF)
    z = rs.standard_normal(shape)
    if key.endswith("conv.weight"):
        z = z * np.sqrt(2.0 / np.prod(shape[1:]))
    elif key.endswith("bn.weight"):
        z = 1.0 + 0.2 * z
    elif key.endswith("bn.bias"):
        z = 0.2 * z
    elif key == "fc.weight":
        z = z * np.sqrt(1.0 / shape[1])
    elif key == "fc.bias":
        z = 0.1 * z
    else:
        raise KeyError(key)
    return z.astype(np.float32)


def shapes():
    """Keys and shapes of the published file."""
    listed = json.loads((HERE / "inception_keys.json").read_text())
    return {key: tuple(shape) for key, shape in listed}


def weights():
    """State dict as {key: float32 array}, in PyTorch's layout (OIHW convolutions)."""
    statistics = np.load(HERE / "inception_bn.npz")
    return {
        key: statistics[key] if "running_" in key else _tensor(key, shape)
        for key, shape in shapes().items()
    }


def images(case):
    """Images uint8 NHWC: blocks and noise, integer arithmetic only."""
    seed, n, height, width = CASES[case]
    rs = np.random.RandomState(seed)
    block = max(1, height // 8)
    grid = -(-max(height, width) // block)
    low = rs.randint(0, 256, (n, grid, grid, 3))
    blocks = np.repeat(np.repeat(low, block, 1), block, 2)[:, :height, :width]
    noise = rs.randint(-40, 41, (n, height, width, 3))
    return np.clip(blocks + noise, 0, 255).astype(np.uint8)
