"""The figures of neighbourhoods in one pass: precision, recall, density, coverage, authenticity.

A set's manifold is approximated by balls around its rows that reach to their k-th nearest neighbour
(Kynkaanniemi et al. 2019, section 2). All figures count which rows of one set lie in balls of the
other, so the distances between the sets are worked out once for all of them, with the counts of
random halves of the generated samples, from which the error bars come, and with the real row that
each generated one is nearest to, which authenticity asks for. Distances within a set are worked out
once too, for these figures and for the birthday paradox.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from eval.metrics.balls import Balls, Ties, count_and_search, count_inside
from eval.metrics.base import Gathered, StandardError, UndefinedError, check_features, present
from eval.metrics.distances import Rows
from eval.metrics.errors import HALVES
from eval.metrics.neighbors import SPARE, Neighbors, among, nearest

ROWS_AT_MOST = 10_000
"""Number of the first rows of each side that are looked at: the literature's."""
PRECISION_K, DENSITY_K = 3, 5
HALF_K = 12
"""Neighbours of a sample among which those in a random half are looked for."""


def squared_radii(rows: Rows, k: int) -> Float[np.ndarray, " n"]:
    """Squared distance of each row to its k-th nearest neighbour in its own set.

    Raises:
        FeatureError: k or fewer rows.
    """
    return nearest(rows, rows, k, within=True).squares[:, k - 1]


class Manifolds(NamedTuple):
    """Which rows lie in whose balls: the counts behind precision, recall, density and coverage.

    The last axis, where there is one, is all fakes and then halves of them.
    """

    precise: Bool[np.ndarray, " m"]
    """Whether each fake lies in a ball of a real (k = 3, inclusive)."""
    recalled: Bool[np.ndarray, "n sets"]
    """Whether each real lies in a ball of a fake (k = 3, inclusive)."""
    balls: Int[np.ndarray, " m"]
    """Number of balls of reals in which each fake lies (k = 5, strict)."""
    covered: Bool[np.ndarray, "n sets"]
    """Whether each real's ball holds a fake (k = 5, strict)."""
    nearest_real: Neighbors
    """The real row nearest to each fake."""


@lru_cache(maxsize=3)
def own_neighbors(of: Gathered, k: int) -> Neighbors:
    """The k nearest of the first 10,000 rows to each of them, or all others where there are fewer.

    Raises:
        FeatureError: 3 or fewer rows, or one that is not finite.
    """
    rows = present(of.features)[:ROWS_AT_MOST]
    check_features(rows)
    return nearest(rows, rows, max(min(k, len(rows) - 1), PRECISION_K), within=True)


def own_of_samples(samples: Gathered) -> Neighbors:
    """The neighbours of the samples' first rows, as many as `manifolds` looks at."""
    return own_neighbors(samples, HALF_K)


def own_of_reference(reference: Gathered) -> Neighbors:
    """The neighbours of the reference's first rows, as many as `manifolds` looks at."""
    return own_neighbors(reference, DENSITY_K)


@lru_cache(maxsize=1)
def manifolds(samples: Gathered, reference: Gathered, seed: int) -> Manifolds:
    """Which rows lie in whose balls, of at most the first 10,000 rows of each side.

    Args:
        samples: with features, generated.
        reference: with features, real.
        seed: what draws the halves.

    Raises:
        FeatureError: too few rows for k neighbours, a row that is not finite, other dimensions.
    """
    fake = present(samples.features)[:ROWS_AT_MOST]
    real = present(reference.features)[:ROWS_AT_MOST]
    check_features(fake, real)
    if len(real) <= DENSITY_K:
        raise UndefinedError(f"k = {DENSITY_K}: must be at most the {len(real) - 1} rows there are")
    return _between(fake, real, own_of_samples(samples), own_of_reference(reference), seed)


def between(fake: Rows, real: Rows, seed: int) -> Manifolds:
    """Which of these very rows lie in whose balls, `[m, d]` and `[n, d]`; see `manifolds`."""
    of_fake = nearest(fake, fake, max(min(HALF_K, len(fake) - 1), PRECISION_K), within=True)
    return _between(fake, real, of_fake, nearest(real, real, DENSITY_K, within=True), seed)


def _between(
    fake: Rows, real: Rows, of_fake: Neighbors, of_real: Neighbors, seed: int
) -> Manifolds:
    """Which rows lie in whose balls, and what is near, from the neighbours within each set."""
    m = len(fake)
    rng = np.random.default_rng([seed, m])
    halves = np.zeros((m, HALVES), bool)
    for half in halves.T:
        half[rng.permutation(m)[: m // 2]] = True
    tests = [
        Balls("real", of_real.squares[:, PRECISION_K - 1], "inclusive"),
        Balls("real", of_real.squares[:, DENSITY_K - 1], "strict", by_sets=True),
        Balls("fake", of_fake.squares[:, PRECISION_K - 1], "inclusive"),
    ]
    for half in halves.T:
        among_half = of_fake.squares[:, -1].copy()
        members = half[of_fake.indices]
        third = np.cumsum(members, axis=1) == PRECISION_K
        known = third.any(axis=1)
        among_half[known] = of_fake.squares[known, third[known].argmax(axis=1)]
        radii = np.where(half, among_half, -np.inf)
        tests.append(Balls("fake", radii, "inclusive", settle=False))
    found, likely = count_and_search(real, fake, tests, halves, min(1 + SPARE, len(real)))
    of_precision, of_density, *of_recall = found
    return Manifolds(
        precise=of_precision.of_fake > 0,
        recalled=np.stack([each.of_real[:, 0] for each in of_recall], axis=1),
        balls=of_density.of_fake,
        covered=of_density.of_real,
        nearest_real=(nearest(fake, real, 1) if likely is None else among(fake, real, 1, likely)),
    )


def share_error(inside: Shaped[np.ndarray, "n sets"]) -> StandardError | None:
    """The standard error of a share of reals over random halves of the fakes.

    Also that of a mean of such shares.
    """
    shares = inside.mean(axis=0)[1:]
    return StandardError(float(shares.std(ddof=1)), f"half_samples_{len(shares)}")


def inside_of(
    real: Rows, fake: Rows, k: int, ties: Ties
) -> tuple[Int[np.ndarray, " m"], Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Tell which neighbourhoods hold each row, of reals `[n, d]` and fakes `[m, d]`.

    Returned are how many balls of reals hold each fake, whether each real's ball holds a fake, and
    whether a ball of a fake holds each real.

    Raises:
        FeatureError: k or fewer rows, a row that is not finite, dimensions that differ.
    """
    check_features(fake, real)
    tests = [
        Balls("real", squared_radii(real, k), ties),
        Balls("fake", squared_radii(fake, k), ties),
    ]
    around_real, around_fake = count_inside(real, fake, tests)
    return around_real.of_fake, around_real.of_real[:, 0], around_fake.of_real[:, 0]
