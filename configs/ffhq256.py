"""FFHQ faces from a folder or archive, at 256x256, with the small convolutional pair.

Command: make train CONFIG=ffhq256 ARGS="--data.path PATH"
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.
"""

from pathlib import Path

from cgan.config import Data
from configs.images import images_experiment

CONFIG = images_experiment(
    "ffhq256",
    Data("folder", path=Path("data/ffhq"), resolution=256, flip=True),
    resolution=256,
    width=16,
    total_nimg=25_000_000,
)
