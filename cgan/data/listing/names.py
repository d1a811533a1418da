"""What the name of a file or folder says: an image, another kind, or never data; and how to say it.

A rule by name holds in folders and in archives alike.
"""

import unicodedata
from pathlib import PurePosixPath

from cgan.data.decode import SUFFIXES

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
"""What desktops, disks and network stores leave behind, in lower case."""
JOINERS = ("\u200c", "\u200d")
"""Format characters that belong to words of some scripts."""


def is_never_data(name: str) -> bool:
    """Whether a file or folder is hidden, or one of those that tools leave behind."""
    return name.startswith(".") or name.lower() in OF_TOOLS


def is_image(path: PurePosixPath) -> bool:
    """Whether a file is taken for an image; what it is, its content says."""
    return path.suffix.lower() in SUFFIXES


def kind(path: PurePosixPath) -> str:
    """What a file that is no image is called in lists: its suffix."""
    return printable(path.suffix.lower()) or "without a suffix"


def printable(name: str) -> str:
    """A name as text that any terminal shows on one line and any file can hold.

    Control characters, and bytes that are no UTF-8, are written as Python would write them.
    """
    if name.isprintable():
        return name
    return "".join(character if _is_plain(character) else _escaped(character) for character in name)


def _is_plain(character: str) -> bool:
    category = unicodedata.category(character)
    return character in JOINERS or category == "Zs" or category[0] not in "CZ"


def _escaped(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
