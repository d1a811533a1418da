"""Reals without a near fake, found for a report: by the embedding of the run's own discriminator.

What is counted is in `cgan/probe/uncovered.py`; here are the samples that it is counted on, the
classes that they are of, and what stands nearest to the reals that have no near fake.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from cgan.data import Source
from cgan.data.flips import flipped
from cgan.probe.uncovered import ByClass, by_class, stand_ins, uncovered
from cgan.sampling.embeddings import embed, embedding_temperature
from cgan.sampling.runs import Restored, restore_run
from eval.dataset.protocol import Evaluation
from eval.metrics.base import Gathered, present
from eval.verdict.judge import Verdict

REALS_AT_MOST, WORST = 4_000, 16
"""Most train reals that are looked at, and how many of them are shown."""


class Shown(NamedTuple):
    """Samples in the stored form, with their classes and embeddings."""

    x: Shaped[np.ndarray, "n *sample"]
    labels: Int[np.ndarray, " n"] | None
    embeddings: Float[np.ndarray, "n dimensions"]


class BesideReal(NamedTuple):
    """A real, and what lies nearest to it by the embedding's cosine."""

    row: int
    """Number of the real in the train split."""
    label: str
    """Name of its class; empty for data without classes."""
    margin: float
    real: Shaped[np.ndarray, "*sample"]
    nearest_real: Shaped[np.ndarray, "*sample"]
    real_cosine: float
    nearest_fake: Shaped[np.ndarray, "*sample"]
    fake_cosine: float


class NearFakes(NamedTuple):
    """Train reals, and which of them have no near fake."""

    reals: int
    fakes: int
    temperature: float
    bound: float
    """Margin beyond which a real has no near fake."""
    rows: Int[np.ndarray, " uncovered"]
    """Numbers in the train split of the reals without a near fake, the worst first."""
    samples: Shaped[np.ndarray, "uncovered *sample"]
    """Reals without a near fake, in the stored form."""
    worst: list[BesideReal]
    classes: ByClass | None
    """Reals by class; None for data without classes."""
    by_chance: float
    """Mean number of classes that nobody imitates where held-out reals stand for the fakes."""

    @property
    def share(self) -> float:
        """Share of the reals without a near fake."""
        return len(self.rows) / self.reals


def find_near_fakes(
    root: Path,
    nimg: int,
    evaluation: Evaluation,
    generated: Gathered,
    seed: int,
    source: Source | None,
) -> NearFakes | None:
    """Find the reals without a near fake; None where there are too few reals.

    Args:
        root: the folder of a run whose discriminator has an embedding.
        nimg: its checkpoint.
        evaluation: of its data.
        generated: samples of the checkpoint, with images.
        seed: of the choice of held-out reals.
        source: what the run learnt, where a program handed that in.

    Raises:
        ConfigError: a run that can't be read.
    """
    train, held_out = evaluation.splits
    rows = evaluation.reference_rows[:REALS_AT_MOST]
    images = present(generated.images)
    count = stand_ins(len(images), len(held_out))
    if len(rows) < 2 or not count:
        return None
    run = restore_run(root, nimg, source)
    asked = None if generated.asked is None else generated.asked[:count]
    order = np.random.default_rng([seed, 1]).permutation(len(held_out))[: 2 * count]
    reals, others = _read(run, train, rows), _read(run, held_out, order)
    fakes = Shown(images[:count], asked, embed(run, images[:count], asked))
    temperature = float(embedding_temperature(run.parts, run.state.learnt))
    found = uncovered(reals.embeddings, fakes.embeddings, others.embeddings, temperature)
    margins, which = np.asarray(found.margins), np.asarray(found.which)
    chosen = np.argsort(-margins, kind="stable")[: which.sum()]
    names, labels = train.class_names, present(reals.labels)

    def counted(which: Bool[np.ndarray, " n"]) -> ByClass:
        return by_class(which, labels, len(names))

    halves = (np.asarray(found.floor) > float(found.bound)).T
    return NearFakes(
        reals=len(rows),
        fakes=count,
        temperature=temperature,
        bound=float(found.bound),
        rows=rows[chosen],
        samples=reals.x[chosen],
        worst=[
            BesideReal(
                int(rows[index]),
                names[labels[index]] if names else "",
                float(margins[index]),
                reals.x[index],
                *_nearest(reals.embeddings[index], reals, leave_out=index),
                *_nearest(reals.embeddings[index], fakes),
            )
            for index in chosen[:WORST].tolist()
        ],
        classes=counted(which) if names else None,
        by_chance=float(np.mean([counted(half).nobody_imitates.sum() for half in halves]))
        if names
        else 0.0,
    )


def _read(run: Restored, source: Source, rows: Int[np.ndarray, " n"]) -> Shown:
    """Reals of a source, mirrored at random where training mirrors them."""
    x, labels = (np.asarray(leaf) for leaf in source[rows])
    if run.parts.config.data.flip:
        x = flipped(x, rows, seed=0)
    return Shown(x, labels, embed(run, x, labels))


def _nearest(
    embedding: Float[np.ndarray, " dimensions"], among: Shown, leave_out: int | None = None
) -> tuple[Shaped[np.ndarray, "*sample"], float]:
    """The nearest of these samples by the embedding's cosine, and the cosine."""
    cosines = among.embeddings @ embedding
    if leave_out is not None:
        cosines[leave_out] = -np.inf
    return among.x[cosines.argmax()], float(cosines.max())


class Agreement(NamedTuple):
    """Classes that nobody imitates beside those that the verdict says are dropped."""

    unseen: Bool[np.ndarray, " modes"]
    """Whether each of the verdict's modes is a class that nobody imitates."""
    dropped: Bool[np.ndarray, " modes"]
    likeliest: int
    """Dropped ones among as many with the largest shares of reals without a near fake."""
    held: tuple[float, float]
    """Samples in classes that nobody imitates, and in all others, over their true share."""

    @property
    def both(self) -> int:
        """How many classes nobody imitates by the embedding, and are dropped by the verdict."""
        return int((self.unseen & self.dropped).sum())


def agreement(found: NearFakes, verdict: Verdict) -> Agreement | None:
    """Hold the classes that nobody imitates against the verdict's; None where it has no classes.

    Nor where the samples are no such data, so that counts of classes say nothing.
    """
    modes, dropped = verdict.evidence.modes, verdict.named
    if found.classes is None or modes.kind == "bins" or verdict.reason == "fidelity":
        return None
    unseen = found.classes.nobody_imitates[modes.labels]
    likeliest = np.argsort(-found.classes.shares[modes.labels], kind="stable")[: dropped.sum()]

    def held(which: Bool[np.ndarray, " modes"]) -> float:
        true = modes.n * modes.shares_as_counted[which].sum()
        return float(modes.counts[which].sum() / true) if true else 0.0

    return Agreement(unseen, dropped, int(dropped[likeliest].sum()), (held(unseen), held(~unseen)))
