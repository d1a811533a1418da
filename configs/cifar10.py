"""CIFAR-10, 32x32, with the small convolutional pair.

Command: tfds build cifar10 --file_format array_record; make train CONFIG=cifar10
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.

Schedules and augmentation: those of R3GAN for this set.
"""

from cgan.config import Data
from configs.images import as_r3gan, images_experiment

CONFIG = as_r3gan(
    images_experiment(
        "cifar10",
        Data("tfds", name="cifar10", flip=True),
        resolution=32,
        width=64,
        total_nimg=20_000_000,
    ),
    gamma=0.05,
    ema_share=1 / 4,
    probability=0.55,
    ramp_nimg=20_000_000,
)
