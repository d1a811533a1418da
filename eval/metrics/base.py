"""The form of a metric: a name that states its protocol, what it needs, and a pure function."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float, Int, Shaped

from cgan.data import Source
from eval.metrics.moments import Moments

Need = Literal["counts", "moments", "features", "labels", "logits", "images"]
"""What a metric may need of streamed samples. Only `counts` and `moments` don't grow with n."""

T = TypeVar("T")


def present(kept: T | None) -> T:
    """An optional value that a metric says it needs, asserted to be there."""
    assert kept is not None, "the metric reads what its `needs` do not name"
    return kept


@dataclass(frozen=True, eq=False)
class Gathered:
    """All that one pass over n samples kept; None for what no metric needed. Equal by identity."""

    n: int
    counts: Int[np.ndarray, " bins"] | None = None
    """Number of samples in each class and, last, in none."""
    moments: tuple[Moments, ...] = ()
    """Moments of the features, in groups of about equal size, for their error bars."""
    features: Float[np.ndarray, "n d"] | None = None
    labels: Int[np.ndarray, " n"] | None = None
    """Class of each sample, -1 for none."""
    logits: Float[np.ndarray, "n classes"] | None = None
    asked: Int[np.ndarray, " n"] | None = None
    """Class that each sample was asked for, or is of; None where nothing was asked for."""
    images: Shaped[np.ndarray, "kept *sample"] | None = None
    """The first samples as they are stored, at most `IMAGES_KEPT`."""


IMAGES_KEPT = 4_000


@dataclass(frozen=True)
class Inputs:
    """All that a metric may look at: samples, reference, and what is known of the data."""

    samples: Gathered
    """The samples that are measured: generated ones, or a baseline."""
    reference: Gathered
    """The train split in random order, read by the same extractor, to compare samples with."""
    source: Source | None = None
    """The train split, for its classes and their true shares; None for samples without a source."""
    held_out: Gathered | None = None
    """Real samples that were never trained on; None where there are none."""
    learnt: Gathered | None = None
    """Samples that were trained on, where they are a part of the train split; None for all."""


class StandardError(NamedTuple):
    """The standard error of a value over redraws of the samples (the reference stays fixed)."""

    value: float
    protocol: str
    """Name of the method of estimation, such as `half_samples_8`."""


class Value(NamedTuple):
    """One measured figure; None where the samples leave it undefined, with `why` in its details."""

    value: float | None
    error: StandardError | None = None
    details: dict[str, Any] = {}  # noqa: RUF012
    """Further facts that a reader needs, as JSON: a convention, the names of missing modes.

    `why` there is none, or a `note` on one, is printed under the table too.
    """
    n: int | None = None
    """Number of samples used, where a metric uses only the first of them."""
    reference_n: int | None = None
    """Number of reference rows used, where a metric uses only the first of them."""


class Floor(NamedTuple):
    """The score of a perfect sampler with the same number of samples: mean and spread of draws."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Metric:
    """One metric and how it is taken; the name states its protocol and goes into the record."""

    name: str
    label: str
    """The metric's name in tables."""
    needs: frozenset[Need]
    """What the metric reads of the samples and of the reference."""
    measure: Callable[[Inputs, int], Value]
    """Function `(inputs, seed)` to the value; the seed decides subsets and error bars."""
    floor: Callable[[Inputs, int, int], Floor | None] | None = None
    """Function `(inputs, n, seed)` to a perfect sampler's score; None where none is modelled."""
    text: Callable[[float], str] = field(default="{:.4f}".format)
    """Function from the metric's value to its text in tables."""
    at_least: int = 2
    """Fewest samples that the metric needs, and as many rows of the reference."""
    of_copies: bool = False
    """Whether it looks for copies: it compares with samples that were trained on, no others."""
    required: bool = False
    """Whether too few samples are refused, since a user named the metric; else it is undefined."""


class FeatureError(ValueError):
    """Features that can't be measured; the message says what is wrong with them."""


class UndefinedError(FeatureError):
    """A metric has no value on these samples, sound as they are; the message says why."""


def check_features(
    samples: Float[np.ndarray, "n d_samples"],
    reference: Float[np.ndarray, "m d_reference"] | None = None,
    at_least: int = 2,
) -> None:
    """Refuse features that would yield a plausible but wrong number.

    Raises:
        FeatureError: a row that is not finite, dimensions that differ.
        UndefinedError: too few rows.
    """
    named = (
        {"samples": samples}
        if reference is None
        else {"reference": reference} | {"samples": samples}
    )
    for name, rows in named.items():
        if len(rows) < at_least:
            raise UndefinedError(f"{name}: {len(rows)} rows; must be at least {at_least}")
        check_finite(name, rows)
    if reference is not None and reference.shape[1] != samples.shape[1]:
        raise FeatureError(
            f"features have {reference.shape[1]} dimensions in the reference and "
            f"{samples.shape[1]} in the samples; must be the same extractor's"
        )


def check_finite(name: str, rows: Float[np.ndarray, "n d"], start: int = 0) -> None:
    """Refuse rows that are not finite; the first row has the number `start` in messages.

    Raises:
        FeatureError: such a row.
    """
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        many = f"{len(bad)} of {len(rows)} rows are not finite"
        raise FeatureError(f"{name}: {many}; the first is row {start + bad[0]}")


def floor_of(draws: Float[np.ndarray, " draws"]) -> Floor:
    """The floor from the scores of independent perfect samplers."""
    return Floor(float(draws.mean()), float(draws.std(ddof=1)))
