"""Kinds of files and folders by name: an image, another kind, or never data.

A rule by name holds in folders and in archives alike.
"""

from pathlib import PurePosixPath

from cgan.data.decode import SUFFIXES
from cgan.system.legible import plain

HIDDEN = "hidden"
OF_TOOLS = frozenset(
    (
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@eadir",
        "__macosx",
        "__pycache__",
        "desktop.ini",
        "ehthumbs.db",
        "icon\r",
        "lost+found",
        "system volume information",
        "thumbs.db",
    )
)
"""Names that desktops, disks and network stores leave behind, in lower case."""


def is_never_data(name: str) -> bool:
    """Whether a file or folder is hidden, or one of those that tools leave behind."""
    return name.startswith(".") or name.lower() in OF_TOOLS


def is_image(path: PurePosixPath) -> bool:
    """Whether a file is taken for an image by its name; what it is, its content says."""
    return path.suffix.lower() in SUFFIXES


def kind(path: PurePosixPath) -> str:
    """Name for the kind of a file that is no image, in lists: its suffix."""
    return plain(path.suffix.lower()) or "without a suffix"
