"""From a run's samples, or from files, to a verdict: reads, counts, measures, judges."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from cgan.data.abilities import KnownModes, known_modes
from cgan.kinds import IMAGE, Kind
from cgan.sampling.pictures import PICTURES, Tiles
from eval.dataset.protocol import Evaluation
from eval.gather import Advance
from eval.measuring.comparison import Pair, gather_pair
from eval.measuring.measure import Origin, gather_beside_real, origin_of, require_enough
from eval.measuring.runs import Loaded, subject_of
from eval.metrics.base import Inputs, Metric, present
from eval.metrics.shares import true_shares
from eval.records.record import Record, SampleSet
from eval.verdict import limits
from eval.verdict.evidence import (
    gather_evidence,
    metrics_of_verdict,
    needs_of_verdict,
    reference_labels,
)
from eval.verdict.judge import Verdict, judge
from eval.verdict.modes import FRACTION, samples_to_decide
from eval.verdict.picture import Shown

DRAWN_AT_MOST = 100_000
"""Most samples that are drawn where nobody asks for a number: rarer modes stay undecided."""


class Judged(NamedTuple):
    """A verdict with the metrics and samples that it is printed and drawn from."""

    verdict: Verdict
    metrics: dict[str, Metric]
    shown: Shown | None
    """Samples to draw; None for features, images of several sizes, points without known modes."""


def samples_for_verdict(evaluation: Evaluation) -> int:
    """Number of samples for a verdict: the protocol's, or as many as tell of each class."""
    usual = evaluation.protocol.n
    if evaluation.reader.labeller is None:
        return usual
    shares = true_shares(evaluation.splits.train)
    shares = shares[: len(evaluation.splits.train.class_names)]
    limit = limits.known(FRACTION * shares[shares > 0])
    return max(usual, min(samples_to_decide(limit, len(shares)), DRAWN_AT_MOST))


def judge_run(loaded: Loaded, seed: int, advance: Advance) -> Judged:
    """Draw a run's samples and judge them.

    Raises:
        SamplesError, FeatureError: samples that can't be measured.
    """
    evaluation = loaded.evaluation
    metrics = metrics_of_verdict(evaluation.metrics)
    require_enough("number of samples", loaded.n, metrics)
    subject = subject_of(loaded.run, loaded.n, seed)
    needs = needs_of_verdict(metrics, pictured=True)
    sets = gather_beside_real(evaluation, subject, seed, needs, advance)
    origin = origin_of(evaluation, loaded.run.nimg, seed)
    return judge_sets(evaluation, sets, metrics, origin)


def judge_sets(
    evaluation: Evaluation,
    sets: dict[SampleSet, Inputs],
    metrics: dict[str, Metric],
    origin: Origin,
    known: Sequence[Record] = (),
) -> Judged:
    """Judge a run's samples that were read already; arguments as for `gather_evidence`."""
    train = evaluation.splits.train

    def real(rows: Int[np.ndarray, " rows"]) -> Shaped[np.ndarray, "rows *sample"]:
        return np.asarray(train[evaluation.reference_rows[rows]].x)

    evidence = gather_evidence(sets, metrics, origin, known, evaluation.confusion)
    verdict = judge(evidence, origin.seed)
    modes, pictured = known_modes(train), isinstance(PICTURES[train.kind], Tiles)
    if modes is None and not pictured:
        return Judged(verdict, metrics, None)
    return Judged(verdict, metrics, _shown(sets["generated"], real, train.kind, modes))


def judge_pair(pair: Pair, seed: int, advance: Advance) -> Judged:
    """Judge FAKE by REAL, whose halves stand beside each other as real data do.

    Raises:
        SamplesError, FeatureError: samples that can't be measured.
    """
    metrics = metrics_of_verdict(pair.metrics)
    pictured = pair.real.is_images and pair.real.has_one_size and pair.fake.has_one_size
    needs = needs_of_verdict(metrics, pictured)
    sets, origin = gather_pair(pair, metrics, needs, seed, advance)
    verdict = judge(gather_evidence(sets, metrics, origin), seed)
    generated = sets["generated"]
    if not pictured:
        return Judged(verdict, metrics, None)
    images = present(generated.reference.images)
    return Judged(verdict, metrics, _shown(generated, images.__getitem__, IMAGE))


def _shown(
    generated: Inputs,
    real: Callable[[Int[np.ndarray, " rows"]], Shaped[np.ndarray, "rows *sample"]],
    kind: Kind,
    modes: KnownModes | None = None,
) -> Shown:
    samples = present(generated.samples.images)
    kept = generated.reference.images
    first = slice(None if kept is None else len(kept))
    return Shown(
        samples=samples,
        features=present(generated.samples.features)[: len(samples)],
        real_features=present(generated.reference.features)[first],
        real_labels=reference_labels(generated)[first],
        real=real,
        kind=kind,
        modes=modes,
    )
