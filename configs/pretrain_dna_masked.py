"""Pretraining on fragments of four genomes: a discriminator names the bases that are hidden.

Command: python train.py pretrain_dna_masked
Hardware: 2 cores of an AMD EPYC, no GPU.
Expected: docs/masked_sequences.md.
"""

from pathlib import Path

from cgan.config import Augment, Data, Descent, Pretext, Pretraining
from configs import dna

CONFIG = Pretraining(
    workdir=Path("runs/pretrain_dna_masked"),
    data=Data("dna", length=100),
    pretext=Pretext("masked", hidden=0.15),
    generator=dna.CONFIG.generator,
    discriminator=dna.CONFIG.discriminator,
    augment=Augment(policy="reverse_complement", probability=0.5),
    optim=Descent(lr=3e-3),
    batch_size=64,
    total_nimg=96_000,
    steps_per_dispatch=20,
    log_nimg=6_400,
    snapshot_nimg=32_000,
    checkpoint_nimg=32_000,
    probe_nimg=12_800,
)
