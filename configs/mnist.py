"""MNIST, 28x28, with the small convolutional pair.

Command: tfds build mnist --file_format array_record; make train CONFIG=mnist
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.
"""

from cgan.config import Data
from configs.images import images_experiment

CONFIG = images_experiment(
    "mnist",
    Data("tfds", name="mnist"),
    resolution=28,
    width=32,
    total_nimg=2_000_000,
)
