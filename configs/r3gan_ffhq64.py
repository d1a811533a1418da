"""FFHQ faces from a folder or archive, at 64x64, with the pair of R3GAN (22 M parameters each).

Command: make train CONFIG=r3gan_ffhq64 ARGS="--data.path PATH"
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.

Schedules and augmentation: those of R3GAN for this set.
"""

from pathlib import Path

from cgan.config import Data
from configs.images import as_r3gan, r3gan_experiment

CONFIG = as_r3gan(
    r3gan_experiment(
        "r3gan_ffhq64",
        Data("folder", path=Path("data/ffhq"), resolution=64, flip=True),
        resolution=64,
        width=384,
        max_width=768,
        group_size=16,
        total_nimg=20_000_000,
        micro_batches=16,
    ),
    gamma=2.0,
    ema_share=1 / 40,
    probability=0.3,
    ramp_nimg=20_000_000,
)
