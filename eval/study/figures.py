"""The figures of one set of samples, each at its number of samples, from one pass over them."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from eval.dataset.noise import noise_chunks
from eval.dataset.protocol import Evaluation
from eval.dataset.reference import chunks_of, load_reference
from eval.gather import Wanted, gather
from eval.measuring.measure import needs_of
from eval.measuring.value import perfect_sampler, value_of
from eval.metrics.base import Gathered, Inputs, Metric
from eval.metrics.catalog import with_content
from eval.study import representation, traffic
from eval.study.declare import ATTACKED, Figure
from eval.study.results import NOISE, PERFECT, REAL, Row

SEED = 0
"""Seed of latents, of the baselines and of what metrics draw: the same for all runs."""


class Panel(NamedTuple):
    """The figures of a benchmark, with the evaluation that measures them."""

    evaluation: Evaluation
    figures: tuple[Figure, ...]
    held_out: bool = False
    """Whether samples are compared with held-out ones; copies are looked for as ever."""

    @property
    def of_samples(self) -> tuple[Figure, ...]:
        """The figures that samples have: others are of the networks, or of what is sent."""
        others = representation.MEASURES.keys() | traffic.MEASURES | ATTACKED
        return tuple(one for one in self.figures if one.metric not in others)

    @property
    def metrics(self) -> dict[str, Metric]:
        """Metric of each figure of samples, by the figure's key."""
        known = with_content(self.evaluation.metrics, self.evaluation.reader)
        return {figure.key: known[figure.metric] for figure in self.of_samples}

    @property
    def sizes(self) -> dict[str, int]:
        """Number of samples of each figure of samples, by the figure's key."""
        literature = self.evaluation.protocol.n
        return {figure.key: figure.n or literature for figure in self.of_samples}

    @property
    def n(self) -> int:
        """Number of samples that suffices for all the figures."""
        return max(self.sizes.values())

    def read(
        self,
        chunks: Iterable[Shaped[np.ndarray, "_ ..."]],
        asked: Int[np.ndarray, " n"] | None = None,
    ) -> dict[int, Inputs]:
        """Inputs of the metrics by number of samples, read from the first so many of these.

        Args:
            chunks: the samples.
            asked: the class of what each was made of, where that is known.
        """
        metrics, sizes = self.metrics, self.sizes
        wanted = {
            n: Wanted(n, needs_of({key: metrics[key] for key in sizes if sizes[key] == n}))
            for n in dict.fromkeys(sizes.values())
        }
        gathered = gather(chunks, self.evaluation.reader, list(wanted.values()))
        evaluation, train = self.evaluation, self.evaluation.splits.train
        reference, learnt = evaluation.reference.gathered, evaluation.learnt_alone
        if self.held_out:
            reference, learnt = _held_out(evaluation), evaluation.learnt.reference.gathered
        if asked is not None:
            gathered = [replace(each, asked=asked[: each.n]) for each in gathered]
        found = (Inputs(each, reference, train, learnt=learnt) for each in gathered)
        return dict(zip(wanted, found, strict=True))

    def measure(
        self,
        chunks: Iterable[Shaped[np.ndarray, "_ ..."]],
        asked: Int[np.ndarray, " n"] | None = None,
    ) -> dict[str, float | None]:
        """Measure each figure, by its key; those that too few samples are there for are left out.

        None stands for what the samples leave undefined.
        """
        inputs, sizes = self.read(chunks, asked), self.sizes
        return {
            key: value_of(metric, inputs[sizes[key]], SEED).value
            for key, metric in self.metrics.items()
            if inputs[sizes[key]].samples.n == sizes[key]
        }


def _held_out(evaluation: Evaluation) -> Gathered:
    """Held-out samples in random order, read as the reference is."""
    held_out, n = evaluation.splits.held_out, len(evaluation.splits.held_out)
    rows = np.random.default_rng(0).permutation(n)[: evaluation.protocol.reference_n]
    chunks = functools.partial(chunks_of, held_out, rows)
    return load_reference(held_out.name, evaluation.reader, chunks).gathered


def _real(panel: Panel) -> Iterator[Shaped[np.ndarray, "_ ..."]]:
    """Real samples that are not those they are compared with, at most as many as are asked for."""
    evaluation, n = panel.evaluation, panel.n
    if panel.held_out:
        return chunks_of(evaluation.splits.train, evaluation.reference_rows[:n])
    return evaluation.real_chunks(min(n, len(evaluation.splits.held_out)), SEED)


def baselines(benchmark: str, panel: Panel) -> Sequence[Row]:
    """Rows of results for real data, a perfect sampler and uniform noise."""
    evaluation, n = panel.evaluation, panel.n
    train, labeller = evaluation.splits.train, evaluation.reader.labeller
    read = {
        "source": train.name,
        "labeller_accuracy": None if labeller is None else labeller.accuracy,
    }
    real = panel.measure(_real(panel))
    noise_inputs = panel.read(noise_chunks(train, n, SEED))
    noise, perfect, spread = {}, {}, {}
    for key, metric in panel.metrics.items():
        inputs, size = noise_inputs[panel.sizes[key]], panel.sizes[key]
        noise[key] = value_of(metric, inputs, SEED).value
        floor = perfect_sampler(metric, inputs, size, SEED)
        if floor is not None:
            perfect[key], spread[key] = floor.mean, floor.sd
    named = {"benchmark": benchmark, "trial": None, "seed": None, "nimg": None}
    return [
        named | {"variant": REAL} | read | real,
        named | {"variant": PERFECT, "spread": spread} | perfect,
        named | {"variant": NOISE} | noise,
    ]
