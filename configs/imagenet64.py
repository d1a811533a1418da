"""ImageNet at 64x64 without labels, with the small convolutional pair.

Command: tfds build imagenet_resized/64x64 --file_format array_record; make train CONFIG=imagenet64
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.
"""

from cgan.config import Data
from configs.images import images_experiment

CONFIG = images_experiment(
    "imagenet64",
    Data("tfds", name="imagenet_resized/64x64", held_out_split="validation", flip=True),
    resolution=64,
    width=64,
    total_nimg=50_000_000,
)
