"""Draw samples from a trained run: `python -m cgan.sample RUN --n 64 --out grid.png`."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from cgan import cli
from cgan.config import require

WALK_STEPS = 8


@dataclass(frozen=True)
class Arguments:
    """Draw samples from a trained run, with its averaged weights."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/digits."""
    out: Path
    """File to write: .png for a picture, .npz for the array `samples`."""
    n: int = 64
    """How many samples."""
    seed: int = 0
    """Seed of the latents: same seed, same samples."""
    interpolate: bool = False
    """Walk between pairs of latents instead, 8 samples a walk."""
    checkpoint: int | None = None
    """Which checkpoint, by images seen; the newest unless given."""

    def __post_init__(self) -> None:
        require(self.n > 0, "n", self.n, "more than 0")
        require(0 <= self.seed < 2**32, "seed", self.seed, "from 0 to 2**32 - 1")
        require(self.out.suffix in (".png", ".npz"), "out", str(self.out), "a .png or .npz file")
        require(not self.out.is_dir(), "out", str(self.out), "a file, not a folder")
        above = next(path for path in self.out.absolute().parents if path.exists())
        require(above.is_dir(), "out", str(self.out), f"in a folder; {above} is a file")
        if self.interpolate:
            expected = f"a multiple of {WALK_STEPS} to interpolate"
            require(self.n % WALK_STEPS == 0, "n", self.n, expected)


def main() -> None:
    """Parse, load, draw, write."""
    arguments = tyro.cli(Arguments, prog="python -m cgan.sample")
    # Imported late: help and errors should not wait for JAX.
    from cgan import files, sampling

    run = sampling.load_run(arguments.run, arguments.checkpoint)
    walks = arguments.n // WALK_STEPS if arguments.interpolate else 0
    if walks:
        ends = run.sampler.latents(2 * walks, arguments.seed, "latents/samples")
        latents = sampling.latent_walks(np.asarray(ends), WALK_STEPS)
        samples = run.sampler.generate(run.params, latents)
    else:
        samples = sampling.draw_samples(run, arguments.n, arguments.seed)
    if arguments.out.suffix == ".npz":
        encoded = io.BytesIO()
        np.savez_compressed(encoded, samples=samples)
        files.replace(arguments.out, encoded.getvalue())
    else:
        title = f"{arguments.run.name}, {run.nimg:,} images seen"
        run.sampler.picture(samples, arguments.out, title, walks)
    print(f"{arguments.n} samples of {arguments.run} at {run.nimg:,} images: {arguments.out}")


if __name__ == "__main__":
    cli.run(main)
