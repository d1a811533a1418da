"""A run, and what measures it."""

from pathlib import Path
from typing import NamedTuple

from cgan import cli, sampling
from cgan.config import ConfigError
from cgan.sampling import Run
from eval.extractors import ExtractorName
from eval.measure import Subject, choose_metrics
from eval.metrics.base import Metric
from eval.metrics.catalogue import need_classes, require_known, with_classes
from eval.progress import reading
from eval.protocol import Evaluation, load_evaluation


class Loaded(NamedTuple):
    """A checkpoint of a run, and what measures it."""

    run: Run
    n: int
    """Samples to draw."""
    evaluation: Evaluation
    metrics: dict[str, Metric]


def records_path(root: Path) -> Path:
    """Where the records of a run are appended."""
    return root / "eval.jsonl"


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
    path = records_path(root)
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; must be a file, or nothing yet")
    run = sampling.load_run(root, checkpoint, step)
    cli.require_out(path, ".jsonl")
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
