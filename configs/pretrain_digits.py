"""Pretraining on real handwritten digits, 8x8, for the pair of `digits` to start from.

Command: python train.py pretrain_digits; python train.py digits --init-from runs/pretrain_digits
Hardware: 2 cores of an AMD EPYC, no GPU.
Time: 1 to 2 minutes, compilation included.
Expected: held-out accuracy 0.93 (contrastive), 0.67 (jigsaw); held out explained 0.63 (masked).
"""

from pathlib import Path

from cgan.config import Augment, Data, Descent, Discriminator, Generator, Pretraining

CONFIG = Pretraining(
    workdir=Path("runs/pretrain_digits"),
    data=Data("digits"),
    generator=Generator(architecture="conv", width=24, depth=2),
    discriminator=Discriminator(architecture="conv", width=24, depth=2),
    augment=Augment(strength=0.5),
    optim=Descent(lr=1e-3),
    batch_size=64,
    total_nimg=128_000,
    steps_per_dispatch=10,
    log_nimg=3_200,
    snapshot_nimg=16_000,
    checkpoint_nimg=32_000,
    probe_nimg=6_400,
)
