"""Arrays that are costly to make, kept between runs in the user's cache folder.

A file's name carries a fingerprint of everything that its content depends on, so that a changed
recipe or data set never meets an old file. Files appear whole or not at all.
"""

import os
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np


def note(message: str) -> None:
    """Tell the user, without disturbing the table on standard output."""
    print(message, file=sys.stderr, flush=True)


def load_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays in a cache file; None where there is none, or (with a note) it is damaged."""
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("a single array, not an archive")
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        note(f"cache file {path} can't be read ({type(error).__name__}); building it anew")
        return None


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a cache file at once; where the folder can't be written, say so and go on."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        note(f"not cached, {path} can't be written ({error.strerror}); set CGAN_CACHE to a folder")
