"""Files written whole: a reader, or a crash, sees the old content or the new, never a part."""

import os
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there; missing folders are made.

    Raises:
        OSError: naming the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno is not None:
            error.filename = str(path)
        raise


def cache_folder() -> Path:
    """`$CGAN_CACHE`, or `$XDG_CACHE_HOME/cgan`, or `~/.cache/cgan`."""
    if chosen := os.environ.get("CGAN_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cgan"
