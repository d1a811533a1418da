"""Gathers the evidence of a verdict: counts of modes, and the figures that go with them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from eval.confusion import Confusion
from eval.measure import Origin, measure, needs_of
from eval.metrics.base import Inputs, Metric, Need, present
from eval.metrics.bins import bins_of
from eval.metrics.birthday import BIRTHDAY
from eval.metrics.ndb import NDB
from eval.metrics.precision_recall import PRECISION
from eval.metrics.quality import HIGH_QUALITY, WIDTH_RATIO
from eval.metrics.shares import true_shares
from eval.metrics.total_variation import TOTAL_VARIATION
from eval.record import Record, SampleSet
from eval.verdict.judge import Evidence
from eval.verdict.limits import Limit
from eval.verdict.modes import FRACTION, Expected, ModeCounts
from eval.verdict.reading import expected_as_read

MEASURED = (TOTAL_VARIATION, NDB, HIGH_QUALITY, PRECISION, WIDTH_RATIO, BIRTHDAY)
"""Metrics that a verdict may be drawn from, in the order of the table."""
INSTEAD = {NDB.name: TOTAL_VARIATION.name, PRECISION.name: HIGH_QUALITY.name}
"""Metrics that are left out where samples can have another one: its name by theirs."""


def metrics_of_verdict(offered: dict[str, Metric]) -> dict[str, Metric]:
    """The metrics that a verdict is drawn from.

    Args:
        offered: every metric that the samples can have.
    """
    return {
        metric.name: replace(metric, required=True)
        for metric in MEASURED
        if metric.name in offered and INSTEAD.get(metric.name) not in offered
    }


def needs_of_verdict(metrics: dict[str, Metric], pictured: bool) -> frozenset[Need]:
    """What has to be kept of samples to judge them and, if asked for, to draw them."""
    needs: set[Need] = {"counts", "features"}
    if pictured:
        needs.add("images")
    return needs_of(metrics) | needs


def gather_evidence(
    sets: dict[SampleSet, Inputs],
    metrics: dict[str, Metric],
    origin: Origin,
    known: Sequence[Record] = (),
    confusion: Confusion | None = None,
) -> Evidence:
    """Count modes, and measure the figures that are not known yet.

    Args:
        sets: generated and real samples at least, with what `needs_of_verdict` says.
        metrics: those of `metrics_of_verdict`.
        origin: what was evaluated.
        known: figures of the same samples.
        confusion: of the labeller; None where it is never wrong.
    """
    chosen: dict[SampleSet, Inputs] = {name: sets[name] for name in ("generated", "real")}
    missing = {name: metrics[name] for name in metrics.keys() - {r.metric for r in known}}
    records = [*known, *measure(chosen, missing, origin)]
    found = {(record.samples, record.metric): record for record in records}
    by_set = {each: {name: found[each, name] for name in metrics} for each in chosen}
    return Evidence(
        modes=count_modes(sets["generated"], confusion),
        real_modes=count_modes(sets["real"], confusion),
        generated=by_set["generated"],
        real=by_set["real"],
    )


def reference_labels(inputs: Inputs) -> Int[np.ndarray, " n"]:
    """The class, mode or bin of each row of the reference."""
    reference = inputs.reference
    if inputs.samples.counts is not None and reference.labels is not None:
        return reference.labels
    return bins_of(reference).place(present(reference.features))


def count_modes(inputs: Inputs, confusion: Confusion | None = None) -> ModeCounts:
    """Count the samples in each of the data's classes, or modes; without these, in each bin.

    Args:
        inputs: the samples, and what they are compared with.
        confusion: of the labeller, as `Evaluation.confusion`; None where it is never wrong.
    """
    samples, source = inputs.samples, inputs.source
    if source is None or samples.counts is None:
        return _in_bins(inputs)
    names, counts = list(source.class_names), samples.counts[:-1]
    shares = true_shares(source)[: len(names)]
    of_data = np.flatnonzero(shares > 0)
    expected = None
    if confusion is not None:
        expected = expected_as_read(confusion, shares, counts / samples.n).of(of_data)
    return ModeCounts(
        kind="classes" if len(source.sample_shape) > 1 else "modes",
        names=[names[index] for index in of_data],
        labels=of_data,
        true_shares=shares[of_data],
        counts=counts[of_data],
        n=samples.n,
        expected=expected,
    )


def _in_bins(inputs: Inputs) -> ModeCounts:
    """Count the samples in each bin; the true shares are themselves counted, on the reference.

    They are held to no more than that. A single bin can't be missed.
    """
    bins, samples = bins_of(inputs.reference), inputs.samples
    many, shares = len(bins.reference), bins.reference / bins.reference.sum()
    limit = Limit(FRACTION * shares, bins.reference.astype(np.float64))
    return ModeCounts(
        kind="bins",
        names=[f"bin {number}" for number in range(many)],
        labels=np.arange(many),
        true_shares=shares,
        counts=bins.count(present(samples.features)),
        n=samples.n,
        expected=Expected(limit, limit, np.full(many, many > 1)),
    )
