"""Draw what clients have and what their generators make: a column for each client.

Of one run with clients, or of several on the same shards beside each other, such as isolated and
averaged clients and central training. Draws clients.png in the first run's folder (or --out).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from cgan.config import require, require_seed
from cgan.system import terminal
from cgan.system.arguments import parse
from eval.commands import places, run

if TYPE_CHECKING:
    from cgan.data import Source

N_AT_MOST = 10_000


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that draws clients."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a run."""
    beside: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Folders of other runs on the same data; their clients have the same shards."""
    n: int = 90
    """Samples of each run; of clients that never average, over all of them."""
    seed: int = 0
    """Seed of the latents, and of the choice of reals."""
    out: Path | None = None
    """Folder to write to, or the picture's .png file; the first run's own folder unless given."""

    def __post_init__(self) -> None:
        require(0 < self.n <= N_AT_MOST, "n", self.n, f"from 1 to {N_AT_MOST}")
        require_seed(self.seed)
        roots = (self.run, *self.beside)
        twice = next((str(root) for root in roots if roots.count(root) > 1), None)
        require(twice is None, "beside", twice, "other runs, each named once")
        if self.out is not None:
            places.require_out(self.out, ".png")


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Read, draw, write.

    Args:
        argv: the command line; None for that of this process.
        source: what the runs learnt, where a program handed that to `train`.

    Raises:
        ConfigError: an argument or a run that can't be used, or runs of other shards.
    """
    arguments = parse(Arguments, argv, prog=f"{run.PROG} clients", description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from cgan.system import files
    from eval.clients.picture import draw
    from eval.clients.shown import shown

    picture = places.file_of(arguments.run, arguments.out, "clients.png")
    places.require_files(arguments.run, picture)
    roots = (arguments.run, *arguments.beside)
    files.replace(picture, draw(shown(roots, arguments.n, arguments.seed, source)))
    names = ", ".join(map(str, roots))
    terminal.say(f"{names}: clients' shards and samples in {picture}")
