"""Pretraining on defects of MoS2: views of one picture are apart by whole lattice vectors.

Command: python train.py pretrain_lattice; python train.py lattice --init-from runs/pretrain_lattice
Hardware: 2 cores of an AMD EPYC, no GPU.
"""

from pathlib import Path

from cgan.config import Augment, Data, Descent, Pretext, Pretraining
from configs import lattice

CONFIG = Pretraining(
    workdir=Path("runs/pretrain_lattice"),
    data=Data("lattice"),
    generator=lattice.CONFIG.generator,
    discriminator=lattice.CONFIG.discriminator,
    augment=Augment(policy="symmetry", shot_noise=4.0),
    pretext=Pretext(temperature=0.5),
    optim=Descent(lr=1e-3),
    batch_size=128,
    total_nimg=128_000,
    steps_per_dispatch=10,
    log_nimg=6_400,
    snapshot_nimg=32_000,
    checkpoint_nimg=32_000,
    probe_nimg=12_800,
)
