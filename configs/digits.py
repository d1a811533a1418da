"""Real handwritten digits, 8x8, with a small convolutional pair: the main example.

Command: make train
Hardware: 2 cores of an AMD EPYC, no GPU.
Time: 1.5 minutes, compilation and evaluation included.
Expected: 10 of 10 modes, reverse KL 0.003, Frechet distance 2.2 (digit classifier, n = 10,000).
"""

from pathlib import Path

from cgan.config import Data, Discriminator, Experiment, Generator, Optim, Penalty

CONFIG = Experiment(
    workdir=Path("runs/digits"),
    data=Data("digits"),
    generator=Generator(architecture="conv", width=24, depth=2),
    discriminator=Discriminator(architecture="conv", width=24, depth=2),
    penalty=Penalty(r1=0.5, r2=0.5),
    optim=Optim(lr=3e-3, ema_halflife_nimg=16_000),
    batch_size=64,
    total_nimg=128_000,
    steps_per_dispatch=10,
    log_nimg=3_200,
    snapshot_nimg=16_000,
    checkpoint_nimg=32_000,
    probe_nimg=6_400,
)
