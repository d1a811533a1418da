"""Searches of a run's latents: ask a method, generate, score, keep."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgan.config import require
from cgan.sampling import runs
from cgan.sampling.runs import Run
from eval.files.fingerprint import fingerprint, of_code
from eval.gather import Advance
from eval.measuring.runs import key_of
from eval.names import MethodName
from eval.search.cube import COORDINATES, Slice, directions
from eval.search.journal import Journal
from eval.search.methods import METHODS, History
from eval.search.record import BAR, Found
from eval.search.scores import Score

WHOLE_AT_MOST = 16
"""Most latent dimensions that are searched as they are, unless a user says how many."""
OF_A_SLICE = 12
"""Dimensions of the slice that is searched where there are more."""
DIRECTIONS_N = 2_048
"""Samples from which the directions of slices are taken; the score reads none of them."""


class Space:
    """What is searched: the cube, its map to latents, and samples of these with their scores."""

    def __init__(
        self,
        root: Path,
        run: Run,
        score: Score,
        dimensions: int | None = None,
        class_: str | None = None,
    ) -> None:
        architecture = run.config.generator.architecture
        expected = "a generator from noise: this one translates pictures, and has no latents"
        translates = run.config.generator.translates
        require(not translates, "generator.architecture", architecture, expected)
        latent_dim = run.config.generator.latent_dim
        expected = f"from 1 to {latent_dim}, the run's latent_dim"
        inside = dimensions is None or 1 <= dimensions <= latent_dim
        require(inside, "dimensions", dimensions, expected)
        usual = latent_dim if latent_dim <= WHOLE_AT_MOST else OF_A_SLICE
        self.root, self.run, self.score = root, run, score
        self.dimensions, self.latent_dim = dimensions or usual, latent_dim
        self.asked_class = class_ if run.has_classes else None
        require(
            not run.has_classes or class_ is not None,
            "class",
            None,
            "given for this run, which learnt with labels: the class that samples are asked for",
        )

    @cached_property
    def _label(self) -> int | None:
        named = self.asked_class
        return None if named is None else runs.named_class(self.run, named)

    def drawn(self, n: int, seed: int, stream: str) -> Float[np.ndarray, "n latent_dim"]:
        """Latents as the prior draws them."""
        return np.asarray(self.run.sampler.latents(n, seed, f"search/{stream}"))

    def samples(self, latents: Float[np.ndarray, "n latent_dim"]) -> np.ndarray:
        """Samples in the stored form, by the averaged weights."""
        label = self._label
        labels = None if label is None else np.full(len(latents), label, np.int32)
        latents = latents.astype(np.float32)
        return self.run.sampler.generate(self.run.params, latents, labels)

    @cached_property
    def _directions(self) -> Float[np.ndarray, "d latent_dim"] | None:
        if self.dimensions == self.latent_dim:
            return None
        latents = self.drawn(DIRECTIONS_N, 0, "directions")
        flat = self.samples(latents).reshape(len(latents), -1).astype(np.float64)
        by_axis = self.run.config.generator.latent == "uniform"
        return directions(latents, flat, self.dimensions, by_axis)

    def latents(
        self, points: Float[np.ndarray, "n d"], seed: int
    ) -> Float[np.ndarray, "n latent_dim"]:
        """Points of the cube to latents; a slice goes through a draw of its own for each seed."""
        along = COORDINATES[self.run.config.generator.latent](points)
        if self._directions is None:
            return along
        return Slice(self._directions, self.drawn(1, seed, "through")[0]).latents(along)

    def value(self, point: Float[np.ndarray, " d"], seed: int) -> float:
        """The score of one point: always alone, so that it is rounded alike whoever asks."""
        return float(self.score.values(self.samples(self.latents(point[None], seed)))[0])

    @cached_property
    def key(self) -> str:
        """A hash of all that the values of points depend on."""
        asked = f"{self.dimensions} {self.asked_class} {self.score.name} {self.score.fingerprint}"
        return fingerprint(key_of(self.run, 0, 0), asked, of_code(Path(__file__).parent))


class Plan(NamedTuple):
    """Which searches are made."""

    methods: tuple[MethodName, ...]
    seeds: tuple[int, ...]
    evaluations: int
    """Scores that each may ask for."""
    reference_n: int
    """Random latents that it is compared with; 0 for none."""


class Search(NamedTuple):
    """One search, whole."""

    method: MethodName
    seed: int
    history: History

    @property
    def at(self) -> int:
        """Index of the evaluation with the largest score."""
        return int(self.history.values.argmax())

    @property
    def best_so_far(self) -> Float[np.ndarray, " n"]:
        """The largest score after each evaluation."""
        return np.maximum.accumulate(self.history.values)


class Outcome(NamedTuple):
    """All searches of one command, and what they are compared with."""

    space: Space
    searches: list[Search]
    reference: Float[np.ndarray, " n"] | None
    """Scores of random latents."""
    reference_seed: int
    resumed: int
    """Evaluations that the journal had."""

    @property
    def bar(self) -> float | None:
        """The 99.9th percentile of random latents' scores."""
        return None if self.reference is None else float(np.percentile(self.reference, BAR))

    def of(self, method: MethodName) -> list[Search]:
        """The searches of a method, by seed."""
        return [search for search in self.searches if search.method == method]

    @property
    def methods(self) -> list[MethodName]:
        """The methods, in the order in which they were asked for."""
        return list(dict.fromkeys(search.method for search in self.searches))

    def latents(self, searches: Sequence[Search]) -> Float[np.ndarray, "n latent_dim"]:
        """The latents of the best of each search."""
        found = [self.space.latents(s.history.points[[s.at]], s.seed) for s in searches]
        return np.concatenate(found).astype(np.float32)

    def samples(self, searches: Sequence[Search]) -> np.ndarray:
        """The best sample of each search."""
        return self.space.samples(self.latents(searches))

    @property
    def random_samples(self) -> np.ndarray:
        """A random sample for each seed, unpicked."""
        n = len(self.of(self.methods[0]))
        return self.space.samples(self.space.drawn(n, self.reference_seed, "reference"))


def search(space: Space, plan: Plan, journal: Journal, advance: Advance) -> Outcome:
    """Make all searches of a plan, or what the journal lacks of them.

    Args:
        space: what is searched.
        plan: by which methods, seeds and numbers.
        journal: what is known already; it is added to after each evaluation.
        advance: told of evaluations, those of the journal too.

    Raises:
        ConfigError: a score that fails or gives no numbers.
        DiskError: a journal that can't be written.
    """
    found, resumed = [], 0
    for seed in plan.seeds:
        for method in plan.methods:
            known = journal.history(method, seed, space.dimensions, plan.evaluations)
            resumed += len(known.values)
            advance(len(known.values))
            history = _go_on(space, METHODS[method], method, seed, known, plan, journal, advance)
            found.append(Search(method, seed, history))
    first = plan.seeds[0]
    reference = _reference(space, plan.reference_n, first, journal) if plan.reference_n else None
    return Outcome(space, found, reference, first, resumed)


def _go_on(
    space: Space,
    suggest: Callable[[int, History], np.ndarray],
    method: MethodName,
    seed: int,
    history: History,
    plan: Plan,
    journal: Journal,
    advance: Advance,
) -> History:
    for number in range(len(history.values), plan.evaluations):
        point = suggest(seed, history)
        value = space.value(point, seed)
        journal.add(method, seed, number, point, value)
        history = History(np.vstack([history.points, point]), np.append(history.values, value))
        advance(1)
    return history


def _reference(space: Space, n: int, seed: int, journal: Journal) -> Float[np.ndarray, " n"]:
    """Scores of random latents, the whole of them drawn from the prior."""
    known = journal.reference(n, seed)
    if known is not None:
        return known
    values = space.score.values(space.samples(space.drawn(n, seed, "reference")))
    journal.add_reference(values, seed)
    return values


def records_of(outcome: Outcome) -> list[Found]:
    """What each search found, as records."""
    space, reference, bar = outcome.space, outcome.reference, outcome.bar
    return [
        Found(
            run=str(space.root),
            score=space.score.name,
            method=search.method,
            seed=search.seed,
            evaluations=len(search.history.values),
            best=float(search.history.values.max()),
            at=search.at + 1,
            percentile=_percentile(reference, float(search.history.values.max())),
            bar=bar,
            reached_at=_reached_at(search, bar),
            reference_n=0 if reference is None else len(reference),
            reference_seed=outcome.reference_seed,
            dimensions=space.dimensions,
            latent_dim=space.latent_dim,
            latent_length=float(np.linalg.norm(outcome.latents([search]))),
            asked_class=space.asked_class,
            checkpoint_nimg=space.run.nimg,
            source=space.run.sampler.parts.source.name,
        )
        for search in outcome.searches
    ]


def _percentile(reference: np.ndarray | None, value: float) -> float | None:
    return None if reference is None else float(100 * np.mean(reference < value))


def _reached_at(search: Search, bar: float | None) -> int | None:
    if bar is None or not (search.history.values >= bar).any():
        return None
    return int((search.history.values >= bar).argmax()) + 1
