"""Extractors by name. A new one is a file here and a function in `EXTRACTORS`."""

from collections.abc import Callable
from pathlib import Path

from cgan.config import ConfigError
from cgan.data.abilities import classifying, known_modes
from cgan.data.digits import StackedDigits
from cgan.kinds import DNA, IMAGE, PROTEIN
from eval.extractors import classifier, kmers, points
from eval.extractors.base import Extractor, Features
from eval.extractors.coordinates import Coordinates, load_own
from eval.extractors.pixels import Pixels
from eval.extractors.stacked import StackedClassifier
from eval.names import ExtractorName
from eval.splits import Splits


def load_extractor(
    name: ExtractorName, splits: Splits | None = None, weights: Path | None = None
) -> Extractor:
    """Load the extractor of this name, ready to read.

    Args:
        name: which one.
        splits: the data set, for those that learn from it or read nothing else.
        weights: the file of a network trained elsewhere; by default in the cache folder.

    Raises:
        ConfigError: an extractor that can't read this data, weights that are missing, damaged or
            not asked for.
    """
    if weights is not None and name not in FROM_WEIGHTS:
        given = f"weights = {str(weights)!r}: must be left out with --extractor {name}"
        raise ConfigError(f"{given}; weights are for {' and '.join(FROM_WEIGHTS)}")
    if name in FROM_WEIGHTS:
        _require_images(name, splits)
        return FROM_WEIGHTS[name](weights)
    if name == "pixels":
        _require_images(name, splits)
        return Pixels()
    if splits is None:
        known = ", ".join([*FROM_WEIGHTS, "pixels"])
        raise ConfigError(f"extractor = {name!r}: needs a data set; must be one of {known}")
    return OF_DATA[name](splits)


def _require_images(name: str, splits: Splits | None) -> None:
    if splits is not None and splits.kind != IMAGE:
        usual = "coordinates" if known_modes(splits.train) is None else "points"
        raise ConfigError(
            f"extractor = {name!r}: reads images, and {splits.train.name} holds "
            f"{splits.kind.plural}; must be {usual!r}"
        )


def _forbid_images(name: str, splits: Splits) -> None:
    if splits.kind == IMAGE:
        raise ConfigError(
            f"extractor = {name!r}: {splits.train.name} holds images; must be one that reads them"
        )


def _points(splits: Splits) -> Extractor:
    _forbid_images("points", splits)
    if known_modes(splits.train) is None:
        raise ConfigError(
            f"extractor = 'points': {splits.train.name} has no modes that are known; must be "
            "'coordinates'"
        )
    return points.load(splits.train)


def _coordinates(splits: Splits) -> Extractor:
    _forbid_images("coordinates", splits)
    return Coordinates()


def _kmers(splits: Splits) -> Extractor:
    if splits.kind not in (DNA, PROTEIN):
        raise ConfigError(
            f"extractor = 'kmers': reads DNA and proteins, and {splits.train.name} holds "
            f"{splits.kind.plural}; must be one that reads them"
        )
    return kmers.load(*splits)


def _own(splits: Splits) -> Extractor:
    if classifying(splits.train) is None:
        raise ConfigError(
            f"extractor = 'own': {splits.train.name} knows no rule by which samples have classes; "
            "must be left out, or its source must have a member classify"
        )
    return load_own(splits.train, splits.held_out)


def _classifier(splits: Splits) -> Extractor:
    _require_images("classifier", splits)
    train, held_out = splits
    if isinstance(train, StackedDigits) and isinstance(held_out, StackedDigits):
        return StackedClassifier(classifier.load(train.digits, held_out.digits))
    return classifier.load(train, held_out)


def _inception(weights: Path | None) -> Extractor:
    from eval.extractors import inception

    return inception.load(weights)


def _dinov2(weights: Path | None) -> Extractor:
    from eval.extractors import dinov2

    return dinov2.load(weights)


OF_DATA: dict[str, Callable[[Splits], Extractor]] = {
    "points": _points,
    "coordinates": _coordinates,
    "kmers": _kmers,
    "own": _own,
    "classifier": _classifier,
}
FROM_WEIGHTS: dict[str, Callable[[Path | None], Extractor]] = {
    "inception": _inception,
    "dinov2": _dinov2,
}

__all__ = ["Extractor", "Features", "load_extractor"]
