"""The evaluation itself: samples in, records out, no files.

Generated samples never stand alone: the same metrics are taken of held-out real samples, at the
same number as far as there are so many, and of uniform noise, without which the figures mislead.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

from cgan.config import require
from eval.dataset.noise import noise_chunks
from eval.dataset.protocol import Evaluation
from eval.extractors.reader import Reader
from eval.files.fingerprint import fingerprint
from eval.gather import Advance, Wanted, gather, silent
from eval.measuring.kept import gather_kept
from eval.measuring.subject import Subject
from eval.measuring.value import perfect_sampler, value_of
from eval.metrics.base import Gathered, Inputs, Metric, Need, Value
from eval.records.record import Record, SampleSet
from eval.together import of_share


class SamplesError(ValueError):
    """Samples can't be measured; the message says what is wrong with them."""


def evaluate(
    evaluation: Evaluation,
    subject: Subject,
    seed: int,
    metrics: dict[str, Metric] | None = None,
    advance: Advance = silent,
) -> list[Record]:
    """Measure generated samples, and beside them the baselines.

    Args:
        evaluation: the data set with what reads it.
        subject: the generated samples.
        seed: what the samples were drawn with; baselines, subsets and error bars use it too.
        metrics: what to measure, by name; None for the default.
        advance: told the number of samples of each chunk that was read.

    Returns:
        A record for each metric and each of generated, real and noise; and of the first generated
        samples, as many as there are real ones, where those are fewer.

    Raises:
        SamplesError: samples of another shape or type than the data's, too few of them (or of
            train samples) for a metric that is required, or not finite.
    """
    metrics = evaluation.default_metrics if metrics is None else metrics
    require_enough("number of samples", subject.n, metrics)
    require_enough("number of train samples", evaluation.reference.gathered.n, metrics)
    sets = gather_sets(evaluation, subject, seed, needs_of(metrics), advance)
    return measure(sets, metrics, origin_of(evaluation, subject.nimg, seed))


def gather_sets(
    evaluation: Evaluation,
    subject: Subject,
    seed: int,
    needs: frozenset[Need],
    advance: Advance = silent,
) -> dict[SampleSet, Inputs]:
    """Read generated samples and the baselines once, and keep what is needed of them.

    Args and errors as for `evaluate`.
    """
    sets = _beside_real(evaluation, subject, seed, needs, advance)
    train = evaluation.splits.train
    for name, chunks in subject.beside.items():
        sets[name] = _baseline(evaluation, subject, chunks, needs, advance)
    sets["noise"] = _baseline(
        evaluation, subject, lambda: noise_chunks(train, subject.n, seed), needs, advance
    )
    return _inputs(evaluation, subject, seed, sets)


def gather_beside_real(
    evaluation: Evaluation,
    subject: Subject,
    seed: int,
    needs: frozenset[Need],
    advance: Advance = silent,
) -> dict[SampleSet, Inputs]:
    """Read generated and real samples as `gather_sets`, without the noise baseline."""
    sets = _beside_real(evaluation, subject, seed, needs, advance)
    return _inputs(evaluation, subject, seed, sets)


def _beside_real(
    evaluation: Evaluation, subject: Subject, seed: int, needs: frozenset[Need], advance: Advance
) -> dict[SampleSet, Gathered]:
    if subject.n < 2:
        raise SamplesError(f"number of samples = {subject.n}: must be at least 2")
    train = evaluation.splits.train
    matched = min(subject.n, len(evaluation.splits.held_out))
    generated = gather_kept(
        train.name,
        subject.key,
        _Checked(subject.chunks, np.asarray(train[np.arange(1)].x)),
        evaluation.reader,
        [Wanted(n, needs) for n in dict.fromkeys([subject.n, matched])],
        advance,
    )
    real = _baseline(
        evaluation, subject, lambda: evaluation.real_chunks(matched, seed), needs, advance
    )
    sets: dict[SampleSet, Gathered] = {"generated": generated[0]}
    if len(generated) > 1:
        sets["generated_matched"] = generated[1]
    return sets | {"real": real}


def _baseline(
    evaluation: Evaluation,
    subject: Subject,
    chunks: Callable[[], Iterator[Shaped[np.ndarray, "_ ..."]]],
    needs: frozenset[Need],
    advance: Advance,
) -> Gathered:
    """Read real samples or noise; they are known again by their content, as a reference is."""
    key = None if subject.key is None else fingerprint(*(fingerprint(chunk) for chunk in chunks()))
    name, wanted = evaluation.splits.train.name, [Wanted(None, needs)]
    (found,) = gather_kept(name, key, chunks(), evaluation.reader, wanted, advance)
    return found


def _inputs(
    evaluation: Evaluation, subject: Subject, seed: int, sets: dict[SampleSet, Gathered]
) -> dict[SampleSet, Inputs]:
    """Inputs of the metrics for each set: with the reference, and classes that were asked for."""
    train, reference = evaluation.splits.train, evaluation.reference.gathered
    if subject.asked is not None:
        # Noise is read as if it had been asked for the same.
        asked = dict.fromkeys(sets, subject.asked)
        asked["real"] = evaluation.real_labels(sets["real"].n, seed)
        sets = {name: replace(of, asked=asked[name][: of.n]) for name, of in sets.items()}
        reference = evaluation.reference_by_class
    return {
        samples: Inputs(gathered, reference, train, sets["real"], evaluation.learnt_alone)
        for samples, gathered in sets.items()
    }


def figures(
    evaluation: Evaluation,
    samples: Shaped[np.ndarray, "n *sample"],
    metrics: dict[str, Metric],
    seed: int = 0,
) -> dict[str, float | None]:
    """Values of metrics on samples without baselines: for scripts that compare many runs."""
    (gathered,) = gather([samples], evaluation.reader, [Wanted(None, needs_of(metrics))])
    reference, train = evaluation.reference.gathered, evaluation.splits.train
    inputs = Inputs(gathered, reference, train, learnt=evaluation.learnt_alone)
    return {name: value_of(metric, inputs, seed).value for name, metric in metrics.items()}


class Origin(NamedTuple):
    """Facts that all records of one evaluation share."""

    source: str
    nimg: int | None
    """Images that the checkpoint had seen; None for samples that came from no checkpoint."""
    seed: int
    reader: Reader
    reference_fingerprint: str
    learnt_fingerprint: str | None = None
    """A hash of what metrics that look for copies compare with; None for the reference."""


def origin_of(evaluation: Evaluation, nimg: int, seed: int) -> Origin:
    """The facts that records of a checkpoint's samples share."""
    source, reader = evaluation.splits.train.name, evaluation.reader
    reference, learnt = evaluation.reference, evaluation.learnt.reference
    fingerprints = reference.samples_fingerprint, learnt.samples_fingerprint
    return Origin(source, nimg, seed, reader, *fingerprints)


def measure(
    sets: dict[SampleSet, Inputs], metrics: dict[str, Metric], origin: Origin
) -> list[Record]:
    """Measure each metric on each set of samples (`generated` at least), a record for each."""
    values = {
        (samples, name): value_of(metric, inputs, origin.seed)
        for samples, inputs in sets.items()
        for name, metric in metrics.items()
    }
    return [
        _record(
            metrics[name], samples, sets[samples], value, values.get(("real", name)), sets, origin
        )
        for (samples, name), value in values.items()
    ]


def _record(
    metric: Metric,
    samples: SampleSet,
    inputs: Inputs,
    value: Value,
    real: Value | None,
    sets: dict[SampleSet, Inputs],
    origin: Origin,
) -> Record:
    extractor, labeller = origin.reader.extractor, origin.reader.labeller
    perfect = None
    if samples == "generated":
        perfect = perfect_sampler(metric, inputs, inputs.samples.n, origin.seed)
    return Record(
        metric=metric.name,
        value=value.value,
        standard_error=None if value.error is None else value.error.value,
        error_protocol=None if value.error is None else value.error.protocol,
        samples=samples,
        n=value.n or inputs.samples.n,
        seed=origin.seed,
        checkpoint_nimg=origin.nimg,
        source=origin.source,
        extractor=extractor.name,
        extractor_fingerprint=extractor.fingerprint,
        labeller=None if labeller is None else labeller.name,
        labeller_accuracy=None if labeller is None else labeller.accuracy,
        reference=(metric.of_copies and origin.learnt_fingerprint) or origin.reference_fingerprint,
        reference_n=value.reference_n or inputs.reference.n,
        floor=None if real is None else real.value,
        floor_n=0 if real is None else real.n or sets["real"].samples.n,
        perfect_sampler=None if perfect is None else perfect.mean,
        perfect_sampler_sd=None if perfect is None else perfect.sd,
        details=value.details,
    )


def needs_of(metrics: dict[str, Metric]) -> frozenset[Need]:
    """What has to be kept of samples for these metrics."""
    none: frozenset[Need] = frozenset()
    return none.union(*(metric.needs for metric in metrics.values()))


def require_enough(name: str, n: int, metrics: dict[str, Metric]) -> None:
    """Refuse fewer samples than a metric needs that a user asked for.

    Raises:
        SamplesError: naming the metric.
    """
    for metric in metrics.values():
        if metric.required and n < metric.at_least:
            least = f"at least {metric.at_least} for {metric.name}"
            raise SamplesError(f"{name} = {n}: must be {least}")


def choose_metrics(
    names: tuple[str, ...], known: dict[str, Metric], default: dict[str, Metric]
) -> dict[str, Metric]:
    """The metrics that a user asked for: these names, `all`, or the default where none is given.

    Those that are named are required; too few samples leave others undefined.

    Raises:
        ConfigError: a name that is not known here.
    """
    if not names:
        return default
    if names == ("all",):
        return known
    for name in names:
        expected = f"'all' alone, or one or more of {', '.join(known)}"
        require(name in known, "metrics", name, expected)
    return {name: replace(known[name], required=True) for name in known if name in names}


class _Checked:
    """Samples as they come, each chunk checked to have the form of the data's.

    Raises (where a chunk is asked for):
        SamplesError: another shape or type, or a row that is not finite.
    """

    def __init__(self, chunks: Iterable[Shaped[np.ndarray, "_ ..."]], like: np.ndarray) -> None:
        self._chunks, self._like = chunks, like

    def __iter__(self) -> Iterator[Shaped[np.ndarray, "_ ..."]]:
        return self.every(0, 1)

    def every(self, first: int, step: int) -> Iterator[Shaped[np.ndarray, "_ ..."]]:
        """Every so many-th chunk from this one on."""
        start: int | None = None
        for samples in of_share(self._chunks, first, step):
            size = len(samples)
            start = first * size if start is None else start  # chunks of a share are alike
            _check(samples, self._like, start)
            start += step * size
            yield samples


def _check(samples: Shaped[np.ndarray, "_ ..."], like: np.ndarray, start: int) -> None:
    if samples.shape[1:] != like.shape[1:] or samples.dtype != like.dtype:
        found, expected = (f"{x.dtype} {list(x.shape[1:])}" for x in (samples, like))
        raise SamplesError(f"samples are {found} each; the data's are {expected}")
    bad = np.flatnonzero(~np.isfinite(samples).reshape(len(samples), -1).all(axis=1))
    if len(bad):
        more = f" (nor are {len(bad) - 1} of the next)" if len(bad) > 1 else ""
        raise SamplesError(f"sample {start + bad[0]} is not finite{more}")
