"""Photographs by day to such by night, unpaired, from two folders, at 128x128.

Command: make train CONFIG=day2night128 ARGS="--translation.path DAY --data.path NIGHT"
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.
"""

from pathlib import Path

from cgan.config import Data, Translation
from configs.translations import translation_experiment

CONFIG = translation_experiment(
    "day2night128",
    Data("folder", path=Path("data/day2night/night"), resolution=128, channels=3, flip=True),
    Translation(path=Path("data/day2night/day")),
    resolution=128,
)
