"""Search a run's latents for samples that a score likes best, by few evaluations of it.

By a Gaussian process, and beside it by random, Sobol and CMA-ES, each from several seeds. Writes a
page (search.html), the picture on it, what each search found (search.jsonl) and the best latents
(best.npz) into RUN/search/SCORE or --out. The journal there holds every evaluation: the same
command goes on where one stopped, bit for bit.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from cgan.config import require
from cgan.system import terminal
from cgan.system.arguments import parse
from eval.commands import places, run
from eval.commands.options import N_AT_MOST, OfRun, require_numbers
from eval.names import MethodName
from eval.search.record import BAR, RECORDS, REFERENCE_AT_LEAST

if TYPE_CHECKING:
    from cgan.data import Source
    from eval.search.measure import Outcome

EVALUATIONS_AT_MOST = 2_000
"""A Gaussian process on more takes minutes a point."""
SEEDS_AT_MOST = 1_000


@dataclass(frozen=True)
class Arguments(OfRun):
    """Arguments of the command that searches a run's latents."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/digits."""
    score: str
    """Score: ink, probability (with --class), gc, motif (with --motif), or a Python file."""
    class_: Annotated[str | None, tyro.conf.arg(name="class")] = None
    """Class by its name or index, whose probability is sought.

    Of a run that learnt with labels it is also the one that samples are asked for.
    """
    motif: str | None = None
    """Motif that score = 'motif' looks for: letters A, C, G, T, or N for any, such as TATAAT."""
    evaluations: int = 60
    """Evaluations of the score by each search."""
    seeds: int = 10
    """Searches by each method, from seeds that follow on one another."""
    seed: int = 0
    """First of the seeds."""
    methods: tuple[MethodName, ...] = ("bayes", "random", "sobol", "cmaes")
    """Methods, the first being that whose best samples the page shows."""
    dimensions: int | None = None
    """Latent dimensions searched; all where there are 16 or fewer, a slice of 12 otherwise."""
    reference_n: int = 10_000
    """Random latents that are scored to compare with, 1,000 or more; 0 for a costly score."""
    out: Path | None = None
    """Folder to write to, or the page's .html file; RUN/search/SCORE unless given."""

    def __post_init__(self) -> None:
        require_numbers(None, self.seed)
        self.require_checkpoint()
        inside = 1 <= self.evaluations <= EVALUATIONS_AT_MOST
        require(inside, "evaluations", self.evaluations, f"from 1 to {EVALUATIONS_AT_MOST}")
        inside = 1 <= self.seeds <= SEEDS_AT_MOST
        require(inside, "seeds", self.seeds, f"from 1 to {SEEDS_AT_MOST}")
        require_numbers(None, self.seed + self.seeds - 1)
        require(len(self.methods) > 0, "methods", "", "one or more")
        once = len(set(self.methods)) == len(self.methods)
        require(once, "methods", " ".join(self.methods), "each named once")
        inside = self.reference_n == 0 or REFERENCE_AT_LEAST <= self.reference_n <= N_AT_MOST
        expected = (
            f"0, or from {REFERENCE_AT_LEAST} to {N_AT_MOST}: fewer have no {BAR}th percentile"
        )
        require(inside, "reference_n", self.reference_n, expected)
        if self.out is not None:
            places.require_out(self.out, ".html")


def main(argv: Sequence[str] | None = None, source: "Source | None" = None) -> None:
    """Search, keep, draw, write and print.

    Args:
        argv: the command line; None for that of this process.
        source: what the run learnt, where a program handed that to `train`.

    Raises:
        ConfigError: an argument, a run or a score that can't be used, or a package that is missing.
        DiskError: files that can't be written.
    """
    arguments = parse(Arguments, argv, prog=f"{run.PROG} search", description=__doc__)
    # Imported late: help and errors should not wait for JAX.
    from cgan.run_folder.run_data import splits_of
    from cgan.run_folder.workdir import Workdir
    from cgan.sampling import runs
    from cgan.system import files
    from eval.display.progress import reading
    from eval.files.records import append_records
    from eval.search import journal, scores
    from eval.search.measure import Plan, Space, records_of, search
    from eval.search.methods import require_installed
    from eval.search.page import page
    from eval.search.picture import draw
    from eval.search.table import print_search
    from eval.splits import Splits

    require_installed(arguments.methods)
    root, out = arguments.run, arguments.out
    loaded = runs.load_run(root, arguments.checkpoint, arguments.step, source)

    def splits() -> Splits:
        return Splits(*splits_of(Workdir(root), loaded.config, arguments.where, source))

    asked = scores.Asked(loaded, splits, arguments.class_, arguments.motif)
    score = scores.load(arguments.score, asked)
    space = Space(root, loaded, score, arguments.dimensions, arguments.class_)
    usual = root / "search" / scores.folder_name(score, arguments.class_)
    folder, page_file = places.folder_of(usual, out), places.file_of(usual, out, "search.html")
    names = (journal.JOURNAL, RECORDS, "search.png", "best.npz")
    journal_file, records_file, picture_file, best_file = (folder / name for name in names)
    places.require_files(root, page_file, journal_file, records_file, picture_file, best_file)
    seeds = tuple(range(arguments.seed, arguments.seed + arguments.seeds))
    plan = Plan(arguments.methods, seeds, arguments.evaluations, arguments.reference_n)
    total = len(plan.methods) * len(seeds) * plan.evaluations
    with reading("evaluations", total) as advance, journal.kept(journal_file, space.key) as kept:
        outcome = search(space, plan, kept, advance)
    records = records_of(outcome)
    try:
        append_records(records_file, records)
        drawn = draw(outcome, records)
        files.replace(picture_file, drawn)
        files.replace(best_file, best_arrays(outcome))
        files.replace(page_file, page(outcome, records, drawn).encode())
    finally:
        print_search(score.meaning, records)
    if outcome.resumed:
        terminal.say(f"{outcome.resumed:,} of {total:,} evaluations were in {journal_file}")
    terminal.say(f"page: {page_file}")


def best_arrays(outcome: "Outcome") -> bytes:
    """The best of each search as a .npz file: latents, samples, scores, methods and seeds."""
    import numpy as np

    found = outcome.searches
    encoded = io.BytesIO()
    np.savez_compressed(
        encoded,
        latents=outcome.latents(found),
        samples=outcome.samples(found),
        scores=np.array([search.best_so_far[-1] for search in found]),
        methods=np.array([search.method for search in found]),
        seeds=np.array([search.seed for search in found]),
    )
    return encoded.getvalue()
