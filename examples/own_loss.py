"""A loss of your own: two functions of what the discriminator said, in place of the project's.

    python examples/own_loss.py

Here it is least squares on pairs: each real should beat the fake of its own row by a margin of 1.
The step is a pure function, so `jax.jit` compiles it and the loop is five lines.
"""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp

import cgan
from cgan.data.pipeline import load_batches
from configs import CONFIGS


class PairedLeastSquares(cgan.Loss):
    """`(D(x_i) - D(G(z_i)) - 1)^2`, and for the generator the same with the sign turned.

    `batch.local` holds what the discriminator said of this device's rows, `batch.whole` of all
    rows: a loss that compares rows with each other takes the others from there.
    """

    def discriminator_terms(self, learnt, batch):
        """One number for each real; the mean of every term is taken, and their sum."""
        return {"pair": jnp.square(self.margins(batch) - 1)}

    def generator_terms(self, learnt, batch):
        """The fakes must beat the reals."""
        return {"pair": jnp.square(self.margins(batch) + 1)}

    def margins(self, batch):
        """By how much each real beats its row's fake; `[rows]`."""
        real, fake = batch.local.real.score, batch.local.fake.score
        return real.astype(jnp.float32) - fake.astype(jnp.float32)


def main(total_nimg: int = 100_000, out: Path = Path("own_loss.png")) -> None:
    """Train on eight Gaussians with this loss, and draw what the generator makes."""
    config = replace(CONFIGS["ring8"], total_nimg=total_nimg)
    parts = cgan.Parts.of(config)._replace(game=PairedLeastSquares())
    step, state = jax.jit(parts.train_step()), parts.init_state()
    at_once = min(50, total_nimg // config.batch_size)
    for number in range(0, total_nimg // config.batch_size, at_once):
        batches = load_batches(parts.source, config.batch_size, config.seed, number, at_once)
        state, (metrics, _) = step(state, batches)
        print(f"step {number}: discriminator's loss {metrics['discriminator/loss'][-1]:.3f}")
    cgan.Sampler(parts).snapshot(state.generator_ema, out, f"{total_nimg:,} points seen")


if __name__ == "__main__":
    main()
