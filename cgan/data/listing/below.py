"""All that lies below a path: one form for folders and archives, and the rules that both share."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from cgan.config import ConfigError
from cgan.data.listing.names import is_image, kind
from cgan.data.listing.survey import Readable
from cgan.data.witness import Witness
from cgan.system.legible import plain

LABELS = "dataset.json"
"""Name of StyleGAN's file of labels."""
RUN_BYTES_AT_MOST = 2**20
"""Most bytes of a run's config.json."""
RUN_FIELDS = {"workdir", "data", "generator", "discriminator"}


class Below(NamedTuple):
    """All that lies below a path."""

    images: tuple[PurePosixPath, ...]
    """Paths of the images below it, sorted."""
    others: frozenset[PurePosixPath]
    """Paths of files that are no images, and are not hidden."""
    left_out: dict[str, list[str]]
    """Names of what is not read, by reason."""
    files: Callable[[Sequence[PurePosixPath]], Readable]
    """Function from paths to these images, to be read."""
    read: Callable[[PurePosixPath, int], bytes]
    """Function from a path and a number to the first so many bytes of the file."""
    witness: Callable[[Sequence[PurePosixPath]], Witness]
    """Function from paths to a witness of these images."""


class Found:
    """Collects what lies below a path, file by file."""

    def __init__(self) -> None:
        self.images: list[PurePosixPath] = []
        self.others: set[PurePosixPath] = set()
        self.left_out: dict[str, list[str]] = {}

    def add(self, path: PurePosixPath) -> None:
        """Add a regular file."""
        if is_image(path):
            self.images.append(path)
        else:
            self.others.add(path)
            if path.name != LABELS:
                self.leave_out(kind(path), str(path))

    def leave_out(self, reason: str, name: str) -> None:
        """Note something that is not read."""
        self.left_out.setdefault(reason, []).append(plain(name))

    def below(
        self,
        files: Callable[[Sequence[PurePosixPath]], Readable],
        read: Callable[[PurePosixPath, int], bytes],
        witness: Callable[[Sequence[PurePosixPath]], Witness],
    ) -> Below:
        """All that was found.

        Raises:
            ConfigError: it holds the folder of a run, whose pictures are not data.
        """
        images = tuple(sorted(self.images))
        left_out = {reason: sorted(names) for reason, names in self.left_out.items()}
        _refuse_runs(self.others, read)
        return Below(images, frozenset(self.others), left_out, files, read, witness)


def _refuse_runs(
    others: Iterable[PurePosixPath], read: Callable[[PurePosixPath, int], bytes]
) -> None:
    """Refuse a folder that holds a run's.

    A run that was stopped early has drawn nothing yet; what it draws later would be data.
    """
    for config in sorted(path for path in others if path.name == "config.json"):
        if _is_of_run(read, config):
            run = config.parent
            where = f"its folder {plain(str(run))!r}" if run.name else "it"
            raise ConfigError(
                f"{where} is a run's folder, whose pictures training draws; "
                "must be moved out, or data.path be another folder"
            )


def _is_of_run(read: Callable[[PurePosixPath, int], bytes], config: PurePosixPath) -> bool:
    try:
        values = json.loads(read(config, RUN_BYTES_AT_MOST + 1))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(values, dict) and set(values) >= RUN_FIELDS
