"""One process decodes a set into the cache; others wait for it; what was interrupted goes on.

Work is done in a folder beside its place, under a lock that the system lets go when its holder
dies. Every some seconds what is decoded is brought to the disk, and then a line on how far it is.
"""

import errno
import hashlib
import json
import math
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import UInt8

from cgan.config import ConfigError
from cgan.data.contents import UNREADABLE, Hashes, hash_of
from cgan.data.decode import Form, UnusableImage, decode
from cgan.data.encoded import like_others, refusal
from cgan.data.files import Listing, read_in_order
from cgan.data.progress import shown
from cgan.system import lock
from cgan.system.cache import note
from cgan.system.cache.kept import LOCK, remove
from cgan.system.errors import reason, writing
from cgan.system.files import UNFINISHED, cache_folder, replace

VERSION = "decoded-2"
"""Version of what the same files are decoded to; raise it when the code changes that."""
IMAGES, KEPT, SKIPPED, JOURNAL = "images.npy", "kept.npy", "skipped.json", "journal.json"
SAVE_SEC = 5
HOUR_SEC = 3600
FORSAKEN_SEC = {True: 7 * 24 * HOUR_SEC, False: 24 * HOUR_SEC}
"""Seconds after which unfinished work is nobody's: with a lock, and without.

With a lock one might still go on with it.
"""


NO_FOLDER_HERE = (errno.EROFS, errno.ENOTDIR, errno.EEXIST)
"""Errors of a cache folder on a read-only file system, or at the place of a file."""


class CantKeepError(Exception):
    """The cache folder can't be written."""


class Recipe(NamedTuple):
    """Settings of how a set is decoded."""

    form: Form
    shape: tuple[int, int, int] | None
    """Shape that all images must have; None for that of the first usable one."""
    unusable: str

    def key(self, hashes: Hashes) -> str:
        """A fingerprint of all that decides the decoded array."""
        digest = hashlib.sha256(json.dumps([VERSION, *self]).encode())
        digest.update(hashes.tobytes())
        return digest.hexdigest()[:16]


@dataclass
class Journal:
    """Progress of the decoding of a set, which is on the disk for sure."""

    seen: int = 0
    """Number of images that were read."""
    shape: tuple[int, ...] | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    """Numbers of the unusable images that were read, and what is wrong with each."""

    @property
    def rows(self) -> int:
        """Number of images that were written."""
        return self.seen - len(self.skipped)

    @classmethod
    def read(cls, folder: Path) -> "Journal":
        """Read a folder's journal; a new one where there is none, or none that can be used."""
        try:
            told = json.loads((folder / JOURNAL).read_text())
            shape = tuple(int(side) for side in told["shape"])
            journal = cls(int(told["seen"]), shape, dict(told["skipped"]))
            needed = HEADER_BYTES + journal.rows * math.prod(shape)
            whole = (folder / IMAGES).stat().st_size >= needed
        except (OSError, ValueError, KeyError, TypeError):
            return cls()
        return journal if whole and journal.rows > 0 else cls()

    def write(self, folder: Path) -> None:
        """Write the progress into this folder, whole or not at all."""
        replace(folder / JOURNAL, json.dumps(asdict(self)).encode())


def build(listing: Listing, hashes: Hashes, recipe: Recipe, folder: Path) -> None:
    """Decode a listing into this folder of the cache, or wait until another process has.

    Raises:
        ConfigError: no usable image, or an unusable one where that is to fail.
        CantKeepError: the cache can't be written.
        DiskError: it is full.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        while not folder.is_dir():
            with _claim(folder, listing.name) as partial:
                if partial is not None and not folder.is_dir():
                    _fill(listing, hashes, recipe, partial)
                    partial.rename(folder)
    except PermissionError as error:
        raise CantKeepError(_cant_keep(error)) from None
    except OSError as error:
        if error.errno not in NO_FOLDER_HERE:
            raise
        raise CantKeepError(_cant_keep(error)) from None


def _cant_keep(error: OSError) -> str:
    return f"{cache_folder()}: decoded images can't be kept there ({reason(error)})"


@contextmanager
def _claim(folder: Path, name: str) -> Iterator[Path | None]:
    """Claim the folder to decode into for this process; yields None to try again.

    Whoever held it before may have finished it, left it or removed it.
    """
    partial = folder.with_name(UNFINISHED + folder.name)
    partial.mkdir(exist_ok=True)
    with ExitStack() as stack:
        try:
            waiting = lock.wait_for(
                partial / LOCK, lambda who: note(f"{who} decodes {name}: waiting")
            )
            there = stack.enter_context(waiting)
        except FileNotFoundError:
            there = False
        except OSError as error:
            if error.errno not in lock.NO_LOCKS_HERE:
                raise
            shutil.rmtree(partial)
            partial, there = partial.with_name(f"{partial.name}-{secrets.token_hex(4)}"), True
            partial.mkdir()
            (partial / LOCK).touch()
        yield partial if there else None


def _sweep(folder: Path) -> None:
    """Remove what dead processes left in the cache: of this data set, and what is old of any."""
    own, title = UNFINISHED + folder.name, folder.name.rpartition("-")[0]
    for path in folder.parent.glob(f"{UNFINISHED}*"):
        if path.name == own:
            continue
        has_lock = (path / LOCK).is_file()
        same_set = path.name.removeprefix(UNFINISHED).rpartition("-")[0] == title
        try:
            old = path.stat().st_mtime < time.time() - FORSAKEN_SEC[has_lock]
            if old or (has_lock and same_set):
                remove(path)
        except OSError:  # another process was faster, or it is another user's
            continue


def _fill(listing: Listing, hashes: Hashes, recipe: Recipe, folder: Path) -> None:
    """Decode into a folder, from where it was left; one that can't be completed is removed."""
    journal = Journal.read(folder)
    going_on = f", going on after {journal.seen:,}" if journal.seen else ""
    note(f"decoding {len(listing):,} images of {listing.name} (once){going_on}")
    try:
        with writing(folder.parent):
            with (folder / IMAGES).open("r+b" if journal.seen else "wb") as file:
                _decode_into(file, listing, hashes, recipe, folder, journal)
            kept = np.delete(np.arange(len(listing)), [int(n) for n in journal.skipped])
            np.save(folder / KEPT, kept)
            named = {listing.files.name(int(n)): why for n, why in journal.skipped.items()}
            (folder / SKIPPED).write_text(json.dumps(named, indent=1))
            (folder / JOURNAL).unlink(missing_ok=True)
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if named:
        note(f"skipped {len(named):,} unusable images, {next(iter(named))} for one")


def _decode_into(
    file: BinaryIO, listing: Listing, hashes: Hashes, recipe: Recipe, folder: Path, journal: Journal
) -> None:
    """Append the images that the journal has not seen, and tell it of them."""

    def work(number: int, content: bytes) -> UInt8[np.ndarray, "height width channels"]:
        if hash_of(content) != hashes[number].tobytes() != UNREADABLE:
            raise ConfigError(
                f"{listing.files.name(number)}: changed while it was read; must stay as it is "
                "until all images are decoded. Start again"
            )
        return decode(content, recipe.form)

    if journal.shape is None:
        journal.shape = recipe.shape
    else:
        file.truncate(HEADER_BYTES + journal.rows * math.prod(journal.shape))
        file.seek(0, os.SEEK_END)
    saved, left = time.monotonic(), range(journal.seen, len(listing))
    with shown(f"decoding {listing.name}", len(listing), journal.seen) as advance:
        for number, found in read_in_order(listing.files, left, work):
            if journal.shape is not None:
                found = like_others(found, journal.shape)
            if isinstance(found, np.ndarray) and journal.rows == 0:
                journal.shape = found.shape
                _require_room(folder, listing, len(listing) * found.nbytes)
                _write_header(file, (len(listing), *found.shape))
            if isinstance(found, UnusableImage):
                if recipe.unusable == "fail":
                    raise refusal(listing.files.name(number), found)
                journal.skipped[str(number)] = str(found)
            else:
                file.write(found.tobytes())
            journal.seen = number + 1
            advance(1)
            if time.monotonic() - saved > SAVE_SEC:
                _bring_to_disk(file)
                journal.write(folder)
                saved = time.monotonic()
    if journal.shape is None or journal.rows == 0:
        raise ConfigError(f"{listing.name}: none of {len(listing)} images can be used")
    file.seek(0)
    _write_header(file, (journal.rows, *journal.shape))
    _bring_to_disk(file)


def _bring_to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _require_room(folder: Path, listing: Listing, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ConfigError(
            f"{listing.name}: takes {needed:,} bytes decoded; must be at most the {free:,} that "
            f"are free in {cache_folder()}. A smaller data.resolution takes less, "
            "CGAN_CACHE names another folder, and --data.no-cached decodes at every step instead"
        )


HEADER_BYTES = 128


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write NumPy's header, always of one length: the number of images is known at the end only."""
    described = {"descr": "|u1", "fortran_order": False, "shape": shape}
    text = repr(described).encode().ljust(HEADER_BYTES - 10 - 1) + b"\n"
    file.write(np.lib.format.magic(1, 0) + len(text).to_bytes(2, "little") + text)
