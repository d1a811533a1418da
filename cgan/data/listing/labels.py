"""Files that say the class of each image: StyleGAN's dataset.json, or a CSV of path,class."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from cgan.config import ConfigError
from cgan.data.decode import SUFFIXES
from cgan.system.legible import plain

BYTES_AT_MOST = 2**27
"""Most bytes of a file of labels: that of ImageNet has 50 million."""
LABEL_AT_MOST = 2**31 - 1

Label = int | str
"""A class by its number, or by its name."""
Labels = dict[PurePosixPath, Label]
"""Labels of images by path, relative to where the file says."""


def parse(content: bytes, name: str, suffix: str) -> Labels | None:
    """Read the labels in a file; None where it is a dataset.json that has none.

    Args:
        content: the file's.
        name: what messages call it.
        suffix: .json, .csv or .tsv.

    Raises:
        ConfigError: damaged, far too large, or labels that are no classes.
    """
    if len(content) > BYTES_AT_MOST:
        raise ConfigError(f"{name}: has more than {BYTES_AT_MOST:,} bytes; must have fewer")
    try:
        text = content.decode("utf-8-sig", "surrogateescape")
        pairs = _of_json(text, name) if suffix == ".json" else [*_of_table(text, name, suffix)]
    except (ValueError, RecursionError, csv.Error) as error:
        kind = "JSON" if suffix == ".json" else "a table"
        raise ConfigError(f"{name}: is damaged ({error}); must be {kind}") from None
    if pairs is None:
        return None
    labels: Labels = {}
    for path, label in pairs:
        inside = PurePosixPath(
            *[part for part in path.replace("\\", "/").split("/") if part != "."]
        )
        if labels.setdefault(inside, label) != label:
            raise ConfigError(
                f"{name}: says {labels[inside]!r} and {label!r} of {plain(path)}; "
                "must say one class of each image"
            )
    return labels


def _of_json(text: str, name: str) -> Iterable[tuple[str, Label]] | None:
    """Labels of a JSON file: `{"labels": [["00000/img00000000.png", 3], ...]}`.

    StyleGAN's tool writes it so.
    """
    expected = 'must be {"labels": [[path, class], ...]}, as StyleGAN\'s dataset tool writes it'
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ConfigError(f"{name}: holds no object; {expected}")
    found = content.get("labels")
    if found is None:
        return None
    if isinstance(found, dict):
        found = list(found.items())
    if not isinstance(found, list):
        raise ConfigError(f"{name}: labels are no list; {expected}")
    return _checked(found, name, expected)


def _checked(found: list[object], name: str, expected: str) -> Iterator[tuple[str, Label]]:
    for number, pair in enumerate(found):
        if not (isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)):
            raise ConfigError(f"{name}: labels[{number}] is no path and class; {expected}")
        path, label = pair
        whole = isinstance(label, int) and not isinstance(label, bool)
        if not (whole and 0 <= label <= LABEL_AT_MOST) and not (isinstance(label, str) and label):
            shown = plain(repr(label)[:80])
            raise ConfigError(
                f"{name}: the label of {plain(path)} is {shown}; must be a class, a whole "
                "number from 0 on or a name: there is no training on vectors"
            )
        yield path, label


def _of_table(text: str, name: str, suffix: str) -> Iterator[tuple[str, Label]]:
    """Labels of a table: a path and a class a line, after a heading if it has no image's path."""
    delimiter = "\t" if suffix == ".tsv" else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for number, row in enumerate(rows):
        if not any(cell.strip() for cell in row):
            continue
        heading = number == 0 and not row[0].strip().lower().endswith(SUFFIXES)
        if len(row) != 2:
            found = f"line {rows.line_num} has {len(row)} columns"
            raise ConfigError(f"{name}: {found}; must have two, path and class")
        path, label = (cell.strip() for cell in row)
        if heading:
            continue
        if not (path and label):
            raise ConfigError(
                f"{name}: line {rows.line_num} is not filled in; must have both columns"
            )
        yield path, label
