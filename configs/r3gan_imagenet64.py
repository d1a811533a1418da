"""ImageNet at 64x64 by class, with the pair of R3GAN (104 and 107 M parameters).

Command: tfds build imagenet_resized/64x64 --file_format array_record
    make train CONFIG=r3gan_imagenet64
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.

Schedules and augmentation: those of R3GAN for this set, along this training. The paper's ramp
takes 200 million images, in batches of 4,096.
"""

from cgan.config import Data
from configs.images import as_r3gan, r3gan_experiment

CONFIG = as_r3gan(
    r3gan_experiment(
        "r3gan_imagenet64",
        Data("tfds", name="imagenet_resized/64x64", held_out_split="validation", flip=True),
        resolution=64,
        width=1536,
        max_width=1536,
        group_size=32,
        labels=True,
        total_nimg=50_000_000,
        micro_batches=64,
    ),
    gamma=1.0,
    ema_share=1 / 4,
    probability=0.4,
)
