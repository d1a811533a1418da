"""Stacked MNIST, 1,000 modes, against a discriminator with a quarter of the units.

Where a discriminator is far smaller than its generator, losses that cover all modes otherwise drop
some (Metz et al. 2017, Unrolled GANs, section 3.3.1).

Command: make train CONFIG=stacked_mnist_starved
    (with tfds build mnist --file_format array_record first: all of MNIST, as in stacked_mnist)
Hardware: two cores; not yet run.
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
    discriminator=replace(
        BASE.discriminator,
        width=BASE.generator.width // 4,
        hidden_units=BASE.generator.hidden_units // 4,
    ),
)
