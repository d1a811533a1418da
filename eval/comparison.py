"""Two sets of samples compared: FAKE against REAL, and REAL's one half against its other one."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from cgan.config import ConfigError, require
from eval.extractors import load_extractor
from eval.extractors.given import Given
from eval.gather import Advance, Reader, Wanted, gather, silent, split_halves
from eval.measure import Origin, measure, needs_of
from eval.metrics.base import IMAGES_KEPT, Inputs, Metric
from eval.metrics.catalogue import HELD_OUT_ONLY, by_default, offered
from eval.names import ExtractorName
from eval.record import Record, SampleSet
from eval.reference import load_reference
from eval.sample_files import SampleFiles


@dataclass(frozen=True)
class Pair:
    """Two sets of samples of one kind, and what reads them."""

    real: SampleFiles
    fake: SampleFiles
    reader: Reader

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric that these samples can have, by name."""
        found = offered(next(self.real.chunks())[:1], self.reader)
        uniform = self.real.has_one_size and self.fake.has_one_size
        return {
            name: metric
            for name, metric in found.items()
            if metric not in HELD_OUT_ONLY and ("images" not in metric.needs or uniform)
        }

    @property
    def default_metrics(self) -> dict[str, Metric]:
        """Those that are measured unless the user asks for others."""
        return by_default(self.metrics, self.real.is_images)


def load_pair(
    real: SampleFiles, fake: SampleFiles, extractor: ExtractorName, weights: Path | None = None
) -> Pair:
    """Check that two sets of samples can be compared, and load what reads them.

    Raises:
        ConfigError: images beside features, images of several sizes without an extractor that
            resizes them, or an extractor that can't be loaded.
    """
    if real.is_images != fake.is_images:
        kinds = ["images" if samples.is_images else "features" for samples in (real, fake)]
        raise ConfigError(
            f"fake = {str(fake.path)!r}: holds {kinds[1]}, and real = {str(real.path)!r} "
            f"holds {kinds[0]}; must be of one kind"
        )
    if not real.is_images:
        require(weights is None, "weights", str(weights), "left out where features are given")
        return Pair(real, fake, Reader(Given()))
    if extractor == "pixels":
        for field, samples in (("real", real), ("fake", fake)):
            one_size = "a set of images of one size with --extractor pixels"
            require(samples.has_one_size, field, str(samples.path), one_size)
    return Pair(real, fake, Reader(load_extractor(extractor, weights=weights)))


def compare(
    pair: Pair, metrics: dict[str, Metric], seed: int, advance: Advance = silent
) -> list[Record]:
    """Measure FAKE against REAL, and one half of REAL against the other.

    Args:
        pair: the two sets.
        metrics: what to measure, by name.
        seed: of subsets and error bars.
        advance: told the number of samples of each chunk that was read.

    Raises:
        FeatureError: samples that can't be measured.
    """
    needs = needs_of(metrics)
    path = pair.real.path
    reference = load_reference(path.stem, pair.reader, pair.real.chunks, advance)
    (fake,) = gather(pair.fake.chunks(), pair.reader, [Wanted(None, needs)], advance)
    real = reference.gathered
    if "images" in needs:
        images = np.concatenate(list(_first(pair.real.chunks(), IMAGES_KEPT)))
        real = dataclasses.replace(real, images=images)
    one, other = split_halves(real)
    sets: dict[SampleSet, Inputs] = {
        "generated": Inputs(fake, real),
        "real": Inputs(one, other),
    }
    origin = Origin(str(path), None, seed, pair.reader, reference.samples_fingerprint)
    return measure(sets, metrics, origin)


def _first(
    chunks: Iterator[Shaped[np.ndarray, "_ ..."]], n: int
) -> Iterator[Shaped[np.ndarray, "_ ..."]]:
    """The first n samples of a stream, or all where there are fewer."""
    for chunk in chunks:
        yield chunk[:n]
        n -= len(chunk)
        if n <= 0:
            return
