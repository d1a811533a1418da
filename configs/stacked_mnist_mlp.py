"""Stacked MNIST, 28x28, 1,000 modes, by multilayer perceptrons.

Command: make train CONFIG=stacked_mnist_mlp
    (or MNIST of tensorflow-datasets, see stacked_mnist; evaluation names stacked_mnist_5k without)
Hardware: one core of an AMD EPYC, whose other core did something else.
Time: 43 minutes, and 12 more, on shared cores, for the first evaluation's classifier and reference.
Expected: 1,000 of 1,000 modes, reverse KL 0.25 (n = 26,000; a perfect sampler scores 0.019).
"""

from pathlib import Path

from cgan.config import Data, Experiment, Optim, Penalty

CONFIG = Experiment(
    workdir=Path("runs/stacked_mnist_mlp"),
    data=Data("stacked_mnist"),
    penalty=Penalty(r1=2.5, r2=2.5),
    optim=Optim(lr=3e-4, ema_halflife_nimg=200_000),
    batch_size=64,
    total_nimg=3_200_000,
    steps_per_dispatch=20,
    log_nimg=12_800,
    snapshot_nimg=640_000,
    checkpoint_nimg=320_000,
)
