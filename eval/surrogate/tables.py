"""Tables of numbers from .csv files, refused by line and column where something is no number."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from jaxtyping import Float

from cgan.config import ConfigError, require
from cgan.system.errors import reason
from cgan.system.legible import plain, shortened

ROWS_AT_MOST = 100_000
SHOWN_AT_MOST = 60


class Table(NamedTuple):
    """Columns of numbers by their names."""

    setting: str
    """Name of the option that names the file, such as `source`."""
    path: Path
    columns: tuple[str, ...]
    rows: Float[np.ndarray, "n columns"]
    lines: tuple[int, ...]
    """Line of each row in the file."""

    def refusal(self, reason: str) -> ConfigError:
        """An error about this file, to be raised."""
        return _refusal(self.setting, self.path, reason)


def read(setting: str, path: Path) -> Table:
    """Read a comma-separated file: a line of names, then a line of numbers for each row.

    Args:
        setting: name of the option that names it, for messages.
        path: the file.

    Raises:
        ConfigError: it can't be read, or a line is no such line; naming the line and the value.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _parsed(setting, path, file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refusal(
            setting, path, f"can't be read ({reason(error)}); must be a .csv file"
        ) from None


def aligned(source: Table, target: Table, target_column: str | None) -> tuple[Table, Table]:
    """Both tables with the same columns in the same order, what is to be predicted last.

    Args:
        source: many points.
        target: few points.
        target_column: what is to be predicted; the source's last column unless given.

    Raises:
        ConfigError: columns that one of them lacks, or that neither has.
    """
    extra = [name for name in target.columns if name not in source.columns]
    missing = [name for name in source.columns if name not in target.columns]
    if extra or missing:
        what = [f"lacks {_names(missing)}"] * bool(missing) + [f"has {_names(extra)}"] * bool(extra)
        expected = f"must have the columns of {source.path}: {_names(source.columns)}"
        raise target.refusal(f"{' and '.join(what)}; {expected}")
    last = source.columns[-1] if target_column is None else target_column
    require(last in source.columns, "target_column", last, f"one of {_names(source.columns)}")
    order = (*(name for name in source.columns if name != last), last)
    return _ordered(source, order), _ordered(target, order)


def with_logarithms(table: Table, names: Sequence[str]) -> Table:
    """The table with the natural logarithms of some columns.

    Raises:
        ConfigError: a name that is no column, or a number that has none; naming its line.
    """
    rows, columns = table.rows.copy(), list(table.columns)
    for name in names:
        require(name in table.columns, "log", name, f"one of {_names(table.columns)}")
        at = table.columns.index(name)
        low = np.flatnonzero(rows[:, at] <= 0)
        if low.size:
            where = f"line {table.lines[low[0]]}, column {name!r}: {rows[low[0], at]:g}"
            raise table.refusal(f"{where} has no logarithm; must be more than 0")
        rows[:, at] = np.log(rows[:, at])
        columns[at] = f"log {name}"
    return table._replace(rows=rows, columns=tuple(columns))


def _parsed(setting: str, path: Path, file: TextIO) -> Table:
    lines = csv.reader(file, strict=True)
    header = tuple(name.strip() for name in next(lines, []))
    if len(header) < 2:
        raise _refusal(
            setting,
            path,
            f"its first line has {_names(header) or 'nothing'}; must be two or more names of "
            "columns with commas between them",
        )
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise _refusal(setting, path, f"has two columns {_shown(twice)}; must be one of each name")
    rows, numbers = [], []
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        number = lines.line_num
        if len(cells) != len(header):
            raise _refusal(
                setting, path, f"line {number} has {len(cells)} cells; must have {len(header)}"
            )
        rows.append(
            [
                _number(setting, path, f"line {number}, column {_shown(name)}", cell)
                for name, cell in zip(header, cells, strict=True)
            ]
        )
        numbers.append(number)
        if len(rows) > ROWS_AT_MOST:
            raise _refusal(setting, path, f"has more rows than {ROWS_AT_MOST:,}, the most allowed")
    filled = np.asarray(rows, np.float64).reshape(len(rows), len(header))
    return Table(setting, path, header, filled, tuple(numbers))


def _number(setting: str, path: Path, where: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _refusal(setting, path, f"{where}: {_shown(cell)}; must be a finite number")
    return value


def _ordered(table: Table, order: tuple[str, ...]) -> Table:
    places = [table.columns.index(name) for name in order]
    return table._replace(columns=order, rows=table.rows[:, places])


def _refusal(setting: str, path: Path, reason: str) -> ConfigError:
    return ConfigError(f"{setting} = {str(path)!r}: {reason}")


def _names(names: Sequence[str]) -> str:
    return shortened(", ".join(map(_shown, names)), 4 * SHOWN_AT_MOST)


def _shown(text: str) -> str:
    return repr(shortened(plain(text), SHOWN_AT_MOST))
