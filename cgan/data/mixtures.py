"""The literature's two-dimensional mixtures of Gaussians, whose modes are known exactly.

`ring8`: 8 modes on a circle of radius 1, sigma 0.01 (Unrolled GANs, Metz et al. 2017; PacGAN, Lin
et al. 2018). `grid25`: a 5x5 grid with spacing 2, sigma 0.05 (VEEGAN, Srivastava et al. 2017).
`grid100`: the same, 10x10. Modes have equal shares, or those of a power law (`shares.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from cgan.data.contents import Content, hash_of
from cgan.data.shares import name_of, power_law
from cgan.data.source import Split, split_rng
from cgan.types import Batch

SAMPLES = {"train": 262_144, "test": 65_536}
RADIUS_SIGMAS = 3.0
"""Radius of a mode in its standard deviations: points within belong to it (VEEGAN, section 4.1)."""


@dataclass(frozen=True)
class Mixture:
    """A fixed draw from a mixture of round Gaussians; a sample's label is its mode."""

    name: str
    means: Float[np.ndarray, "modes 2"]
    sigma: float
    points: Float[np.ndarray, "n 2"]
    labels: Int[np.ndarray, " n"]
    class_weights: Float[np.ndarray, " modes"]
    sample_shape: tuple[int, ...] = (2,)

    @cached_property
    def scale(self) -> float:
        """Standard deviation of one coordinate where all modes are alike, exactly.

        Unequal shares leave it as it is: networks see the modes in the same places.
        """
        return float(np.sqrt(self.means.var(axis=0).mean() + self.sigma**2))

    @property
    def class_names(self) -> Sequence[str]:
        return [f"({x:.3g}, {y:.3g})" for x, y in self.means.round(9) + 0.0]

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        return Batch(self.points[indices], self.labels[indices])

    def content(self) -> Content:
        """The content of the split: the mixture, and the modes drawn, alike on every machine.

        Points are left out: another machine's sines and normal draws may differ by rounding.
        """
        means = (self.means.round(6) + 0.0).tolist()
        told = repr((means, self.sigma, len(self.points))).encode()
        drawn = hash_of(told + np.asarray(self.labels, "<i4").tobytes()).hex()
        return Content(drawn, drawn, self.labels)

    def encode(self, stored: Any) -> Any:
        """Divide points by the standard deviation, so that networks see values of about 1."""
        return stored.astype("float32") / np.float32(self.scale)

    def decode(self, samples: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        return samples * np.float32(self.scale)


def _draw(
    name: str, means: Float[np.ndarray, "modes 2"], sigma: float, split: Split, imbalance: float
) -> Mixture:
    rng, size, modes = split_rng(split), SAMPLES[split], len(means)
    shares = power_law(modes, imbalance)
    if imbalance:
        labels = rng.choice(modes, size=size, p=shares).astype(np.int32)
    else:
        labels = rng.integers(modes, size=size).astype(np.int32)
    points = (means[labels] + rng.normal(scale=sigma, size=(size, 2))).astype(np.float32)
    return Mixture(name_of(name, imbalance), means, sigma, points, labels, shares)


def _grid(side: int) -> Float[np.ndarray, "modes 2"]:
    axis = 2.0 * np.arange(side) - (side - 1)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)


def load_ring8(split: Split, imbalance: float = 0.0) -> Mixture:
    """Load a mixture of 8 modes on the unit circle, sigma 0.01."""
    angles = 2 * np.pi * np.arange(8) / 8
    return _draw(
        "ring8", np.stack([np.cos(angles), np.sin(angles)], axis=-1), 0.01, split, imbalance
    )


def load_grid25(split: Split, imbalance: float = 0.0) -> Mixture:
    """Load a mixture of 25 modes on a 5x5 grid with spacing 2, sigma 0.05."""
    return _draw("grid25", _grid(5), 0.05, split, imbalance)


def load_grid100(split: Split, imbalance: float = 0.0) -> Mixture:
    """Load a mixture of 100 modes on a 10x10 grid with spacing 2, sigma 0.05."""
    return _draw("grid100", _grid(10), 0.05, split, imbalance)
