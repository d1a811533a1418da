"""ImageNet at 32x32 without labels, with the small convolutional pair.

Command: tfds build imagenet_resized/32x32 --file_format array_record; make train CONFIG=imagenet32
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.
"""

from cgan.config import Data
from configs.images import images_experiment

CONFIG = images_experiment(
    "imagenet32",
    Data("tfds", name="imagenet_resized/32x32", held_out_split="validation", flip=True),
    resolution=32,
    width=96,
    total_nimg=50_000_000,
)
