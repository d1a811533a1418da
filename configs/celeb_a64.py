"""CelebA, faces cropped to 64x64, with the small convolutional pair.

Command: tfds build celeb_a --file_format array_record; make train CONFIG=celeb_a64
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.
"""

from cgan.config import Data
from configs.images import images_experiment

CONFIG = images_experiment(
    "celeb_a64",
    Data("tfds", name="celeb_a", resolution=64, flip=True),
    resolution=64,
    width=32,
    total_nimg=20_000_000,
)
