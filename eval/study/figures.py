"""The figures of one set of samples, each at its number of samples, from one pass over them.

And those of the discriminator beside them, from attacks on it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

from cgan.assemble import Parts
from cgan.state import TrainState
from eval.dataset.noise import noise_chunks
from eval.dataset.protocol import Evaluation
from eval.gather import Wanted, gather, silent
from eval.measuring.measure import needs_of
from eval.measuring.value import perfect_sampler, value_of
from eval.metrics.base import Inputs, Metric
from eval.robustness.attacked import Attacked
from eval.robustness.measure import STEPS, measure, plan
from eval.study.declare import Figure
from eval.study.results import NOISE, PERFECT, REAL, Row

SEED = 0
"""Seed of latents, of the baselines and of what metrics draw: the same for all runs."""


class Panel(NamedTuple):
    """The figures of a benchmark, with the evaluation that measures them."""

    evaluation: Evaluation
    figures: tuple[Figure, ...]

    @property
    def of_samples(self) -> tuple[Figure, ...]:
        """The figures that are metrics of samples."""
        return tuple(figure for figure in self.figures if figure.radius is None)

    @property
    def metrics(self) -> dict[str, Metric]:
        """Metric of each figure of samples, by the figure's key."""
        known = self.evaluation.metrics
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

    def read(self, chunks: Iterable[Shaped[np.ndarray, "_ ..."]]) -> dict[int, Inputs]:
        """Inputs of the metrics by number of samples, read from the first so many of these."""
        metrics, sizes = self.metrics, self.sizes
        wanted = {
            n: Wanted(n, needs_of({key: metrics[key] for key in sizes if sizes[key] == n}))
            for n in dict.fromkeys(sizes.values())
        }
        gathered = gather(chunks, self.evaluation.reader, list(wanted.values()))
        reference, train = self.evaluation.reference.gathered, self.evaluation.splits.train
        learnt = self.evaluation.learnt_alone
        found = (Inputs(each, reference, train, learnt=learnt) for each in gathered)
        return dict(zip(wanted, found, strict=True))

    def measure(self, chunks: Iterable[Shaped[np.ndarray, "_ ..."]]) -> dict[str, float | None]:
        """Measure each figure, by its key; those that too few samples are there for are left out.

        None stands for what the samples leave undefined.
        """
        inputs, sizes = self.read(chunks), self.sizes
        return {
            key: value_of(metric, inputs[sizes[key]], SEED).value
            for key, metric in self.metrics.items()
            if inputs[sizes[key]].samples.n == sizes[key]
        }

    def attack(self, parts: Parts, state: TrainState, nimg: int) -> dict[str, float | None]:
        """Measure each figure of the discriminator, by its key; None where it has no score.

        Args:
            parts: of the run.
            state: the run's, on the host.
            nimg: images that it has seen.
        """
        radii = {figure.key: figure.radius for figure in self.figures if figure.radius is not None}
        if not radii:
            return {}
        players = (state.discriminator, state.discriminator_stats)
        run = Attacked(parts.config.workdir, parts, players, self.evaluation.splits, nimg)
        planned = plan([run], tuple(radii.values()), None, STEPS, SEED)
        records = measure([run], planned, silent)
        found = {of.radius: of.worst_change for of in records if of.head == "score"}
        return {key: found.get(radius) for key, radius in radii.items()}


def baselines(benchmark: str, panel: Panel) -> Sequence[Row]:
    """Rows of results for real data, a perfect sampler and uniform noise."""
    evaluation, n = panel.evaluation, panel.n
    train, labeller = evaluation.splits.train, evaluation.reader.labeller
    read = {
        "source": train.name,
        "labeller_accuracy": None if labeller is None else labeller.accuracy,
    }
    held_out = min(n, len(evaluation.splits.held_out))
    real = panel.measure(evaluation.real_chunks(held_out, SEED))
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
