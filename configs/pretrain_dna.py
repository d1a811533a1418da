"""Pretraining on fragments of four genomes: the discriminator of `dna` tells one from all others.

Command: python train.py pretrain_dna; python train.py dna --init-from runs/pretrain_dna
Hardware: 2 cores of an AMD EPYC, no GPU.
Expected: docs/dna.md, of shorter runs.
"""

from pathlib import Path

from cgan.config import Augment, Data, Descent, Pretraining
from configs import dna

CONFIG = Pretraining(
    workdir=Path("runs/pretrain_dna"),
    data=Data("dna"),
    generator=dna.CONFIG.generator,
    discriminator=dna.CONFIG.discriminator,
    augment=Augment(policy="reverse_complement", probability=0.5, shift=125),
    optim=Descent(lr=2e-3),
    batch_size=128,
    total_nimg=128_000,
    steps_per_dispatch=10,
    log_nimg=6_400,
    snapshot_nimg=32_000,
    checkpoint_nimg=32_000,
    probe_nimg=12_800,
)
