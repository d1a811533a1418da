"""Windows of a real picture of a crystal, drawn so that its lattice is that of the simulated one.

The two shortest lattice vectors are read from the picture's autocorrelation and fitted to its peaks
farther out. A window is then sampled on a grid whose pixels are so many of those vectors that they
become the (7, 4) and (0, 8) pixels of `crystal.LATTICE`, whatever the picture's scale, rotation and
shear: 4 x 4 cells of the crystal again, from anywhere in the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy import ndimage

from cgan.config import ConfigError
from cgan.data.contents import Content, hash_of
from cgan.data.crystal import HEIGHT, LATTICE, WIDTH
from cgan.data.source import Split, decode_images, encode_images, split_rng
from cgan.kinds import IMAGE
from cgan.system import files
from cgan.types import Batch

WINDOWS = {"train": 8_192, "test": 2_048}
HELD_OUT = 1 / 4
"""Share of the picture, at its right, that is held out."""
BLUR = 0.4
"""Standard deviation of what is averaged before sampling, in pixels of a window."""
DARKEST, BRIGHTEST = 0.5, 99.5
"""Percentiles of the picture that become black and white."""
CLOSEST = 4
"""Fewest pixels from one column to the next that are the crystal's and not the noise's."""
PEAK_AT_LEAST = 0.25
"""Least autocorrelation one lattice vector on, of 1 in place."""
SHELLS = (1, 2, 4)
"""Multiples of the vectors up to which they are fitted, each fit starting from the last."""
FITTED = 512
"""Sides in pixels of the middle of a picture, by which the vectors are fitted."""
SMALLEST, LARGEST = 64, 2**13
"""Sides of a picture in pixels."""
SUFFIXES = (".dm3", ".dm4", ".npy")
INSTALL = "pip install ncempy"

Picture = Float[np.ndarray, "height width"]
Vectors = Float[np.ndarray, "2 2"]
"""Two lattice vectors, each down and to the right, in pixels of the picture."""


class NoMicrographError(ValueError):
    """A file that is no picture of a lattice, and why."""


@dataclass(frozen=True, eq=False)
class Micrograph:
    """A picture and its lattice."""

    picture: Picture
    vectors: Vectors

    @property
    def grid(self) -> Float[np.ndarray, "2 2"]:
        """Steps in the picture of one pixel of a window, down and to the right (columns)."""
        return np.asarray(self.vectors.T @ np.linalg.inv(np.array(LATTICE, float).T))

    @cached_property
    def _smooth(self) -> Picture:
        sigma = BLUR * np.sqrt(abs(np.linalg.det(self.grid)))
        low, high = np.percentile(self.picture, (DARKEST, BRIGHTEST))
        return ndimage.gaussian_filter((self.picture - low) / max(high - low, 1e-12), sigma)

    @cached_property
    def _spline(self) -> Picture:
        return ndimage.spline_filter(self._smooth, 3)

    def windows(self, corners: Float[np.ndarray, "n 2"]) -> UInt8[np.ndarray, "n height width 1"]:
        """Windows whose first pixels lie at these places of the picture, between its pixels too."""
        steps = np.moveaxis(np.indices((HEIGHT, WIDTH)), 0, -1) @ self.grid.T
        found = np.empty((len(corners), HEIGHT, WIDTH, 1), np.uint8)
        for window, corner in zip(found, corners, strict=True):
            at = np.moveaxis(corner + steps, -1, 0)
            read = ndimage.map_coordinates(self._spline, at, order=3, prefilter=False)
            window[..., 0] = np.clip(np.rint(255 * read), 0, 255)
        return found

    def corners(
        self, n: int, columns: tuple[float, float], rng: np.random.Generator, margin: float = 0.0
    ) -> Float[np.ndarray, "n 2"]:
        """Draw corners of windows that lie within some columns of the picture.

        Args:
            n: how many.
            columns: the first and the last of these columns.
            rng: draws them.
            margin: pixels that are kept free around all windows.

        Raises:
            NoMicrographError: not even one window fits.
        """
        ends = np.array([[0, 0], [HEIGHT - 1, 0], [0, WIDTH - 1], [HEIGHT - 1, WIDTH - 1]])
        reach = ends @ self.grid.T
        first = np.array([0.0, columns[0]]) + margin - reach.min(axis=0)
        last = np.array([len(self.picture) - 1.0, columns[1]]) - margin - reach.max(axis=0)
        if (last <= first).any():
            tall, wide = np.ptp(reach, axis=0) + 1
            raise NoMicrographError(
                f"4 x 4 cells of its lattice, {tall:.0f} x {wide:.0f} pixels, do not fit into each "
                "part; must be a larger picture"
            )
        return rng.uniform(first, last, size=(n, 2))


@dataclass(frozen=True, eq=False)
class Windows:
    """One split of windows of a micrograph; they have no classes."""

    images: UInt8[np.ndarray, "n height width 1"]
    description: str
    name: str = "lattice_micrograph"

    kind = IMAGE
    class_names: Sequence[str] = ()

    @property
    def class_weights(self) -> Float[np.ndarray, " 0"]:
        return np.zeros(0)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.images.shape[1:]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        return Batch(self.images[indices], np.zeros(len(indices), np.int32))

    def content(self) -> Content:
        """The content of the split, by its pixels."""
        known = hash_of(self.images.tobytes()).hex()
        return Content(known, known, np.zeros(len(self), np.int32))

    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)


def load(path: Path, split: Split) -> Windows:
    """Load windows of a micrograph: of its left three quarters, or of the rest.

    Raises:
        ConfigError: ncempy is not installed, or the file is no picture of a lattice.
    """
    try:
        found = read(files.at_home(path))
        wide = found.picture.shape[1]
        border = wide * (1 - HELD_OUT)
        columns = (0.0, border) if split == "train" else (border, wide - 1.0)
        images = found.windows(found.corners(WINDOWS[split], columns, split_rng(split)))
    except (NoMicrographError, OSError) as error:
        reason = error.strerror or error if isinstance(error, OSError) else error
        raise ConfigError(f"data.path = {str(path)!r}: {reason}") from None
    a, b = (f"({down:.2f}, {right:.2f})" for down, right in found.vectors)
    tall, wide = found.picture.shape
    said = f"windows of a micrograph of {tall} x {wide} pixels, lattice vectors {a} and {b}"
    return Windows(images, said)


def read(path: Path) -> Micrograph:
    """Read a picture and fit its lattice.

    Raises:
        ConfigError: ncempy is not installed.
        NoMicrographError: the file is no picture of a lattice.
        OSError: it can't be read.
    """
    picture = _picture(path)
    if picture.ndim != 2 or not np.issubdtype(picture.dtype, np.number):
        raise NoMicrographError(f"has the shape {picture.shape}; must be one grey picture")
    if min(picture.shape) < SMALLEST or max(picture.shape) > LARGEST:
        expected = f"must have sides from {SMALLEST} to {LARGEST:,}"
        raise NoMicrographError(f"has {picture.shape[0]} x {picture.shape[1]} pixels; {expected}")
    picture = picture.astype(np.float64)
    if not np.isfinite(picture).all():
        raise NoMicrographError("has pixels that are no numbers; must be a whole picture")
    return Micrograph(picture, fit_vectors(picture))


def _picture(path: Path) -> np.ndarray:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise NoMicrographError(f"must be a file of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise NoMicrographError("is not there; must be a micrograph")
    if suffix == ".npy":
        try:
            return np.asarray(np.load(path, allow_pickle=False))
        except (ValueError, EOFError) as error:
            raise NoMicrographError(f"can't be read as an array ({error})") from None
    try:
        from ncempy.io import dm
    except ImportError as error:
        raise ConfigError(
            f"data.path = {str(path)!r}: needs ncempy to read it ({error}); it must be installed: "
            f"{INSTALL}"
        ) from None
    try:
        return np.asarray(dm.dmReader(str(path))["data"])
    except Exception as error:  # whatever a damaged file makes of its reader
        raise NoMicrographError(f"can't be read as DigitalMicrograph's ({error})") from None


def fit_vectors(picture: Picture) -> Vectors:
    """The lattice vectors of a picture, in the order and the sense of `crystal.LATTICE`.

    The second is the one of the shortest six that leads most to the right, the first its neighbour
    that leads down.

    Raises:
        NoMicrographError: the picture repeats nowhere.
    """
    if np.ptp(picture) == 0:
        raise NoMicrographError("repeats nowhere: all its pixels are alike; must be of a lattice")
    tall, wide = (slice(max(side - FITTED, 0) // 2, (side + FITTED) // 2) for side in picture.shape)
    similarity = autocorrelation(picture[tall, wide])
    vectors = _first_shell(similarity)
    for most in SHELLS:
        vectors = _refined(similarity, vectors, most)
    return vectors


def autocorrelation(picture: Picture) -> Float[np.ndarray, "down right"]:
    """How like a picture is to itself at each shift, 1 at none, which lies in the middle.

    Slow changes of brightness are taken off before, and shifts weigh the pixels that overlap.
    """
    tall, wide = picture.shape
    flat = picture - ndimage.gaussian_filter(picture, min(picture.shape) / 16)
    shape = (2 * tall, 2 * wide)
    power = np.abs(np.fft.rfft2(flat, shape)) ** 2
    overlap = np.outer(tall - np.abs(np.arange(-tall, tall)), wide - np.abs(np.arange(-wide, wide)))
    sums = np.fft.fftshift(np.fft.irfft2(power, shape))
    means = sums / np.maximum(overlap, tall * wide / 16)
    similarity = ndimage.gaussian_filter(means, 1.0)
    return np.asarray(similarity / max(similarity[tall, wide], 1e-300))


def _first_shell(similarity: Picture) -> Vectors:
    middle = np.array(similarity.shape) // 2
    reach = int(min(middle) // 2)
    part = similarity[
        middle[0] - reach : middle[0] + reach + 1, middle[1] - reach : middle[1] + reach + 1
    ]
    is_peak = (part == ndimage.maximum_filter(part, 2 * CLOSEST - 1)) & (part >= PEAK_AT_LEAST)
    peaks = np.argwhere(is_peak) - reach
    lengths = np.hypot(*peaks.T)
    others = lengths >= CLOSEST
    if not others.any():
        raise NoMicrographError(
            "repeats nowhere: no shift at which it is like itself; must be a picture of a lattice"
        )
    # A lattice point one vector on is as like as any; peaks of noise are less.
    best = part[tuple((peaks[others] + reach).T)].max()
    values = part[tuple((peaks + reach).T)]
    shell = peaks[others & (values >= 0.5 * best)].astype(float)
    shell = shell[np.hypot(*shell.T) <= 1.25 * np.hypot(*shell.T).min()]
    second = shell[shell[:, 1].argmax()]
    beside = [each for each in shell if _is_beside(each, second)]
    if not beside:
        raise NoMicrographError("repeats along one direction alone; must be a picture of a lattice")
    return np.stack([max(beside, key=lambda each: float(each @ second)), second])


def _is_beside(vector: Float[np.ndarray, "2"], second: Float[np.ndarray, "2"]) -> bool:
    """Whether a vector is the second one turned down by some 60 degrees."""
    turned = vector[0] * second[1] - vector[1] * second[0]
    return bool(turned > 0 and vector @ second > 0)


def _refined(similarity: Picture, vectors: Vectors, most: int) -> Vectors:
    """Fit vectors to the peaks at their multiples, by least squares."""
    middle = np.array(similarity.shape) // 2
    near = max(int(0.25 * np.hypot(*vectors.T).min()), 2)
    multiples, places = [], []
    for first in range(-most, most + 1):
        for second in range(-most, most + 1):
            at = np.rint((first, second) @ vectors).astype(int) + middle
            low, high = at - near, at + near + 1
            if (first, second) == (0, 0) or (low < 1).any() or (high >= similarity.shape).any():
                continue
            part = similarity[low[0] : high[0], low[1] : high[1]]
            top = low + np.unravel_index(part.argmax(), part.shape)
            multiples.append((first, second))
            places.append(_between_pixels(similarity, top) - middle)
    fitted, *_ = np.linalg.lstsq(np.array(multiples, float), np.array(places), rcond=None)
    return np.asarray(fitted)


def _between_pixels(similarity: Picture, top: Int[np.ndarray, "2"]) -> Float[np.ndarray, "2"]:
    """The top of the parabola through a peak's pixel and its two neighbours, along each axis."""
    found = top.astype(float)
    for axis in (0, 1):
        step = np.eye(2, dtype=int)[axis]
        before, here, after = (similarity[tuple(top + k * step)] for k in (-1, 0, 1))
        curve = before - 2 * here + after
        found[axis] += np.clip(0.5 * (before - after) / curve, -0.5, 0.5) if curve < 0 else 0.0
    return found
