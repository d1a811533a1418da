"""CIFAR-10, 32x32, by class, with the pair of R3GAN (21 M parameters each).

Command: tfds build cifar10 --file_format array_record; make train CONFIG=r3gan_cifar10
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.

Schedules and augmentation: those of R3GAN for this set.
"""

from cgan.config import Data
from configs.images import as_r3gan, r3gan_experiment

CONFIG = as_r3gan(
    r3gan_experiment(
        "r3gan_cifar10",
        Data("tfds", name="cifar10", flip=True),
        resolution=32,
        width=768,
        max_width=768,
        group_size=16,
        labels=True,
        total_nimg=20_000_000,
        micro_batches=4,
    ),
    gamma=0.05,
    ema_share=1 / 4,
    probability=0.55,
    ramp_nimg=20_000_000,
)
