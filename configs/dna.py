"""Fragments of four genomes, 250 bases each, with a pair of one-dimensional convolutions.

Command: pip install pyhmmer pyrodigal; python train.py dna
Hardware: 2 cores of an AMD EPYC, no GPU.
Expected: docs/dna.md, of shorter runs.
"""

from pathlib import Path

from cgan.config import Data, Discriminator, Experiment, Generator, Optim, Penalty

CONFIG = Experiment(
    workdir=Path("runs/dna"),
    data=Data("dna"),
    generator=Generator(architecture="conv1d", width=16, depth=3, letters="gumbel"),
    discriminator=Discriminator(architecture="conv1d", width=24, depth=2),
    penalty=Penalty(r1=1.0, r2=1.0),
    optim=Optim(lr=2e-3, ema_halflife_nimg=16_000),
    batch_size=64,
    total_nimg=256_000,
    steps_per_dispatch=10,
    log_nimg=3_200,
    snapshot_nimg=32_000,
    checkpoint_nimg=32_000,
    probe_nimg=12_800,
)
