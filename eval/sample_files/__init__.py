"""Samples on disk: images in a folder or a .zip file, an array of images or features, statistics.

Files are only read as pixels or plain arrays, never unpickled, and within bounds of memory.
"""

from pathlib import Path

from cgan.config import Background, ConfigError
from cgan.data.decode import SUFFIXES
from cgan.system.archives import BrokenArchive
from cgan.system.files import at_home
from eval.npy import BrokenArray
from eval.sample_files.array_file import ArrayFile, open_arrays
from eval.sample_files.arrays import SampleArray, candidates, choose, read_samples
from eval.sample_files.images import ImageFiles, image_files
from eval.sample_files.layout import EXPECTED, UnfitArray
from eval.sample_files.statistics import (
    NAMES,
    BrokenStatistics,
    Statistics,
    holds_statistics,
    read_statistics,
)

SampleFiles = ImageFiles | SampleArray
OF_ARRAYS = (".npz", ".npy")
KINDS = "a folder or a .zip file of images, or an .npz or .npy file"
"""Words for the kinds of files that samples can lie in."""


def open_samples(
    field: str,
    path: Path,
    array: str | None = None,
    background: Background = "white",
    setting: str | None = None,
) -> SampleFiles:
    """Open the samples at a path.

    Args:
        field: what an error calls the path.
        path: a folder or .zip file of images; or an .npz or .npy file with an array of images
            (of 8 bits a channel, in any usual layout) or of floating-point features `[n, d]`.
        array: the name of the array, where an .npz file holds several that could be meant.
        background: what transparent pixels are laid on.
        setting: what an error calls `array`; `field` with `_array` unless given.

    Raises:
        ConfigError: nothing of the kind, or fewer than 2 samples.
    """
    found = open_samples_or_statistics(field, path, array, background, setting)
    if isinstance(found, Statistics):
        held = "holds statistics (mu, sigma) alone"
        raise ConfigError(f"{field} = {str(path)!r}: {held}; must hold the samples themselves")
    return found


def open_samples_or_statistics(
    field: str,
    path: Path,
    array: str | None = None,
    background: Background = "white",
    setting: str | None = None,
) -> SampleFiles | Statistics:
    """Open the samples at a path, or the statistics of an .npz file without samples.

    Args and errors as for `open_samples`; `array` may be mu or sigma, too.
    """
    given, path = f"{field} = {str(path)!r}", at_home(path)
    try:
        found = _opened(given, path, array, background, setting or f"{field}_array")
    except OSError as error:
        raise ConfigError(f"{given}: can't be read ({error.strerror}); must be {KINDS}") from None
    except BrokenArchive as error:
        expected = EXPECTED if path.suffix.lower() in OF_ARRAYS else f"must be {KINDS}"
        raise ConfigError(f"{given}: can't be read as an archive ({error}); {expected}") from None
    except BrokenArray as error:
        reason = f"can't be read as plain arrays ({error})"
        raise ConfigError(f"{given}: {reason}; {EXPECTED}") from None
    except (UnfitArray, BrokenStatistics) as error:
        raise ConfigError(f"{given}: {error}") from None
    if not isinstance(found, Statistics) and len(found) < 2:
        hint = f" ({', '.join(SUFFIXES)})" if isinstance(found, ImageFiles) else ""
        raise ConfigError(f"{given}: holds {len(found)} samples; must hold at least 2{hint}")
    return found


def _opened(
    given: str, path: Path, array: str | None, background: Background, setting: str
) -> SampleFiles | Statistics:
    if not path.exists():
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise ConfigError(f"{given}: is not there{where}; must be {KINDS}")
    if path.is_file() and path.suffix.lower() in OF_ARRAYS:
        return _of_arrays(given, open_arrays(path), array, background, setting)
    if path.is_dir() or (path.is_file() and path.suffix.lower() == ".zip"):
        if array is not None:
            left_out = f"must be left out, since {given} is no file of arrays"
            raise ConfigError(f"{setting} = {array!r}: {left_out}")
        try:
            return ImageFiles(path, image_files(path), background)
        except ConfigError as error:
            raise ConfigError(f"{given}: {error}") from None
    raise ConfigError(f"{given}: must be {KINDS}")


def _of_arrays(
    given: str, file: ArrayFile, array: str | None, background: Background, setting: str
) -> SampleFiles | Statistics:
    if array is not None and array not in file.headers:
        one_of = f"is not in {given}; must be one of {file.listed}"
        raise ConfigError(f"{setting} = {array!r}: {one_of}")
    named = array in NAMES or (array is None and not candidates(file))
    if named and holds_statistics(file):
        return read_statistics(file)
    return read_samples(file, array or choose(file, setting), background, given)
