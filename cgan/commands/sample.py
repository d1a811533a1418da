"""Draw samples from a trained run: `python -m cgan.sample RUN --n 64 --out grid.png`."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from cgan.config import require, require_seed
from cgan.kinds import DNA, IMAGE, PROTEIN
from cgan.system import cli, files, terminal
from cgan.system.arguments import parse

if TYPE_CHECKING:
    from cgan.data import Source

WALKS, WALK_STEPS = 8, 8
"""How many walks unless `n` is given, and how long each is."""
FASTA = ".fasta"
N_AT_MOST = 2**24
"""Most samples of one file: all are in memory until they are written."""


@dataclass(frozen=True)
class Arguments:
    """Draw samples from a trained run, with its averaged weights."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/digits."""
    out: Path
    """File to write: .png for a picture, .npz for the array `samples`, .fasta for DNA, proteins."""
    n: int | None = None
    """Number of samples; 64 images or 2,500 points unless given, or 8 images of each class."""
    class_: Annotated[str | None, tyro.conf.arg(name="class")] = None
    """Draw this class only, by its name or index, from a run that learnt with labels."""
    seed: int = 0
    """Seed of the latents: same seed, same samples."""
    interpolate: bool = False
    """Walk between pairs of latents instead, 8 samples a walk."""
    split_channels: bool = False
    """Draw the red, green and blue of each image beside it, as of stacked digits."""
    checkpoint: int | None = None
    """Checkpoint by the images it had seen; the newest unless given."""
    client: int | None = None
    """Draw by this client's generator, in place of the average of a run with clients."""

    def __post_init__(self) -> None:
        require(self.n is None or self.n > 0, "n", self.n, "more than 0")
        require(self.n is None or self.n <= N_AT_MOST, "n", self.n, f"at most {N_AT_MOST}")
        require_seed(self.seed)
        require(self.client is None or self.client >= 0, "client", self.client, "0 or more")
        cli.require_out(self.out, ".png", ".npz", FASTA)
        if self.split_channels:
            pictured = self.out.suffix == ".png"
            require(pictured, "out", str(self.out), "a .png file with --split-channels")
        if self.interpolate and self.n is not None:
            expected = f"a multiple of {WALK_STEPS} to interpolate"
            require(self.n % WALK_STEPS == 0, "n", self.n, expected)


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Parse, load, draw, write.

    Args:
        argv: the command line; None for that of this process.
        source: what the run learnt, where a program handed it to `train`.
    """
    arguments = parse(Arguments, argv, prog="python -m cgan.sample")
    # Imported late: help and errors should not wait for JAX.
    from cgan.sampling import runs

    run = runs.load_run(arguments.run, arguments.checkpoint, source=source, client=arguments.client)
    kind = run.sampler.parts.source.kind
    if arguments.out.suffix == FASTA:
        expected = f"a .png or .npz file for samples of {arguments.run}, which are {kind.plural}"
        require(kind in (DNA, PROTEIN), "out", str(arguments.out), expected)
    if arguments.split_channels:
        shape = run.sampler.parts.source.sample_shape
        expected = f"False: samples of {arguments.run} are not images of 3 channels"
        require(kind is IMAGE and shape[-1] == 3, "split_channels", True, expected)
    label = None if arguments.class_ is None else runs.named_class(run, arguments.class_)
    if arguments.interpolate:
        walks = WALKS if arguments.n is None else arguments.n // WALK_STEPS
        samples = runs.draw_walks(run, walks, WALK_STEPS, arguments.seed, label)
    else:
        walks = 0
        if arguments.n is None and label is None and arguments.out.suffix == ".png":
            samples = runs.draw_picture(run, arguments.seed)
        else:
            n = arguments.n or run.sampler.picture_size
            samples = runs.draw_samples(run, n, arguments.seed, label)
    if arguments.out.suffix == ".npz":
        save_arrays(arguments.out, samples)
    elif arguments.out.suffix == FASTA:
        save_fasta(arguments.out, samples, f"{run.nimg}_{arguments.seed}", kind == PROTEIN)
    elif arguments.split_channels:
        from cgan.sampling.pictures import APART

        files.replace(arguments.out, APART.encoded(samples, walks))
    else:
        title = f"{arguments.run.name}, {run.nimg:,} images seen"
        run.sampler.picture(samples, arguments.out, title, walks)
    terminal.say(
        f"{len(samples)} samples of {arguments.run} at {run.nimg:,} images: {arguments.out}"
    )


def save_fasta(path: Path, samples: np.ndarray, called: str, proteins: bool = False) -> None:
    """Write one-hot letters as a FASTA file, each sample a record."""
    from cgan.data.fasta import NUCLEOTIDES, RESIDUES, written

    codes = samples.argmax(axis=-1).astype(np.uint8)
    records = ((f"generated_{called}_{number}", each) for number, each in enumerate(codes))
    files.replace(path, written(records, RESIDUES if proteins else NUCLEOTIDES).encode())


def save_arrays(path: Path, samples: np.ndarray) -> None:
    """Write the array `samples` as a compressed .npz file."""
    encoded = io.BytesIO()
    np.savez_compressed(encoded, samples=samples)
    files.replace(path, encoded.getvalue())
