"""Horses to zebras, unpaired, from tensorflow-datasets (cycle_gan/horse2zebra), at 256x256.

Command: make train CONFIG=horse2zebra
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured.
"""

from cgan.config import Data, Translation
from configs.translations import translation_experiment

CONFIG = translation_experiment(
    "horse2zebra",
    Data(
        "tfds",
        name="cycle_gan/horse2zebra",
        train_split="trainB",
        held_out_split="testB",
        resolution=256,
        channels=3,
        flip=True,
    ),
    Translation(train_split="trainA", held_out_split="testA"),
    resolution=256,
)
