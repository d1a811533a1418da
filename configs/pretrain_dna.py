"""Pretraining on four genomes: which windows of 250 bases are from one neighbourhood of 2,000.

The discriminator counts k-mers of 6 letters that it learns, on both strands.

Command: python train.py pretrain_dna; python -m benchmarks.strands runs/pretrain_dna
Hardware: 2 cores of an AMD EPYC, no GPU.
Expected: docs/dna.md.
"""

from pathlib import Path

from cgan.config import Augment, Data, Descent, Discriminator, Pretext, Pretraining
from configs import dna

CONFIG = Pretraining(
    workdir=Path("runs/pretrain_dna"),
    data=Data("dna", length=2_000),
    pretext=Pretext(both_views=True),
    generator=dna.CONFIG.generator,
    discriminator=Discriminator("conv1d", width=64, depth=0, kmer=6, both_strands=True),
    augment=Augment(policy="reverse_complement", window=250),
    optim=Descent(lr=5e-3),
    batch_size=128,
    total_nimg=32_000,
    steps_per_dispatch=10,
    log_nimg=3_200,
    snapshot_nimg=32_000,
    checkpoint_nimg=32_000,
    probe_nimg=12_800,
)
