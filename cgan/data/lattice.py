"""Pictures of a crystal lattice with defects: simulated MoS2, or windows of a real micrograph."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.special import logsumexp, xlogy

from cgan.config import Data
from cgan.data import crystal
from cgan.data.contents import Content, hash_of
from cgan.data.source import Source, Split, decode_images, encode_images, split_rng
from cgan.kinds import IMAGE
from cgan.types import Batch

SAMPLES = {"train": 16_384, "test": 4_096}
GAIN = 2
"""Levels of grey an electron."""
DEVIANCE_AT_MOST = 2.0
"""Largest mean deviance of a pixel of a picture that has a class: that of real ones is about 1."""
VERSION = 1
"""Version of the simulation, which a run remembers by its settings alone."""


@dataclass(frozen=True, eq=False)
class SimulatedLattice:
    """One split of pictures of MoS2, each with one defect or none at some site."""

    name: str
    images: UInt8[np.ndarray, "n height width 1"]
    labels: Int[np.ndarray, " n"]
    sites: Int[np.ndarray, " n"]
    """Where each defect is, an index into `crystal.SITES`; drawn for pictures without one too."""
    class_weights: Float[np.ndarray, " classes"]
    expected: Float[np.ndarray, "classes sites height width"]
    """Electrons expected in each pixel, for each class and site."""

    kind = IMAGE
    class_names: Sequence[str] = crystal.CLASS_NAMES

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.images.shape[1:]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        return Batch(self.images[indices], self.labels[indices])

    def content(self) -> Content:
        """The content of the split: what was drawn at which site, alike on every machine.

        Electrons are left out: another machine's draws may differ by rounding.
        """
        told = repr((VERSION, crystal.PROBE, crystal.ELECTRONS, crystal.BACKGROUND, GAIN)).encode()
        drawn = (self.labels.astype("<i4"), self.sites.astype("<i4"))
        known = hash_of(told + b"".join(part.tobytes() for part in drawn)).hex()
        return Content(known, known, self.labels)

    def classify(self, stored: UInt8[np.ndarray, "n height width 1"]) -> Int[np.ndarray, " n"]:
        """The likeliest class of each picture, all classes and all sites equally likely before.

        Electrons are Poisson, so no rule reads classes of pictures that are real more reliably.
        Of no class (-1) is a picture whose deviance from the likeliest one is too large.
        """
        of_class, deviance = self._judged(stored)
        return np.where(deviance <= DEVIANCE_AT_MOST, of_class.argmax(axis=1), -1)

    def features(self, stored: UInt8[np.ndarray, "n height width 1"]) -> Float[np.ndarray, "n 5"]:
        """How ill each picture fits, and how much better with each defect than with none.

        About in standard deviations: the mean deviance of a pixel from the likeliest picture, less
        1; and for each defect the signed root of twice its log-likelihood ratio to no defect.
        """
        of_class, deviance = self._judged(stored)
        pixels = np.prod(self.sample_shape)
        gain = of_class[:, 1:] - of_class[:, :1]
        roots = np.sign(gain) * np.sqrt(2 * np.abs(gain))
        return np.column_stack([(deviance - 1) * np.sqrt(pixels / 2), roots])

    def _judged(
        self, stored: UInt8[np.ndarray, "n height width 1"]
    ) -> tuple[Float[np.ndarray, "n classes"], Float[np.ndarray, " n"]]:
        """Log-likelihoods of the classes, up to a number for each picture, and mean deviances."""
        electrons = stored.reshape(len(stored), -1) / GAIN
        classes, sites = self.expected.shape[:2]
        rates = self.expected.reshape(classes * sites, -1)
        likelihood = electrons @ np.log(rates).T - rates.sum(axis=1)
        of_class = logsumexp(likelihood.reshape(-1, classes, sites), axis=2)
        best = (xlogy(electrons, electrons) - electrons).sum(axis=1)
        return of_class, 2 * (best - likelihood.max(axis=1)) / electrons.shape[1]

    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)


def load(data: Data, split: Split) -> Source:
    """Load one split: simulated, or windows of the micrograph at `data.path`.

    Raises:
        ConfigError: a package that is not installed, or a file that is no picture of a lattice.
    """
    if data.path is None:
        return simulate(split, data.shares)
    from cgan.data import micrograph

    return micrograph.load(data.path, split)


def simulate(split: Split, shares: Sequence[float] | None = None) -> SimulatedLattice:
    """Draw the pictures of a split, the same for every experiment.

    Args:
        split: which one.
        shares: weights of the classes, in their order; None makes them alike.

    Raises:
        ConfigError: ase is not installed.
    """
    expected, n, rng = _expected(), SAMPLES[split], split_rng(split)
    weights = np.ones(len(crystal.CLASS_NAMES)) if shares is None else np.array(shares, float)
    weights = weights / weights.sum()
    labels = rng.choice(len(weights), size=n, p=weights).astype(np.int32)
    sites = rng.integers(len(crystal.SITES), size=n).astype(np.int32)
    electrons = rng.poisson(expected[labels, sites])
    images = np.minimum(GAIN * electrons, 255).astype(np.uint8)[..., None]
    return SimulatedLattice(_name_of(shares), images, labels, sites, weights, expected)


def _name_of(shares: Sequence[float] | None) -> str:
    """Name that records give the data with these shares."""
    return "lattice" if shares is None else "_".join(["lattice", *(f"{x:g}" for x in shares)])


@lru_cache(maxsize=1)
def _expected() -> Float[np.ndarray, "classes sites height width"]:
    return crystal.expected_pictures()
