"""The tables of layers in docs/architecture.md: `python -m tests.layer_table` renumbers their rows.

A new room needs a row, wherever it stands; its number and its place come from `LAYERS`.
"""

import re

from tests.test_layering import LAYERS, ROOT, row_of

ARCHITECTURE = ROOT / "docs" / "architecture.md"
ROW = re.compile(r"^\| \d+ \| (`[^|]+`) \| [^|]+ \|$")
TABLE = re.compile(r"(?:^\| \d+ \|.*\n)+", re.MULTILINE)


def places(row: str) -> list[str]:
    """The rooms and files that a row of a table is of, such as `cgan/data/`."""
    matched = ROW.match(row)
    assert matched is not None, f"no row of a table of layers: {row}"
    return re.findall(r"`([^`]+)`", matched[1])


def written_places(text: str) -> list[str]:
    """All rooms and files that the tables have rows of."""
    rows = (row for table in TABLE.findall(text) for row in table.splitlines())
    return [place for row in rows for place in places(row)]


def layers() -> dict[str, int]:
    """The layer of each room (`cgan/data/`) and top-level file (`cgan/step.py`)."""
    return {
        f"{package}/{part}/" if (ROOT / package / part).is_dir() else f"{package}/{part}.py": row
        for package in LAYERS
        for part, row in row_of(package).items()
    }


def renumbered(text: str) -> str:
    """The document with the rows of its tables numbered, and in the order of their layers."""
    of = layers()

    def layer(row: str) -> int:
        (number,) = {of[place] for place in places(row)}  # one for all of a row
        return number

    def in_order(table: re.Match[str]) -> str:
        rows = sorted(table[0].splitlines(), key=layer)
        return "".join(re.sub(r"\d+", str(layer(row)), row, count=1) + "\n" for row in rows)

    return TABLE.sub(in_order, text)


if __name__ == "__main__":
    ARCHITECTURE.write_text(renumbered(ARCHITECTURE.read_text()))
