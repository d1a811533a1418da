"""What the documents say of files: the layers are those of the code, and what is named is there."""

import re
from pathlib import Path

import pytest

from tests.layer_table import ARCHITECTURE, layers, renumbered, written_places
from tests.test_layering import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = "benchmarks|cgan|configs|eval|examples|tests"
NAMED = re.compile(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./-]+\.(?:py|md)")
"""Files of the project by their paths, such as `cgan/step.py`."""


def test_each_room_and_top_level_file_has_one_row() -> None:
    assert sorted(written_places(ARCHITECTURE.read_text())) == sorted(layers())


def test_rows_have_their_layers_and_stand_in_their_order() -> None:
    text = ARCHITECTURE.read_text()
    assert renumbered(text) == text, "python -m tests.layer_table renumbers the rows"


def test_rows_are_renumbered_and_put_in_order() -> None:
    rows = ("| 7 | `cgan/step.py` | both updates |", "| 7 | `cgan/types.py` | arrays |")
    step, types = layers()["cgan/step.py"], layers()["cgan/types.py"]
    assert types < step
    assert renumbered(f"above\n{rows[0]}\n{rows[1]}\nbelow 7\n") == (
        f"above\n| {types} | `cgan/types.py` | arrays |\n"
        f"| {step} | `cgan/step.py` | both updates |\nbelow 7\n"
    )


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
