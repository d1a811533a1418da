"""A data set of your own: one object that says what it holds.

    python examples/own_data.py

Here it is a spiral in the plane with two arms. Anything that can be indexed will do: the members
are those of `cgan.Source`, whatever the class is, and `held_out`, which is not trained on.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

import cgan
from cgan.kinds import POINT
from configs import CONFIGS


class Spiral:
    """Points on two arms around the origin, with a little noise; a point's class is its arm."""

    name = "spiral"
    kind = POINT
    sample_shape = (2,)
    class_names = ("one arm", "the other")
    class_weights = np.array([0.5, 0.5])

    def __init__(self, n: int, seed: int, held_out: "Spiral | None" = None) -> None:
        """Draw the samples of one split."""
        self.held_out = held_out
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(2, size=n)
        radius = np.sqrt(rng.uniform(0.02, 1, size=n))
        angle = 2 * np.pi * radius + np.pi * self.labels
        points = radius * np.stack([np.cos(angle), np.sin(angle)])
        self.points = (points.T + rng.normal(0, 0.02, size=(n, 2))).astype(np.float32)

    def __len__(self):
        """How many samples there are."""
        return len(self.points)

    def __getitem__(self, indices):
        """The samples at these indices and their classes."""
        return cgan.Batch(self.points[indices], self.labels[indices])

    def encode(self, stored):
        """Samples as the networks see them: with a spread of about 1."""
        return 2 * stored

    def decode(self, samples):
        """What a generator made, as it is stored."""
        return samples / 2


def main(total_nimg: int = 100_000, out: Path = Path("own_data.png")) -> None:
    """Train on the spiral, and draw what the generator makes of it."""
    workdir = out.parent / "runs/spiral"
    config = replace(CONFIGS["ring8"], workdir=workdir, data=cgan.Data("own"))
    config = replace(config, total_nimg=total_nimg, steps_per_dispatch=10)
    source = Spiral(n=10_000, seed=0, held_out=Spiral(n=2_000, seed=1))
    cgan.train(config, source=source)
    run = cgan.load_run(config.workdir, source=source)
    run.sampler.snapshot(run.params, out, f"{total_nimg:,} points seen")


if __name__ == "__main__":
    main()
