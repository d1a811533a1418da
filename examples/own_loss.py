"""A loss of your own: two functions of what the discriminator said, in place of the project's.

    python examples/own_loss.py

Here it is relativistic average least squares (Jolicoeur-Martineau 2018): a real should score 1
above the mean fake. The step is a pure function: `jax.jit` compiles it, and the loop is short.
"""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp

import cgan
from cgan.data.pipeline import load_batches
from configs import CONFIGS


class RelativisticLeastSquares(cgan.Loss):
    """`(D(x) - E[D(G(z))] - 1)^2` and `(D(G(z)) - E[D(x)] + 1)^2`; the players swap the signs.

    `batch.local` holds what the discriminator said of this device's rows, `batch.whole` of all of
    them: whatever compares rows with each other takes the others from there.
    """

    def discriminator_terms(self, learnt, batch):
        """Terms by name, one number a row; the loss is the sum of their means."""
        return self.terms(batch, ahead=1.0)

    def generator_terms(self, learnt, batch):
        """The fakes should score 1 above the mean real."""
        return self.terms(batch, ahead=-1.0)

    def terms(self, batch, ahead):
        """Squared distances from where reals and fakes should be."""
        real, fake = batch.local.real.score, batch.local.fake.score
        mean_real, mean_fake = batch.whole.real.score.mean(), batch.whole.fake.score.mean()
        return {
            "real": jnp.square(real - mean_fake - ahead),
            "fake": jnp.square(fake - mean_real + ahead),
        }


def main(total_nimg: int = 100_000, out: Path = Path("own_loss.png")) -> None:
    """Train on eight Gaussians with this loss, and draw what the generator makes."""
    config = replace(CONFIGS["ring8"], total_nimg=total_nimg)
    parts = cgan.Parts.of(config)._replace(game=RelativisticLeastSquares())
    step, state = jax.jit(parts.train_step()), parts.init_state()
    at_once = min(50, total_nimg // config.batch_size)
    for number in range(0, total_nimg // config.batch_size, at_once):
        batches = load_batches(parts.source, config.batch_size, config.seed, number, at_once)
        state, (metrics, _) = step(state, batches)
        print(f"step {number}: discriminator's loss {metrics['discriminator/loss'][-1]:.3f}")
    cgan.Sampler(parts).snapshot(state.generator_ema, out, f"{total_nimg:,} points seen")


if __name__ == "__main__":
    main()
