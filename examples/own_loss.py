"""A loss of your own: two functions of what the discriminator said, in place of the project's.

    python examples/own_loss.py

Here it is the relativistic average loss (Jolicoeur-Martineau 2018), which the project has as
`--objective.loss average`: a test holds the two against each other. The step is a pure function, so
`jax.jit` compiles it and the loop is short.
"""

from dataclasses import replace
from pathlib import Path

import jax
from jax.nn import softplus

import cgan
from cgan.data.pipeline import load_batches
from configs import CONFIGS


class RelativisticAverage(cgan.Loss):
    """`softplus(E[D(G(z))] - D(x))` and `softplus(D(G(z)) - E[D(x)])`; a generator swaps the signs.

    `batch.local` holds what the discriminator said of this device's rows, `batch.whole` of all of
    them: whatever compares rows with each other takes the others from there.
    """

    def discriminator_terms(self, learnt, batch):
        """Terms by name, one number a row; the loss is the sum of their means."""
        return self.terms(batch, sign=1)

    def generator_terms(self, learnt, batch):
        """The fakes should score higher than the mean real."""
        return self.terms(batch, sign=-1)

    def terms(self, batch, sign):
        """By how much reals are above the mean fake, and fakes below the mean real, graded."""
        real, fake = batch.local.real.score, batch.local.fake.score
        above = real - batch.whole.fake.score.mean()
        below = batch.whole.real.score.mean() - fake
        return {"real": softplus(-sign * above) / 2, "fake": softplus(-sign * below) / 2}


def main(total_nimg: int = 100_000, out: Path = Path("own_loss.png")) -> None:
    """Train on eight Gaussians with this loss, and draw what the generator makes."""
    config = replace(CONFIGS["ring8"], total_nimg=total_nimg)
    parts = cgan.Parts.of(config)._replace(game=RelativisticAverage())
    step, state = jax.jit(parts.train_step()), parts.init_state()
    at_once = min(50, total_nimg // config.batch_size)
    for number in range(0, total_nimg // config.batch_size, at_once):
        batches = load_batches(parts.source, config.batch_size, config.seed, number, at_once)
        state, (metrics, _) = step(state, batches)
        print(f"step {number}: discriminator's loss {metrics['discriminator/loss'][-1]:.3f}")
    cgan.Sampler(parts).snapshot(state.generator_ema, out, f"{total_nimg:,} points seen")


if __name__ == "__main__":
    main()
