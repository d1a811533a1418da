"""A run, and what measures it."""

from pathlib import Path
from typing import NamedTuple

from cgan import sampling
from cgan.sampling import Run
from eval.extractors import ExtractorName
from eval.measure import Subject, choose_metrics
from eval.metrics.base import Metric
from eval.metrics.catalogue import need_classes, require_known, with_classes
from eval.progress import reading
from eval.protocol import Evaluation, load_evaluation

RECORDS = "eval.jsonl"
"""The file of a run's records, in its folder or in another one."""


class Loaded(NamedTuple):
    """A checkpoint of a run, and what measures it."""

    run: Run
    n: int
    """Samples to draw."""
    evaluation: Evaluation
    metrics: dict[str, Metric]


def load(
    root: Path,
    checkpoint: int | None,
    step: int | None,
    n: int | None,
    metrics: tuple[str, ...],
    extractor: ExtractorName | None,
    weights: Path | None,
) -> Loaded:
    """What a command line names; see its arguments.

    Raises:
        ConfigError: an argument or a run that can't be used.
    """
    require_known(metrics)
    run = sampling.load_run(root, checkpoint, step)
    with reading("reference", None) as advance:
        classes = need_classes(metrics)
        evaluation = load_evaluation(run.data, extractor, weights, advance, classes)
    known, default = evaluation.metrics, evaluation.default_metrics
    if run.has_classes:
        known, default = (with_classes(each, evaluation.reader) for each in (known, default))
    chosen = choose_metrics(metrics, known, default)
    return Loaded(run, n or evaluation.protocol.n, evaluation, chosen)


def subject_of(run: Run, n: int, seed: int) -> Subject:
    """A run's samples, to be evaluated."""
    asked = sampling.asked_labels(run, n, seed) if run.has_classes else None
    return Subject(sampling.stream_samples(run, n, seed), n, run.nimg, asked)
