"""What the documents say of files: the layers are those of the code, and what is named is there."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.test_layering import LAYERS, ROOT, row_of

ARCHITECTURE = ROOT / "docs" / "architecture.md"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ROW = re.compile(r"^\| (\d+) \| (`[^|]+`) \| [^|]+ \|$", re.MULTILINE)
NAMED = re.compile(
    r"(?<![\w/.-])(?:benchmarks|cgan|configs|eval|examples|tests)/[\w./-]+\.(?:py|md)"
)
"""Files of the project by their paths, such as `cgan/step.py`."""


def written_layers() -> list[tuple[str, int]]:
    """Each room or file of the tables, with its layer."""
    return [
        (name, int(layer))
        for layer, names in ROW.findall(ARCHITECTURE.read_text())
        for name in re.findall(r"`([^`]+)`", names)
    ]


def place(package: str, part: str) -> str:
    """Where a room, or a top-level file, of a package lies."""
    folder = ROOT / package / part
    return f"{package}/{part}/" if folder.is_dir() else f"{package}/{part}.py"


@pytest.mark.parametrize("package", LAYERS)
def test_each_room_and_top_level_file_has_one_row_with_its_layer(package: str) -> None:
    written = [row for row in written_layers() if row[0].startswith(f"{package}/")]
    assert sorted(written) == sorted((place(package, p), row) for p, row in row_of(package).items())


def test_rows_are_in_the_order_of_their_layers() -> None:
    layers = [layer for _, layer in written_layers()]
    assert layers[0] == 0
    assert all(after in (0, before, before + 1) for before, after in pairwise(layers))


def is_there(name: str) -> bool:
    """Whether a file is in the project; tests may be named from their own folder."""
    return (ROOT / name).is_file() or (ROOT / "tests" / name).is_file()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_a_document_names_are_there(document: Path) -> None:
    missing = [name for name in NAMED.findall(document.read_text()) if not is_there(name)]
    assert missing == []


def test_one_step_on_one_page_names_the_files_of_the_step() -> None:
    text = ARCHITECTURE.read_text().split("## One step on one page")[1].split("\n## ")[0]
    code = text.split("```")[1].strip().splitlines()[1:]
    assert len(code) <= 18
    assert {"cgan/step.py", "cgan/parallel.py", "cgan/accumulation.py"} <= set(NAMED.findall(text))
