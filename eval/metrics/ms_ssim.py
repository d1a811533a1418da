"""MS-SSIM: structural similarity of pairs of images over scales (Wang et al. 2003, equation 7).

    prod_{s < S} cs_s^{w_s} * ssim_S^{w_S}

Within the samples of a generator it measures diversity (Odena et al. 2017, section 4.2): the more
alike two random samples are, the higher it is. As TensorFlow's, it takes windows that lie wholly
inside the image, and halves images by 2 x 2 means; negative parts count as 0.
"""

from functools import cache

import numpy as np
from jaxtyping import Float, UInt8

from eval.metrics.base import FeatureError, Inputs, Metric, UndefinedError, Value, present
from eval.metrics.errors import of_mean

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, the finest first (section 3.2); they sum to 1.0001, as published."""
WINDOW, SIGMA = 11, 1.5
LUMINANCE = (0.01 * 255) ** 2
CONTRAST = (0.03 * 255) ** 2
PAIRS_IN_A_CHUNK = 32

Images = UInt8[np.ndarray, "_ _ _ _"]
Planes = Float[np.ndarray, "n channels _ _"]


def scales_for(height: int, width: int) -> int:
    """Number of the five scales that an image has room for; 0 for one smaller than the window."""
    fitting = [s for s in range(1, 6) if WINDOW * 2 ** (s - 1) <= min(height, width)]
    return max(fitting, default=0)


@cache
def _window(size: int) -> Float[np.ndarray, "out size"]:
    """The Gaussian window at each place of an axis, as a banded matrix."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    out = np.zeros((size - WINDOW + 1, size))
    for row in range(len(out)):
        out[row, row : row + WINDOW] = weights
    return out


def _blurred(planes: Planes) -> Planes:
    rows, columns = (_window(size) for size in planes.shape[2:])
    return rows @ planes @ columns.T


def _similarities(
    a: Planes, b: Planes
) -> tuple[Float[np.ndarray, "n channels"], Float[np.ndarray, "n channels"]]:
    """Mean SSIM of each channel, and the mean of its contrast and structure alone (cs)."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    products = mean_a * mean_b
    squares = mean_a**2 + mean_b**2
    luminance = (2 * products + LUMINANCE) / (squares + LUMINANCE)
    covariance = _blurred(a * b) - products
    variances = _blurred(a**2 + b**2) - squares
    structure = (2 * covariance + CONTRAST) / (variances + CONTRAST)
    return (luminance * structure).mean(axis=(2, 3)), structure.mean(axis=(2, 3))


def ssim(a: Images, b: Images) -> Float[np.ndarray, " n"]:
    """Structural similarity of pairs of images (Wang et al. 2004), averaged over channels.

    Args:
        a: images with values 0..255.
        b: as many of the same size.

    Raises:
        FeatureError: other shapes, or images smaller than the window of 11 pixels.
    """
    _check(a, b, 1)
    return _similarities(_planes(a), _planes(b))[0].mean(axis=1)


def ms_ssim(a: Images, b: Images, scales: int = 5) -> Float[np.ndarray, " n"]:
    """Structural similarity of pairs of images over scales, averaged over channels.

    Args:
        a: images with values 0..255.
        b: as many of the same size.
        scales: 1 to 5; the weights of fewer are scaled to the sum of all five.

    Raises:
        FeatureError: other shapes, or images too small for so many scales.
    """
    _check(a, b, scales)
    one, other = _planes(a), _planes(b)
    weights = np.array(WEIGHTS[:scales]) * (sum(WEIGHTS) / sum(WEIGHTS[:scales]))
    result = np.ones(one.shape[:2])
    for scale, weight in enumerate(weights):
        if scale:
            one, other = _halved(one), _halved(other)
        whole, structure = _similarities(one, other)
        part = whole if scale == scales - 1 else structure
        result *= part.clip(min=0) ** weight
    return result.mean(axis=1)


def _planes(images: Images) -> Planes:
    return np.moveaxis(images, -1, 1).astype(np.float64)


def _halved(planes: Planes) -> Planes:
    """Halve the resolution by means of 2 x 2 pixels; an odd last row or column counts twice."""
    height, width = planes.shape[2:]
    planes = np.pad(planes, [(0, 0), (0, 0), (0, height % 2), (0, width % 2)], mode="symmetric")
    rows = (planes[:, :, 0::2] + planes[:, :, 1::2]) / 2
    return (rows[..., 0::2] + rows[..., 1::2]) / 2


def _check(a: Images, b: Images, scales: int) -> None:
    if a.shape != b.shape:
        raise FeatureError(f"images are {list(a.shape)} and {list(b.shape)}; must be alike")
    height, width = a.shape[1:3]
    if scales_for(height, width) < scales:
        least = WINDOW * 2 ** (scales - 1)
        raise FeatureError(
            f"images of {height} x {width} pixels; {scales} scales need at least {least}"
        )


def pair_similarities(images: Images, scales: int) -> Float[np.ndarray, " pairs"]:
    """MS-SSIM within disjoint pairs of images: the first with the second, and so on."""
    pairs = len(images) // 2
    found = [np.empty(0)]
    for start in range(0, pairs, PAIRS_IN_A_CHUNK):
        chunk = images[2 * start : 2 * min(start + PAIRS_IN_A_CHUNK, pairs)]
        found.append(ms_ssim(chunk[0::2], chunk[1::2], scales))
    return np.concatenate(found)


def _metric(scales: int) -> Metric:
    def measure(inputs: Inputs, seed: int) -> Value:
        images = present(inputs.samples.images)
        if len(images) < 2:
            raise UndefinedError(f"{len(images)} images; a pair needs 2")
        found = pair_similarities(images, scales)
        return Value(float(found.mean()), of_mean(found), {"pairs": len(found)}, 2 * len(found))

    return Metric(
        name=f"ms_ssim_{scales}_scale{'s' if scales > 1 else ''}",
        label=f"MS-SSIM of pairs, {scales} scale{'s' if scales > 1 else ''}",
        needs=frozenset({"images"}),
        measure=measure,
    )


MS_SSIM = {scales: _metric(scales) for scales in range(1, 6)}
"""The metric MS-SSIM by the number of scales: `scales_for` says how many an image has room for."""
