"""The list of planted faults in docs/testing.md names files and tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROW = re.compile(
    r"^\| (?P<fault>[^|]+) \| `(?P<path>[^`|]+)` \| `(?P<file>[^`|]+)`: (?P<test>.+) \|$"
)
LISTED = (ROOT / "docs" / "testing.md").read_text().partition("## Planted faults")[2]
ROWS = [found for line in LISTED.splitlines() if (found := ROW.match(line))]


def test_every_line_of_the_tables_is_read() -> None:
    lines = [line for line in LISTED.splitlines() if line.startswith("| ") and "`" in line]
    assert len(ROWS) == len(lines)
    (told,) = re.findall(r"all (\d+) are noticed", LISTED)
    assert len(ROWS) == int(told)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["fault"])
def test_its_file_and_the_test_that_notices_it_are_there(row: re.Match[str]) -> None:
    assert (ROOT / row["path"]).is_file()
    tree = ast.parse((ROOT / "tests" / row["file"]).read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert f"test_{row['test'].replace(' ', '_')}" in names
