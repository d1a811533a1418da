"""Pretraining on defects of MoS2: views of one picture are apart by whole lattice vectors.

Its discriminator reads a picture around each site of the lattice, and its views share no electrons.
Command: pip install ase; python train.py pretrain_lattice
Hardware: 2 busy cores of an Intel Xeon, no GPU.
Time: 1 to 2 minutes, compilation included.
Expected: 99.5 % of defects named from 5 labels a class (docs/lattice.md).
"""

from pathlib import Path

from cgan.config import Augment, Data, Descent, Discriminator, Pretext, Pretraining
from configs import lattice

CONFIG = Pretraining(
    workdir=Path("runs/pretrain_lattice"),
    data=Data("lattice"),
    generator=lattice.CONFIG.generator,
    discriminator=Discriminator(architecture="mlp", width=64, depth=2, cells=(7, 4, 0, 8)),
    augment=Augment(policy="symmetry", shot_noise=2.0),
    pretext=Pretext(temperature=0.2),
    optim=Descent(lr=1e-3),
    batch_size=128,
    total_nimg=57_600,
    steps_per_dispatch=10,
    log_nimg=11_520,
    snapshot_nimg=57_600,
    checkpoint_nimg=57_600,
    probe_nimg=11_520,
)
