"""Draw what a discriminator thinks: `python -m cgan.rank RUN --reals 8 --out rank.png`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import tyro

from cgan.config import DataChanged, require, require_seed
from cgan.kinds import DNA, IMAGE, POINT, PROTEIN, SEQUENCE
from cgan.system import cli, terminal
from cgan.system.arguments import parse
from cgan.types import Head

if TYPE_CHECKING:
    from cgan.data import Source


class Fakes(NamedTuple):
    """How many there are beside a real."""

    usual: int
    most: int


FAKES = {
    IMAGE: Fakes(12, 64),
    POINT: Fakes(256, 256),
    SEQUENCE: Fakes(12, 64),
    DNA: Fakes(12, 64),
    PROTEIN: Fakes(12, 64),
}
"""How many fakes stand beside a real, by the kind of the samples."""


@dataclass(frozen=True)
class Arguments:
    """Draw real samples, each beside fakes in the order that the discriminator puts them in."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/digits."""
    out: Path
    """File to write: .png."""
    reals: int = 8
    """Number of held-out real samples, one a row."""
    fakes: int | None = None
    """Number of fakes for each real; 12 images or 256 points unless given."""
    seed: int = 0
    """Seed of the choice of reals and of the latents: same seed, same picture."""
    by: Head | None = None
    """Order by the score's margin or the embeddings' similarity; the score unless it's absent."""
    checkpoint: int | None = None
    """Checkpoint by the images it had seen; the newest unless given."""
    data_path: Path | None = None
    """Path of the run's data now, if they moved."""
    data_changed: DataChanged = "refuse"
    """Whether to go on where the data are not those that the run learnt."""

    def __post_init__(self) -> None:
        require(1 <= self.reals <= 64, "reals", self.reals, "from 1 to 64")
        if self.fakes is not None:
            images, points = FAKES[IMAGE].most, FAKES[POINT].most
            expected = f"from 2 to {images} images or {points} points"
            require(2 <= self.fakes <= max(images, points), "fakes", self.fakes, expected)
        require_seed(self.seed)
        cli.require_out(self.out, ".png")


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Parse, load, rank, draw.

    Args:
        argv: the command line; None for that of this process.
        source: what the run learnt, where a program handed it to `train`.
    """
    arguments = parse(Arguments, argv, prog="python -m cgan.rank")
    # Imported late: help and errors should not wait for JAX.
    from cgan.run_folder.run_data import Whereabouts, splits_of
    from cgan.run_folder.workdir import Workdir
    from cgan.sampling.ranking import rank_fakes
    from cgan.sampling.ranking_picture import save_ranking
    from cgan.sampling.runs import restore_run

    run = restore_run(arguments.run, arguments.checkpoint, source)
    kind = run.parts.source.kind
    usual, most = FAKES[kind]
    fakes = arguments.fakes or usual
    require(fakes <= most, "fakes", fakes, f"at most {most} {kind.plural}")
    where = Whereabouts(arguments.data_path, arguments.data_changed)
    _, held_out = splits_of(Workdir(arguments.run), run.parts.config, where, source)
    ranking = rank_fakes(run, held_out, arguments.reals, fakes, arguments.seed, arguments.by)
    save_ranking(arguments.out, ranking, f"{arguments.run.name}, {run.nimg:,} images seen")
    terminal.say(
        f"{arguments.reals} reals, each beside {fakes} fakes of {arguments.run} "
        f"at {run.nimg:,} images: {arguments.out}"
    )
