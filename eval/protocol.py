"""The protocol of each data set, and the evaluation itself: samples in, records out, no files.

Generated samples never stand alone: the same metrics are taken of the held-out split (real) and of
uniform noise, without which the figures mislead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Shaped

from cgan.data import SOURCES, Source
from eval.extractors import EXTRACTORS, Extractor, Features
from eval.fingerprint import fingerprint
from eval.metrics import METRICS, Floor, Inputs, Kind, Metric
from eval.noise import NOISE
from eval.record import Record, SampleSet

REFERENCE_AT_MOST = 131_072


class SamplesError(ValueError):
    """Samples that can't be measured; the message says what is wrong with them."""


@dataclass(frozen=True)
class Protocol:
    """How a data set is evaluated."""

    kind: Kind
    extractor: str
    n: int
    """Generated samples, where the user asks for no other number: the literature's."""


PROTOCOLS: dict[str, Protocol] = {
    "digits": Protocol("digit_images", "digit_classifier", 10_000),
    "stacked_digits": Protocol("digit_images", "digit_classifier", 26_000),
    "ring8": Protocol("points", "points", 2_500),
    "grid25": Protocol("points", "points", 2_500),
    "grid100": Protocol("points", "points", 2_500),
}


@dataclass(frozen=True)
class Evaluation:
    """All that stays the same from one evaluation of a data set to the next."""

    kind: Kind
    train: Source
    held_out: Source
    extractor: Extractor

    @cached_property
    def reference_samples(self) -> Shaped[np.ndarray, "n *sample"]:
        """The train split as it is stored, at most its first 131,072 samples."""
        return np.asarray(self.train[np.arange(min(len(self.train), REFERENCE_AT_MOST))].x)

    @cached_property
    def reference(self) -> Features:
        return self.extractor(self.reference_samples)

    @cached_property
    def reference_fingerprint(self) -> str:
        return fingerprint(self.reference_samples)

    def inputs(self, stored: Shaped[np.ndarray, "n *sample"]) -> Inputs:
        """What metrics look at, for samples in the stored form."""
        return Inputs(self.extractor(stored), self.reference, self.train)

    def real_samples(self, n: int, seed: int) -> Shaped[np.ndarray, "n *sample"]:
        """n held-out samples without replacement, or all where there are fewer."""
        order = np.random.default_rng([seed, 1]).permutation(len(self.held_out))
        return np.asarray(self.held_out[order[:n]].x)

    def noise_samples(self, n: int, seed: int) -> Shaped[np.ndarray, "n *sample"]:
        """n samples of uniform noise."""
        return NOISE[self.kind](self.train, n, np.random.default_rng([seed, 2]))


def load_evaluation(name: str) -> Evaluation:
    """Load a data set and its extractor (which may be trained now, once)."""
    protocol = PROTOCOLS[name]
    train, held_out = SOURCES[name]("train"), SOURCES[name]("test")
    extractor = EXTRACTORS[protocol.extractor](train)
    return Evaluation(protocol.kind, train, held_out, extractor)


def evaluate(
    evaluation: Evaluation, generated: Shaped[np.ndarray, "n *sample"], nimg: int, seed: int
) -> list[Record]:
    """Measure generated samples, and beside them the baselines.

    Args:
        evaluation: the data set with its extractor.
        generated: samples in the stored form (uint8 NHWC images, float32 points).
        nimg: images that the checkpoint had seen.
        seed: what the samples were drawn with; the baselines and floors use it too.

    Returns:
        A record for each metric and each of generated, real and noise.

    Raises:
        SamplesError: samples of another shape or type than the data's, too few, or not finite.
    """
    _check(generated, evaluation.reference_samples)
    sets: dict[SampleSet, np.ndarray] = {
        "generated": generated,
        "real": evaluation.real_samples(len(generated), seed),
        "noise": evaluation.noise_samples(len(generated), seed),
    }
    floor = _floors(evaluation, seed)
    records = []
    for samples, stored in sets.items():
        inputs = evaluation.inputs(stored)
        for metric in METRICS[evaluation.kind]:
            value, details = metric.measure(inputs)
            lowest = floor(metric, inputs, len(stored))
            records.append(
                Record(
                    metric=metric.name,
                    value=value,
                    samples=samples,
                    n=len(stored),
                    seed=seed,
                    checkpoint_nimg=nimg,
                    source=evaluation.train.name,
                    extractor=evaluation.extractor.name,
                    extractor_fingerprint=evaluation.extractor.fingerprint,
                    extractor_accuracy=evaluation.extractor.accuracy,
                    reference=evaluation.reference_fingerprint,
                    reference_n=len(evaluation.reference_samples),
                    floor=None if lowest is None else lowest.mean,
                    floor_sd=None if lowest is None else lowest.sd,
                    details=details,
                )
            )
    return records


def _floors(evaluation: Evaluation, seed: int) -> Callable[[Metric, Inputs, int], Floor | None]:
    """Floors for one seed, each computed once for a number of samples."""
    known: dict[tuple[str, int], Floor | None] = {}

    def floor(metric: Metric, inputs: Inputs, n: int) -> Floor | None:
        if (metric.name, n) not in known:
            known[metric.name, n] = metric.floor(inputs, n, seed) if metric.floor else None
        return known[metric.name, n]

    return floor


def _check(samples: np.ndarray, like: np.ndarray) -> None:
    """Raise a `SamplesError` unless the samples have the form of the data's."""
    if samples.shape[1:] != like.shape[1:] or samples.dtype != like.dtype:
        found, expected = (f"{x.dtype} {list(x.shape[1:])}" for x in (samples, like))
        raise SamplesError(f"samples are {found} each; the data's are {expected}")
    n = len(samples)
    if n < 2:
        raise SamplesError(f"number of samples = {n}: must be at least 2")
    bad = np.flatnonzero(~np.isfinite(samples).reshape(n, -1).all(axis=1))
    if len(bad):
        raise SamplesError(f"{len(bad)} of {n} samples are not finite; the first is row {bad[0]}")
