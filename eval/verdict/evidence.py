"""Gathers what a verdict is drawn from: counts of modes, and the figures that go with them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int

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
from eval.verdict.modes import ModeCounts, ModeKind

MEASURED = (TOTAL_VARIATION, NDB, HIGH_QUALITY, PRECISION, WIDTH_RATIO, BIRTHDAY)
"""In the order of the table."""
INSTEAD = {NDB.name: TOTAL_VARIATION.name, PRECISION.name: HIGH_QUALITY.name}
"""Those that are left out where samples can have another one."""


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
    """What has to be kept of samples to judge them, and to draw them too."""
    needs: set[Need] = {"counts", "features"}
    if pictured:
        needs.add("images")
    return needs_of(metrics) | needs


def gather_evidence(
    sets: dict[SampleSet, Inputs],
    metrics: dict[str, Metric],
    origin: Origin,
    known: Sequence[Record] = (),
) -> Evidence:
    """Count modes, and measure what is not known yet.

    Args:
        sets: generated and real samples at least, with what `needs_of_verdict` says.
        metrics: those of `metrics_of_verdict`.
        origin: what was evaluated.
        known: figures of the same samples.
    """
    chosen: dict[SampleSet, Inputs] = {name: sets[name] for name in ("generated", "real")}
    missing = {name: metrics[name] for name in metrics.keys() - {r.metric for r in known}}
    records = [*known, *measure(chosen, missing, origin)]
    found = {(record.samples, record.metric): record for record in records}
    by_set = {each: {name: found[each, name] for name in metrics} for each in chosen}
    return Evidence(
        modes=count_modes(sets["generated"]),
        real_modes=count_modes(sets["real"]),
        generated=by_set["generated"],
        real=by_set["real"],
    )


def reference_labels(inputs: Inputs) -> Int[np.ndarray, " n"]:
    """The class, mode or bin of each row of the reference."""
    reference = inputs.reference
    if inputs.samples.counts is not None and reference.labels is not None:
        return reference.labels
    return bins_of(reference).place(present(reference.features))


def count_modes(inputs: Inputs) -> ModeCounts:
    """The samples in each of the data's classes, or modes; without these, in each bin."""
    samples, source = inputs.samples, inputs.source
    kind: ModeKind
    if source is None or samples.counts is None:
        kind, bins = "bins", bins_of(inputs.reference)
        names = [f"bin {number}" for number in range(len(bins.reference))]
        shares, counts = (
            bins.reference / bins.reference.sum(),
            bins.count(present(samples.features)),
        )
    else:
        kind = "classes" if len(source.sample_shape) > 1 else "modes"
        names, shares = list(source.class_names), true_shares(source)[: len(source.class_names)]
        counts = samples.counts[:-1]
    real = np.flatnonzero(shares > 0)
    return ModeCounts(
        kind=kind,
        names=[names[index] for index in real],
        labels=real,
        true_shares=shares[real],
        counts=counts[real],
        n=samples.n,
    )
