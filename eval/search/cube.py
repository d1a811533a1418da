"""The unit cube that searches move in, and its map to latents that the prior might have drawn.

A point `u` of the cube becomes `c = Phi^-1(u)` by coordinate, so that a uniform draw of `u` is
a draw of the prior. The cube's corners lie far from all that the prior draws (in 12 dimensions at
a norm of 10.7, where a draw's is 3.5), and a generator never learnt what to make of them: what is
longer than all but one in a thousand draws is shortened to that length.

Where a run has more latents than a search can oversee, it moves in a slice: through one draw of
the prior, along the directions in which samples change most. With `c` a draw of the prior, all of
it is one: the slice leaves the shell nowhere that the whole cube would not.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri
from scipy.stats import chi

LOW, HIGH = 0.001, 0.999
"""Ends of a coordinate: no latent is further from 0 than 3.09 standard deviations."""
LONGEST = 0.999
"""Share of the prior's draws that are shorter than the longest that a search may ask for."""
HALF_WIDTH = 3**0.5
"""Largest uniform latent, where the variance is 1."""


def normal(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Points of the cube to normal coordinates, none longer than nearly all draws are.

    Example:
        >>> import numpy as np
        >>> from eval.search.cube import normal
        >>> normal(np.array([[0.5, 0.84134]])).round(3).tolist()
        [[0.0, 1.0]]
    """
    found = ndtri(np.clip(points, LOW, HIGH))
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return found * np.minimum(1, longest(found.shape[1]) / np.maximum(lengths, 1e-12))


@cache
def longest(d: int) -> float:
    """The length that all but one in a thousand draws of normal coordinates stay below."""
    return float(chi.ppf(LONGEST, d))


def uniform(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Points of the cube to coordinates from minus to plus the square root of 3."""
    return HALF_WIDTH * (2 * np.clip(points, LOW, HIGH) - 1)


COORDINATES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"normal": normal, "uniform": uniform}
"""From the cube to coordinates of latents, by `generator.latent`."""


class Slice(NamedTuple):
    """Orthonormal directions in latent space, and the draw that they are moved along from."""

    directions: Float[np.ndarray, "d latent_dim"]
    through: Float[np.ndarray, " latent_dim"]

    def latents(self, along: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n latent_dim"]:
        """The draw, its part along the directions replaced."""
        rest = self.through - self.through @ self.directions.T @ self.directions
        return rest + along @ self.directions


def directions(
    latents: Float[np.ndarray, "n latent_dim"],
    samples: Float[np.ndarray, "n p"],
    d: int,
    by_axis: bool = False,
) -> Float[np.ndarray, "d latent_dim"]:
    """The directions in which samples change most on average, the most telling first.

    The singular vectors of the mean Jacobian, which for normal latents is the covariance of
    latents and samples (Stein 1981, lemma 1): no derivative is taken.

    Args:
        latents: draws of the prior.
        samples: what the generator made of each.
        d: number of directions.
        by_axis: of the axes alone, since uniform latents are so along these only.
    """
    moved = (samples - samples.mean(axis=0)).astype(np.float64)
    jacobian = (latents - latents.mean(axis=0)).astype(np.float64).T @ moved / len(latents)
    if by_axis:
        largest = np.argsort(-np.linalg.norm(jacobian, axis=1), kind="stable")[:d]
        return np.eye(latents.shape[1])[largest]
    vectors = np.linalg.svd(jacobian)[0][:, :d].T
    # Singular vectors have no sign of their own: the largest entry is made positive.
    largest = np.abs(vectors).argmax(axis=1)
    return vectors * np.sign(vectors[np.arange(d), largest])[:, None]
