"""Comparison of samples by statistics: where the rows of one set are not at hand, or of neither.

The mean and covariance of features give the Frechet distance and nothing else. They have no halves,
so that nothing says what real data would score against themselves.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from cgan.config import ConfigError, require
from cgan.system.cache import note
from eval.comparison import load_reader
from eval.extractors.given import Given
from eval.gather import Advance, Reader, Wanted, gather, silent
from eval.measure import Origin, measure
from eval.metrics.base import Gathered, Inputs, Metric
from eval.metrics.frechet import FRECHET
from eval.names import ExtractorName
from eval.record import Record
from eval.reference import load_reference
from eval.sample_files import SampleFiles
from eval.sample_files.statistics import Statistics

NAMES: tuple[ExtractorName, ...] = ("inception", "dinov2", "pixels")
"""Extractors that read anybody's images."""


@dataclass(frozen=True)
class StatisticsPair:
    """Two sets, at least one known by its statistics alone, and the reader of the other."""

    real: SampleFiles | Statistics
    fake: SampleFiles | Statistics
    reader: Reader

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric that statistics allow, by name."""
        return {FRECHET.name: FRECHET}


def load_statistics_pair(
    real: SampleFiles | Statistics,
    fake: SampleFiles | Statistics,
    names: tuple[str, ...] = (),
    extractor: ExtractorName | None = None,
    weights: Path | None = None,
) -> StatisticsPair:
    """Check that two sets can be compared by statistics, and load what reads the samples.

    Args:
        real: the real set.
        fake: the generated one; one of both are statistics.
        names: of the metrics that were asked for.
        extractor: of the features of images; by default the one that the statistics name.
        weights: the file with its weights.

    Raises:
        ConfigError: metrics that need samples, statistics of another extractor or of other
            dimensions.
    """
    for name in names:
        alone = f"{FRECHET.name} alone, all that statistics (mu, sigma) can tell"
        require(name in (FRECHET.name, "all"), "metrics", name, alone)
    sides = {"real": real, "fake": fake}
    known = {name: side for name, side in sides.items() if isinstance(side, Statistics)}
    read = {name: side for name, side in sides.items() if not isinstance(side, Statistics)}
    if any(side.is_images for side in read.values()):
        ((field, statistics),) = known.items()
        reader = _reader(field, statistics, read, extractor, weights)
    else:
        load_reader(read, extractor, weights)
        reader = Reader(_given(list(known.values())))
    pair = StatisticsPair(real, fake, reader)
    _require_dimensions(pair)
    if read:
        for name, side in known.items():
            if side.extractor is None:
                taken = f"does not say what read it; taken for {reader.extractor.name}'s"
                note(f"{name} = {str(side.path)!r}: {taken}")
    return pair


def _reader(
    field: str,
    of: Statistics,
    read: dict[str, SampleFiles],
    extractor: ExtractorName | None,
    weights: Path | None,
) -> Reader:
    """The reader of images that statistics are compared with: the extractor that made these."""
    where = f"{field} = {str(of.path)!r}"
    if of.extractor is not None:
        named = next((name for name in NAMES if name == of.extractor), None)
        if named is None:
            held = f"holds statistics of {of.extractor!r}"
            raise ConfigError(f"{where}: {held}; must be of {', '.join(NAMES)} to be met by images")
        if extractor not in (None, named):
            held = f"{where} holds statistics of {named}"
            raise ConfigError(f"extractor = {extractor!r}: must be left out, since {held}")
        extractor = named
    reader = load_reader(read, extractor, weights)
    loaded = reader.extractor
    if of.extractor_fingerprint not in (None, loaded.fingerprint):
        held = f"holds statistics of {loaded.name} ({of.extractor_fingerprint})"
        found = f"and what reads the images is {loaded.name} ({loaded.fingerprint})"
        raise ConfigError(f"{where}: {held}, {found}; must be made anew by it")
    return reader


def _given(known: list[Statistics]) -> Given:
    """A stand-in for the extractor where nothing is read now: the one that the files name.

    Raises:
        ConfigError: they name two.
    """
    named = {
        (of.extractor, of.extractor_fingerprint): of for of in known if of.extractor is not None
    }
    if len(named) > 1:
        told = " and ".join(f"{of.extractor} ({of.extractor_fingerprint})" for of in named.values())
        raise ConfigError(f"fake = {str(known[1].path)!r}: of {told}; must be of real's extractor")
    for name, fingerprint in named:
        return Given(str(name), fingerprint or "unknown")
    return Given()


def _require_dimensions(pair: StatisticsPair) -> None:
    found = {}
    for field, side in (("real", pair.real), ("fake", pair.fake)):
        if isinstance(side, Statistics):
            found[field] = side.dimensions
        else:
            found[field] = pair.reader(next(side.chunks())[:1]).features.shape[1]
    if found["real"] != found["fake"]:
        told = f"has features of {found['fake']} dimensions"
        expected = f"{found['real']}, as in real = {str(pair.real.path)!r}"
        raise ConfigError(f"fake = {str(pair.fake.path)!r}: {told}; must be {expected}")


def compare_statistics(pair: StatisticsPair, seed: int, advance: Advance = silent) -> list[Record]:
    """The Frechet distance of FAKE from REAL.

    Args:
        pair: the two sets.
        seed: of the perfect sampler's draws, where REAL has rows.
        advance: told the number of samples of each chunk that was read.

    Raises:
        FeatureError: samples that can't be measured.
    """
    if isinstance(pair.fake, Statistics):
        fake, fakes = _gathered(pair.fake), pair.fake.n
    else:
        wanted = [Wanted(None, FRECHET.needs)]
        (fake,) = gather(pair.fake.chunks(), pair.reader, wanted, advance, "fake")
        fakes = fake.n
    if isinstance(pair.real, Statistics):
        real, reals, reference = _gathered(pair.real), pair.real.n, pair.real.samples_fingerprint
    else:
        path = pair.real.path
        read = load_reference(path.stem, pair.reader, pair.real.chunks, advance, "real")
        real, reals, reference = read.gathered, read.gathered.n, read.samples_fingerprint
        if fakes is None:  # a perfect sampler would need to know of how many to draw
            real = replace(real, features=None)
    origin = Origin(str(pair.real.path), None, seed, pair.reader, reference)
    (record,) = measure({"generated": Inputs(fake, real)}, pair.metrics, origin)
    return [replace(record, n=fakes or 0, reference_n=reals or 0)]


def _gathered(of: Statistics) -> Gathered:
    return Gathered(n=of.moments.n, moments=(of.moments,))
