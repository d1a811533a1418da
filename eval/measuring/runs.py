"""A run's checkpoint as the subject of an evaluation, with what measures it."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

import cgan
from cgan.config import to_json
from cgan.data import Source
from cgan.data.abilities import content_in
from cgan.run_folder.run_data import Whereabouts, splits_of
from cgan.run_folder.workdir import Workdir
from cgan.sampling import runs
from cgan.sampling.runs import Run
from eval.dataset.given import classes_given, given_chunks, moved_chunks
from eval.dataset.protocol import Evaluation, load_evaluation
from eval.display.progress import reading
from eval.files.fingerprint import fingerprint, of_code
from eval.measuring.measure import choose_metrics
from eval.measuring.subject import Chunks, Subject
from eval.metrics.base import Metric
from eval.metrics.catalog import need_classes, require_known, with_classes, with_content
from eval.names import ExtractorName
from eval.records.record import SampleSet
from eval.splits import Splits

RECORDS = "eval.jsonl"
"""Name of the file of a run's records, in its folder or in another one."""
CODE = Path(cgan.__file__).parent
ANY_FOLDER = Path("any")
"""Stands for a run's folder, whose name its samples don't depend on."""


class Loaded(NamedTuple):
    """A checkpoint of a run, with the evaluation and metrics that measure it."""

    run: Run
    n: int
    """Number of samples to draw."""
    evaluation: Evaluation
    metrics: dict[str, Metric]
    source: Source | None = None
    """What the run learnt, where a program handed that in."""


def load(
    root: Path,
    checkpoint: int | None,
    step: int | None,
    n: int | None,
    metrics: tuple[str, ...],
    extractor: ExtractorName | None,
    weights: Path | None,
    where: Whereabouts,
    source: Source | None = None,
) -> Loaded:
    """Load what a command line names: the run, its data, what is measured of it.

    `source` is what the run learnt, where a program handed that to `train`.

    Raises:
        ConfigError: an argument or a run that can't be used.
    """
    require_known(metrics)
    run = runs.load_run(root, checkpoint, step, source)
    splits = Splits(*splits_of(Workdir(root), run.config, where, source))
    with reading("reference", None) as advance:
        classes = need_classes(metrics)
        evaluation = load_evaluation(run.data, extractor, weights, advance, classes, splits)
    known, default = evaluation.metrics, evaluation.default_metrics
    if run.has_classes:
        known, default = (with_classes(each, evaluation.reader) for each in (known, default))
    usual = evaluation.protocol.n
    given = run.sampler.parts.given
    if given is not None:
        usual = min(usual, len(given.held_out))  # each picture once
    if given is not None and classes_given(given, run.sampler.parts.source):
        known, default = (with_content(each, evaluation.reader) for each in (known, default))
    chosen = choose_metrics(metrics, known, default)
    return Loaded(run, n or usual, evaluation, chosen, source)


def subject_of(run: Run, n: int, seed: int) -> Subject:
    """A run's samples as the subject of an evaluation; none is drawn before it is asked for."""
    asked = runs.asked_labels(run, n, seed) if run.has_classes else None
    chunks, key = runs.stream_samples(run, n, seed), key_of(run, n, seed)
    given = run.sampler.parts.given
    if given is None:
        return Subject(chunks, n, run.nimg, asked, key=key)
    learnt = run.sampler.parts.source
    if classes_given(given, learnt):
        asked = given.labels(np.arange(n), seed, runs.STREAM)
    beside: dict[SampleSet, Chunks] = {
        "given": partial(given_chunks, given, n, seed, runs.STREAM),
        "moved": partial(moved_chunks, given, learnt, n, seed, runs.STREAM),
    }
    return Subject(chunks, n, run.nimg, asked, beside, key)


def key_of(run: Run, n: int, seed: int) -> str:
    """A hash of all that a run's samples depend on.

    That is the weights, the config but for the folder's name, the forms that the source gives to
    samples, the shares of its classes, this package's code, and the kind and number of devices,
    since these round; of translations also what was given.
    """
    source, leaves = run.sampler.parts.source, jax.tree_util.tree_leaves_with_path(run.params)
    weights = (
        part for path, leaf in leaves for part in (jax.tree_util.keystr(path), np.asarray(leaf))
    )
    ramp = np.linspace(-2, 2, max(2, math.prod(source.sample_shape)), dtype=np.float32)
    ramp = ramp[: math.prod(source.sample_shape)].reshape(1, *source.sample_shape)
    given = run.sampler.parts.given
    kinds = ", ".join(device.device_kind for device in jax.local_devices())
    return fingerprint(
        to_json(replace(run.config, workdir=ANY_FOLDER)),
        *weights,
        np.asarray(source.decode(ramp)),
        np.asarray(source.class_weights),
        of_code(CODE),
        f"{jax.__version__} {kinds}",
        f"{n} {seed}",
        "" if given is None else content_in(given.held_out).ordered,
    )
