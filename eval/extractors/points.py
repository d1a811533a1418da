"""Points in the plane: they are their own features, and their mode is known exactly.

A sample belongs to the nearest mode if it lies within three standard deviations of it, and to no
mode otherwise: the rule of VEEGAN (Srivastava et al. 2017, section 4.1).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from cgan.data import Source
from cgan.data.mixtures import RADIUS_SIGMAS, Mixture
from eval.extractors.base import Features
from eval.fingerprint import fingerprint


@dataclass(frozen=True)
class Points:
    """Extractor of points: each is its own features, labelled with its mode of a mixture."""

    means: Float[np.ndarray, "modes 2"]
    sigma: float
    name: str = "points"
    accuracy: float | None = None

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.means, f"sigma {self.sigma!r} radius {RADIUS_SIGMAS!r}")

    def __call__(self, stored: Float[np.ndarray, "n 2"]) -> Features:
        offsets = stored[:, None].astype(np.float64) - self.means
        distances = np.sqrt((offsets**2).sum(axis=-1))
        nearest = distances.argmin(axis=1)
        inside = distances.min(axis=1) <= RADIUS_SIGMAS * self.sigma
        return Features(stored, np.where(inside, nearest, -1))


def as_mixture(source: Source) -> Mixture:
    """A source as a `Mixture` of Gaussians.

    Raises:
        TypeError: a source whose modes are not known.
    """
    if not isinstance(source, Mixture):
        raise TypeError(f"{source.name} is not a mixture of Gaussians with known modes")
    return source


def load(source: Source) -> Points:
    """Make the extractor of points for this mixture.

    Raises:
        TypeError: a source whose modes are not known.
    """
    mixture = as_mixture(source)
    return Points(mixture.means, mixture.sigma)
