"""BRCA1 of 44 of 55 mammals, whole: a GAN whose discriminator knows how far apart they are.

Command: pip install biopython; pip install --no-deps cogent3; python train.py proteins
Hardware: 2 cores of an AMD EPYC, no GPU.
Expected: docs/proteins.md, of shorter runs.
"""

from pathlib import Path

from cgan.config import Data, Discriminator, Experiment, Generator, Graded, Optim, Penalty

CONFIG = Experiment(
    workdir=Path("runs/proteins"),
    data=Data("proteins", length=968),
    generator=Generator(architecture="conv1d", width=16, depth=4, letters="gumbel"),
    discriminator=Discriminator(architecture="conv1d", width=16, depth=2, pairs=4),
    graded=Graded(weight=1.0),
    penalty=Penalty(r1=1.0, r2=1.0),
    optim=Optim(lr=2e-3, ema_halflife_nimg=8_000),
    batch_size=32,
    total_nimg=64_000,
    steps_per_dispatch=10,
    log_nimg=1_600,
    snapshot_nimg=16_000,
    checkpoint_nimg=16_000,
    probe_nimg=6_400,
)
