"""Two sets of samples compared: FAKE against REAL, and at one number both against half of REAL."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from cgan.config import ConfigError, require
from cgan.kinds import IMAGE, POINT, Kind
from eval.dataset.reference import ROWS_AT_MOST, load_reference
from eval.extractors import load_extractor
from eval.extractors.given import Given
from eval.extractors.reader import Reader
from eval.gather import GROUPS, Advance, Wanted, gather, silent
from eval.measuring.measure import Origin, measure, needs_of, require_enough
from eval.metrics.base import IMAGES_KEPT, Gathered, Inputs, Metric, Need, present
from eval.metrics.catalog import HELD_OUT_ONLY, by_default, offered
from eval.metrics.moments import moments
from eval.names import ExtractorName
from eval.records.record import Record, SampleSet
from eval.sample_files import SampleFiles


@dataclass(frozen=True)
class Pair:
    """Two sets of samples of one kind, and the reader of both."""

    real: SampleFiles
    fake: SampleFiles
    reader: Reader

    @property
    def kind(self) -> Kind:
        """What the samples are: features are points."""
        return IMAGE if self.real.is_images else POINT

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric that these samples can have, by name."""
        found = offered(next(self.real.chunks())[:1], self.reader, self.kind)
        uniform = self.real.has_one_size and self.fake.has_one_size
        return {
            name: metric
            for name, metric in found.items()
            if metric not in HELD_OUT_ONLY and ("images" not in metric.needs or uniform)
        }

    @property
    def default_metrics(self) -> dict[str, Metric]:
        """The metrics that are measured unless the user asks for others."""
        return by_default(self.metrics, self.kind)


def load_pair(
    real: SampleFiles,
    fake: SampleFiles,
    extractor: ExtractorName | None = None,
    weights: Path | None = None,
) -> Pair:
    """Check that two sets of samples can be compared, and load the reader of both.

    Raises:
        ConfigError: images beside features, samples of different forms, an extractor that can't
            read them or can't be loaded.
    """
    if real.is_images != fake.is_images:
        kinds = ["images" if samples.is_images else "features" for samples in (real, fake)]
        raise ConfigError(
            f"fake = {str(fake.path)!r}: holds {kinds[1]}, and real = {str(real.path)!r} "
            f"holds {kinds[0]}; must be of one kind"
        )
    reader = load_reader({"real": real, "fake": fake}, extractor, weights)
    if not real.is_images or extractor == "pixels":
        _require_alike(real, fake)
    return Pair(real, fake, reader)


def load_reader(
    sides: Mapping[str, SampleFiles],
    extractor: ExtractorName | None = None,
    weights: Path | None = None,
) -> Reader:
    """Load the reader of samples on disk; features are taken as they are.

    Args:
        sides: samples of one kind, by what an error calls them; or none, read already.
        extractor: of the features of images; None for the Inception network.
        weights: the file with its weights.

    Raises:
        ConfigError: an extractor that can't read them or can't be loaded.
    """
    if not any(samples.is_images for samples in sides.values()):
        for field, given in (("extractor", extractor), ("weights", weights)):
            shown = None if given is None else str(given)
            require(given is None, field, shown, "left out where features are given")
        return Reader(Given())
    if extractor == "pixels":
        for field, samples in sides.items():
            one_size = "a set of images of one size with --extractor pixels"
            require(samples.has_one_size, field, str(samples.path), one_size)
    return Reader(load_extractor(extractor or "inception", weights=weights))


def _require_alike(real: SampleFiles, fake: SampleFiles) -> None:
    found, expected = (next(samples.chunks()).shape[1:] for samples in (fake, real))
    if found != expected:
        kind = "images" if real.is_images else "features"
        shapes = [" x ".join(map(str, shape)) for shape in (found, expected)]
        raise ConfigError(
            f"fake = {str(fake.path)!r}: holds {kind} of {shapes[0]}; must be {shapes[1]}, as in "
            f"real = {str(real.path)!r}"
        )


def compare(
    pair: Pair, metrics: dict[str, Metric], seed: int, advance: Advance = silent
) -> list[Record]:
    """Measure FAKE against REAL; and, at one number, FAKE and one half of REAL against the other.

    Args:
        pair: the two sets.
        metrics: what to measure, by name.
        seed: of subsets and error bars.
        advance: told the number of samples of each chunk that was read.

    Raises:
        FeatureError: samples that can't be measured.
        SamplesError: too few of them.
    """
    sets, origin = gather_pair(pair, metrics, needs_of(metrics), seed, advance)
    return measure(sets, metrics, origin)


def gather_pair(
    pair: Pair,
    metrics: dict[str, Metric],
    needs: frozenset[Need],
    seed: int,
    advance: Advance = silent,
) -> tuple[dict[SampleSet, Inputs], Origin]:
    """Read both sets, and keep what is needed of them; see `compare`."""
    path = pair.real.path
    half = min(len(pair.real), ROWS_AT_MOST) // 2
    size = min(half, len(pair.fake))
    require_enough(f"fake = {str(pair.fake.path)!r}: number of samples", len(pair.fake), metrics)
    require_enough(f"real = {str(path)!r}: half of the samples", half, metrics)
    reference = load_reference(path.stem, pair.reader, pair.real.chunks, advance, "real")
    wanted = [Wanted(n, needs) for n in (None, size)]
    fake, matched = gather(pair.fake.chunks(), pair.reader, wanted, advance, "fake")
    real = reference.gathered
    if "images" in needs:
        images = np.concatenate(list(_first(pair.real.chunks(), 2 * IMAGES_KEPT)))
        real = dataclasses.replace(real, images=images)
    one, other = (_some(real, start, size) for start in (0, 1))
    sets: dict[SampleSet, Inputs] = {
        "generated": Inputs(fake, real),
        "generated_matched": Inputs(matched, other),
        "real": Inputs(one, other),
    }
    return sets, Origin(str(path), None, seed, pair.reader, reference.samples_fingerprint)


def _some(of: Gathered, start: int, size: int) -> Gathered:
    """Statistics of every other sample, at most so many, from gathered ones; without counts."""

    def rows(kept: np.ndarray | None) -> np.ndarray | None:
        return None if kept is None else kept[start::2][:size]

    features = present(of.features)[start::2][:size]
    groups = (features[first::GROUPS] for first in range(min(GROUPS, size)))
    return Gathered(
        n=size,
        moments=tuple(moments(group) for group in groups),
        features=features,
        logits=rows(of.logits),
        images=rows(of.images),
    )


def _first(
    chunks: Iterator[Shaped[np.ndarray, "_ ..."]], n: int
) -> Iterator[Shaped[np.ndarray, "_ ..."]]:
    """The first n samples of a stream, or all where there are fewer."""
    for chunk in chunks:
        yield chunk[:n]
        n -= len(chunk)
        if n <= 0:
            return
