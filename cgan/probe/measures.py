"""Measures of a probe on generated samples, by distances between them and to reals.

*Captured*: the share of targets that have a sample within their radius. Of points the targets are
the known modes, with 3 sigma (Srivastava et al. 2017, section 4.1). Of images they are held-out
reals, with the distance to their fifth neighbour among themselves: the coverage of Naeem et al.
2020 (equation 4). Recall would not do: its balls are the generator's own, and grow as samples thin
out.

*Duplicates*: the share of samples whose nearest other one lies within half of the distance that
one real in a hundred has. Half, since averaged generators draw somewhat smoother images than there
are, which in many dimensions brings all of them a little nearer.

*Effective*: the effective number of different samples, by the Vendi score (Friedman & Dieng 2023)
of order 2 (Pasarkar & Dieng 2024, equation 2):

    1 / sum_i lambda_i^2 = n^2 / sum_ij K_ij^2,  lambda the eigenvalues of K / n

with K Gaussian. Order 2 needs no eigenvalues, which accelerators are slow at; and rare samples, of
which 512 can't tell, count least.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgan.data.abilities import known_modes
from cgan.data.mixtures import RADIUS_SIGMAS
from cgan.data.source import Source
from cgan.probe.space import Rows, squared_distances

NEIGHBOR = 5
"""Rank of the neighbour that bounds a held-out real's neighbourhood."""
DUPLICATE_SHARE, DUPLICATE_SCALE = 0.01, 0.5
"""Quantile of the reals' distances to their nearest, and duplicates' share of that distance."""
BANDWIDTHS = 4
"""Number of the kernel's bandwidths in the median distance between reals."""


class Reference(NamedTuple):
    """Facts on the reals that samples are held against, worked out once."""

    targets: Float[Array, "targets d"]
    squared_radii: Float[Array, " targets"]
    squared_duplicate: Float[Array, ""]
    """Squared distance up to which a sample and its nearest other one are duplicates."""
    squared_bandwidth: Float[Array, ""]


class Measures(NamedTuple):
    """Measures of one set of samples."""

    captured: Float[Array, ""]
    duplicates: Float[Array, ""]
    effective: Float[Array, ""]
    """Effective number of different samples, from 1 to their number."""


def reference(
    source: Source, train: Float[np.ndarray, "n d"], held_out: Float[np.ndarray, "m d"]
) -> Reference:
    """Work out what samples are held against, from reals.

    Args:
        source: that the reals are of.
        train: coordinates of train reals, as many as there will be samples.
        held_out: coordinates of held-out reals, 6 or more.
    """
    squares = _squares(train)
    if (modes := known_modes(source)) is not None:
        targets = np.asarray(source.encode(modes.means))
        squared_radii = np.full(len(targets), (RADIUS_SIGMAS * modes.sigma / modes.scale) ** 2)
    else:
        targets = held_out
        squared_radii = np.partition(_squares(held_out), NEIGHBOR - 1, axis=1)[:, NEIGHBOR - 1]
    known = (
        targets,
        squared_radii,
        np.quantile(squares.min(axis=1), DUPLICATE_SHARE) * DUPLICATE_SCALE**2,
        np.median(squares[np.isfinite(squares)]) / BANDWIDTHS**2,
    )
    return Reference(*(jnp.asarray(value, jnp.float32) for value in known))


def _squares(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n n"]:
    """Squared distances within a set, `[n, n]`; a row is infinitely far from itself."""
    alone = jnp.asarray(rows, jnp.float32)
    squares = np.array(jax.jit(squared_distances)(alone, alone), np.float64)
    np.fill_diagonal(squares, np.inf)
    return squares


def measure(samples: Rows, reference: Reference) -> Measures:
    """Measure samples by their coordinates `[n, d]`: captured, duplicates and effective."""
    to_targets = squared_distances(reference.targets, samples)
    captured = (to_targets <= reference.squared_radii[:, None]).any(axis=1).mean()
    squares = squared_distances(samples, samples)
    n = len(samples)
    others = jnp.where(jnp.eye(n, dtype=bool), jnp.inf, squares)
    duplicates = (others.min(axis=1) <= reference.squared_duplicate).mean()
    kernel_squared = jnp.exp(-squares / reference.squared_bandwidth)
    return Measures(captured, duplicates, 1 / kernel_squared.mean())
