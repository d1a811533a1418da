"""Pretraining on BRCA1 of 44 mammals: the discriminator of `proteins` learns their distances.

Command: python train.py pretrain_proteins; python -m eval graded runs/pretrain_proteins
Hardware: 2 cores of an AMD EPYC, no GPU.
Expected: docs/proteins.md.
"""

from pathlib import Path

from cgan.config import Augment, Data, Descent, Discriminator, Pretext, Pretraining
from configs import proteins

CONFIG = Pretraining(
    workdir=Path("runs/pretrain_proteins"),
    data=Data("proteins", length=968),
    generator=proteins.CONFIG.generator,
    discriminator=Discriminator(architecture="conv1d", width=2, depth=1, pairs=4),
    pretext=Pretext(task="graded", dimensions=512, distance="squared"),
    augment=Augment(),
    optim=Descent(lr=1e-4),
    batch_size=32,
    total_nimg=3_200,
    steps_per_dispatch=10,
    log_nimg=320,
    snapshot_nimg=3_200,
    checkpoint_nimg=3_200,
    probe_nimg=640,
)
