"""Defects of monolayer MoS2, five classes at shares from 60 % to 3 %, 28x32, simulated.

The generator makes rates of electrons and one defect; the neighbour game keeps rare classes.
Command: pip install ase; python train.py lattice
Hardware: a core of an Intel Xeon, no GPU.
Time: 7 minutes; evaluation 2.
Expected: five of five classes, molybdenum vacancies at a quarter of their share (docs/lattice.md).
"""

from pathlib import Path

from cgan.config import (
    Augment,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Objective,
    Optim,
    Penalty,
)

CONFIG = Experiment(
    workdir=Path("runs/lattice"),
    data=Data("lattice", shares=(60.0, 20.0, 10.0, 7.0, 3.0)),
    generator=Generator("mlp", width=128, shot_noise=2.0, cells=(7, 4, 0, 8)),
    discriminator=Discriminator("mlp", width=64, depth=2, cells=(7, 4, 0, 8)),
    objective=Objective(loss="pairwise"),
    embedding=Embedding(weight=0.3),
    augment=Augment(policy="symmetry", shot_noise=2.0),
    penalty=Penalty(r1=0.02, r2=0.02),
    optim=Optim(ema_halflife_nimg=8_000),
    batch_size=64,
    total_nimg=256_000,
    steps_per_dispatch=10,
    log_nimg=3_200,
    snapshot_nimg=32_000,
    checkpoint_nimg=64_000,
    probe_nimg=12_800,
)
