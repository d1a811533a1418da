"""The mean and covariance of features, kept in a file: all that a Frechet distance needs.

An .npz file with `mu` and `sigma` (ddof = 1), as pytorch-fid and others write them. Ours has
besides what was read, and what read it, so that statistics of another extractor are refused; of a
file without, the extractor is taken on trust.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from cgan.system.files import replace
from eval.files.fingerprint import fingerprint
from eval.metrics.moments import Moments
from eval.sample_files.array_file import ArrayFile

NAMES = ("mu", "sigma")
ASYMMETRY, NEGATIVE = 1e-6, 1e-5
"""Shares of the largest entry, or eigenvalue, that rounding to float32 explains."""
TEXT_AT_MOST = 200
"""Most characters of a name or fingerprint."""


class BrokenStatistics(ValueError):
    """Numbers are no mean and covariance; the message says why."""


@dataclass(frozen=True)
class Statistics:
    """Statistics of features, read from a file: a Gaussian, and what it is of."""

    path: Path
    moments: Moments
    """Mean and scatter of the features.

    Where the file does not say of how many rows, of as many as the rank takes.
    """
    n: int | None
    """Number of rows; None where the file does not say."""
    extractor: str | None
    """Name of the extractor of the features; None where the file does not say."""
    extractor_fingerprint: str | None
    samples_fingerprint: str
    """A hash of the samples, or of the statistics where the file does not say."""

    @property
    def dimensions(self) -> int:
        """Dimension of the features."""
        return len(self.moments.mean)


def save_statistics(
    path: Path, moments: Moments, extractor: str, extractor_fingerprint: str, samples: str
) -> None:
    """Write statistics of at least two rows to a file, whole or not at all."""
    content = io.BytesIO()
    np.savez(
        content,
        mu=moments.mean,
        sigma=moments.scatter / (moments.n - 1),
        n=np.array(moments.n),
        extractor=np.array(extractor),
        extractor_fingerprint=np.array(extractor_fingerprint),
        samples_fingerprint=np.array(samples),
    )
    replace(path, content.getvalue())


def holds_statistics(file: ArrayFile) -> bool:
    """Whether a file has a mean and a covariance by name."""
    return set(NAMES) <= set(file.headers)


def read_statistics(file: ArrayFile) -> Statistics:
    """Read the statistics in a file.

    Raises:
        BrokenStatistics: no mean with its covariance.
        BrokenArray, BrokenArchive: it can't be read.
    """
    mean, covariance = (file.read(name) for name in NAMES)
    eigenvalues = _require(mean, covariance)
    mean, covariance = mean.astype(np.float64), covariance.astype(np.float64)
    covariance = (covariance + covariance.T) / 2
    n = _number(file, "n")
    texts = {
        name: _text(file, name)
        for name in ("extractor", "extractor_fingerprint", "samples_fingerprint")
    }
    rows = _rank(eigenvalues) + 1 if n is None else n
    if eigenvalues[: max(len(mean) - rows + 1, 0)].max(initial=0) > NEGATIVE * eigenvalues[-1]:
        raise BrokenStatistics(f"holds n = {n} and a sigma of a higher rank; must be of more rows")
    return Statistics(
        path=file.path,
        moments=Moments(rows, mean, covariance * (rows - 1)),
        n=n,
        extractor=texts["extractor"],
        extractor_fingerprint=texts["extractor_fingerprint"],
        samples_fingerprint=texts["samples_fingerprint"] or fingerprint(mean, covariance),
    )


def _require(
    mean: Shaped[np.ndarray, "..."], covariance: Shaped[np.ndarray, "..."]
) -> Float[np.ndarray, " d"]:
    """Refuse what is no mean and covariance; returns the covariance's eigenvalues, ascending."""
    found = ", ".join(
        f"{name} {of.dtype.name} {list(of.shape)}"
        for name, of in zip(NAMES, (mean, covariance), strict=True)
    )
    expected = "must be floats, mu [d] and sigma [d, d]"
    if mean.dtype.kind != "f" or covariance.dtype.kind != "f":
        raise BrokenStatistics(f"holds {found}; {expected}")
    if mean.ndim != 1 or not len(mean) or covariance.shape != (len(mean),) * 2:
        raise BrokenStatistics(f"holds {found}; {expected}")
    if not np.isfinite(mean).all() or not np.isfinite(covariance).all():
        raise BrokenStatistics("holds numbers that are not finite; mu and sigma must be")
    sigma = covariance.astype(np.float64)
    if np.abs(sigma - sigma.T).max() > ASYMMETRY * np.abs(sigma).max():
        raise BrokenStatistics("holds a sigma that is not symmetric; a covariance is")
    values = np.linalg.eigvalsh((sigma + sigma.T) / 2)
    if values[0] < -NEGATIVE * np.abs(values).max():
        found = f"holds a sigma with the eigenvalue {values[0]:.3g}"
        raise BrokenStatistics(f"{found}; those of a covariance are not below 0")
    return values


def _rank(eigenvalues: Float[np.ndarray, " d"]) -> int:
    """Number of eigenvalues, at least one, that are not rounding's."""
    rounding = len(eigenvalues) * np.finfo(np.float64).eps * eigenvalues[-1]
    return max(int((eigenvalues > rounding).sum()), 1)


def _number(file: ArrayFile, name: str) -> int | None:
    value = file.read(name) if name in file.headers else np.array(None)
    if value.shape != () or value.dtype.kind not in "iu":
        return None
    if value < 2:
        raise BrokenStatistics(f"holds {name} = {value}; must be at least 2 rows")
    return int(value)


def _text(file: ArrayFile, name: str) -> str | None:
    value = file.read(name) if name in file.headers else np.array(None)
    if value.shape != () or value.dtype.kind != "U":
        return None
    text = str(value)[:TEXT_AT_MOST]
    return text if text.isprintable() else None
