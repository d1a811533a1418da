"""The contents of a report, gathered once: measured figures, samples, and the run's own records."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from cgan.config import to_json
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sampling.pictures import PICTURES, Tiles
from cgan.sampling.runs import load_run
from eval.dataset.protocol import Evaluation
from eval.files.json_lines import read_rows
from eval.files.records import read_records
from eval.gather import Advance
from eval.measuring.measure import (
    evaluate,
    gather_sets,
    measure,
    needs_of,
    origin_of,
    require_enough,
)
from eval.measuring.runs import Loaded, subject_of
from eval.metrics.base import Gathered, Metric, Need, present
from eval.metrics.memorization import copy_ratios
from eval.metrics.neighbors import nearest
from eval.records.record import Record
from eval.report.near_fakes import NearFakes, find_near_fakes
from eval.verdict.evidence import metrics_of_verdict, needs_of_verdict
from eval.verdict.judged import Judged, judge_sets

MetricsRow = dict[str, float | int]
"""A row of metrics.jsonl: `nimg`, and numbers by name."""
CURVES = (
    "modes_captured_at_1",
    "modes_captured_at_20",
    "reverse_kl_nats",
    "high_quality_share_3sigma",
    "class_accuracy",
    "frechet_distance",
    "recall_k3_inclusive",
    "coverage_k5_strict",
    "authenticity",
)
"""Metrics that are followed over checkpoints, where they are measured."""
PICTURED: frozenset[Need] = frozenset({"features", "images", "labels", "counts"})
SHOWN, NEIGHBORS, SEARCHED = 8, 3, 1_000
"""Samples beside train images, train images beside each, and samples searched for likely copies."""


class BesideTrain(NamedTuple):
    """A sample and the train samples nearest to it, the nearest first."""

    number: int
    """Number of the sample, in the order in which samples were drawn."""
    sample: Shaped[np.ndarray, "*sample"]
    neighbors: Shaped[np.ndarray, "neighbours *sample"]
    distances: Float[np.ndarray, " neighbours"]
    ratio: float
    """The sample's `copy_ratios`: 0 for a copy."""


class Contents(NamedTuple):
    """All that the page shows of one checkpoint of a run."""

    root: Path
    nimg: int
    seed: int
    config_json: str
    evaluation: Evaluation
    metrics: dict[str, Metric]
    records: list[Record]
    """Records of this checkpoint."""
    new_records: list[Record]
    """Records of this checkpoint and others that eval.jsonl does not have yet."""
    history: list[Record]
    """Records of the generated samples at every checkpoint that was measured alike, by images seen.

    Also of their first ones, where fewer are held out.
    """
    rows: list[MetricsRow]
    """Rows of metrics.jsonl, oldest first."""
    snapshots: list[tuple[int, Path]]
    """Paths of the pictures of the fixed latents, with the images seen at each."""
    generated: Gathered
    first: list[BesideTrain]
    likeliest_copies: list[BesideTrain]
    judged: Judged | None = None
    near_fakes: NearFakes | None = None
    """Reals without a near fake; None for a run whose discriminator has no embedding."""


def collect(
    root: Path, loaded: Loaded, seed: int, advance: Advance, records_files: Sequence[Path]
) -> Contents:
    """Measure a checkpoint, and others where that is missing, and read the run's own records.

    Args:
        root: the run's folder.
        loaded: the checkpoint, and what measures it.
        seed: of samples, baselines and error bars.
        advance: told the number of samples of each chunk that was read.
        records_files: with what was measured before, the oldest first.

    Raises:
        SamplesError, FeatureError: samples that can't be measured.
        ConfigError: another checkpoint that can't be read.
    """
    run, n, evaluation, metrics, source = loaded
    of_verdict = metrics_of_verdict(evaluation.metrics)
    require_enough("number of samples", n, metrics | of_verdict)
    subject, origin = subject_of(run, n, seed), origin_of(evaluation, run.nimg, seed)
    needs = needs_of(metrics) | needs_of_verdict(of_verdict, pictured=True) | PICTURED
    sets = gather_sets(evaluation, subject, seed, needs, advance)
    records = measure(sets, metrics, origin)
    workdir = Workdir(root)
    known = [record for file in records_files for record in read_records(Record, file)]
    measured = list(records)
    for nimg, missing in unmeasured(known + records, records, _checkpoints(workdir)).items():
        other = subject_of(load_run(root, nimg, source=source), n, seed)
        chosen = {name: metrics[name] for name in missing}
        measured += evaluate(evaluation, other, seed, chosen, advance)
    generated = sets["generated"].samples
    tiles = isinstance(PICTURES[evaluation.splits.kind], Tiles)
    first, likeliest = beside_train(evaluation, generated) if tiles else ([], [])
    return Contents(
        root=root,
        nimg=run.nimg,
        seed=seed,
        config_json=to_json(run.config),
        evaluation=evaluation,
        metrics=metrics,
        records=records,
        new_records=[record for record in measured if record not in known],
        history=alike(known + measured, records),
        rows=read_metrics(workdir.metrics),
        snapshots=read_snapshots(workdir.samples),
        generated=generated,
        first=first,
        likeliest_copies=likeliest,
        judged=judge_sets(evaluation, sets, of_verdict, origin, records),
        near_fakes=None
        if run.config.embedding.weight == 0
        else find_near_fakes(root, run.nimg, evaluation, generated, seed, source),
    )


def _checkpoints(workdir: Workdir) -> list[int]:
    with Checkpoints(workdir.checkpoints) as checkpoints:
        return checkpoints.all()


def unmeasured(
    known: Sequence[Record], records: Sequence[Record], checkpoints: Sequence[int]
) -> dict[int, list[str]]:
    """The followed metrics that each checkpoint was not measured by yet.

    Args:
        known: all records there are.
        records: of one checkpoint, which say what is wanted of the others.
        checkpoints: by images seen.
    """
    wanted = [r for r in records if r.samples == "generated" and r.metric in CURVES]
    found = {(r.checkpoint_nimg, r.metric) for r in alike(known, wanted)}
    missing = {
        nimg: [record.metric for record in wanted if (nimg, record.metric) not in found]
        for nimg in checkpoints
    }
    return {nimg: names for nimg, names in missing.items() if names}


def alike(found: Sequence[Record], records: Sequence[Record]) -> list[Record]:
    """The newest records of each checkpoint that were measured as these were, by images seen."""

    def protocol(record: Record) -> tuple[Any, ...]:
        by, against = record.extractor_fingerprint, record.reference
        return record.metric, record.samples, record.n, record.seed, by, against

    wanted = {protocol(record) for record in records if record.samples.startswith("generated")}
    newest = {
        (record.checkpoint_nimg, record.metric, record.samples): record
        for record in found
        if record.checkpoint_nimg is not None and protocol(record) in wanted
    }
    return sorted(newest.values(), key=lambda record: record.checkpoint_nimg or 0)


def read_metrics(path: Path) -> list[MetricsRow]:
    """The rows of a run's metrics.jsonl, oldest first; torn ones are left out."""
    if not path.is_file():
        return []
    return [row for row in read_rows(path) if isinstance(row.get("nimg"), int)]


def read_snapshots(folder: Path) -> list[tuple[int, Path]]:
    """The pictures in a run's folder of samples, by images seen."""
    found = (path for path in folder.glob("*.png") if path.stem.isdecimal())
    return sorted((int(path.stem), path) for path in found)


def beside_train(
    evaluation: Evaluation, generated: Gathered
) -> tuple[list[BesideTrain], list[BesideTrain]]:
    """The first samples beside train images, and of the first 1,000 those most like copies.

    Args:
        evaluation: with the samples that were trained on, and their features.
        generated: with features and images.
    """
    samples = present(generated.images)[:SEARCHED]
    features = present(generated.features)[: len(samples)]
    learnt = evaluation.learnt
    train = present(learnt.reference.gathered.features)
    if len(train) < 2:  # of one alone nothing says how near is near
        return [], []
    ratios = copy_ratios(features, train)

    def chosen(rows: np.ndarray) -> list[BesideTrain]:
        found = nearest(features[rows], train, min(NEIGHBORS, len(train)))
        images = learnt.source[learnt.rows[found.indices.ravel()]].x
        images = np.asarray(images).reshape(*found.indices.shape, *samples.shape[1:])
        return [
            BesideTrain(int(row), samples[row], near, np.sqrt(squares), float(ratios[row]))
            for row, near, squares in zip(rows, images, found.squares, strict=True)
        ]

    order = np.argsort(ratios, kind="stable")
    return chosen(np.arange(min(SHOWN, len(samples)))), chosen(order[:SHOWN])
