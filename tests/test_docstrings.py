"""First lines of docstrings: there, one full sentence each, understood with the name covered."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.test_layering import ROOT, module_name, of_each, python_files, tree

Documented = ast.Module | ast.ClassDef | ast.FunctionDef

FRAGMENTS = (
    *("Of", "That", "Those", "The same", "As", "With which", "By", "In which", "Below which"),
    *("It", "Its", "They", "Them", "Their", "These", "Also", "Nothing", "None", "Always", "Never"),
    *("Without", "From which", "To be", "For the", "What it", "How it", "Which of them"),
)
"""Openings of first lines that need the name beside them, or another docstring before them."""

FRAGMENT = re.compile(rf"(?:{'|'.join(FRAGMENTS)})\b|[a-z]")
LEAST_WORDS = 2


def parts(owner: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    """A module, class or function, and all that is defined in it, by dotted name."""
    yield name, owner
    for node in owner.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield from parts(node, f"{name}.{node.name}")


def texts(owner: Documented, name: str) -> Iterator[tuple[str, str]]:
    """Every docstring by dotted name; that of a field or constant stands below its assignment."""
    for below, node in parts(owner, name):
        before = below
        for statement in node.body:
            if (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            ):
                yield before, statement.value.value
            elif isinstance(statement, ast.Assign):
                before = f"{below}.{ast.unparse(statement.targets[0])}"
            elif isinstance(statement, ast.AnnAssign):
                before = f"{below}.{ast.unparse(statement.target)}"


def complaint(text: str) -> str | None:
    """What is wrong with a docstring's first line; None where it stands alone."""
    first, _, rest = text.partition("\n")
    if not first.endswith("."):
        return "is not a whole sentence on one line"
    if rest.strip() and rest.partition("\n")[0].strip():
        return "goes on below, without an empty line"
    if len(first.split()) < LEAST_WORDS:
        return "is a single word"
    if FRAGMENT.match(first):
        return "opens as a fragment"
    return None


def is_protocol(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases)


@cache
def methods_of_protocols() -> frozenset[str]:
    """Names of documented methods of the project's protocols, which classes here implement."""
    return frozenset(
        method.name
        for path in python_files("cgan", "eval")
        for node in ast.walk(tree(path))
        if is_protocol(node)
        for method in getattr(node, "body", [])
        if isinstance(method, ast.FunctionDef) and ast.get_docstring(method)
    )


def undocumented(node: Documented, name: str, in_class: bool = False) -> Iterator[str]:
    """Public modules, classes, functions and methods without a docstring, but for a protocol's."""
    own = "" if isinstance(node, ast.Module) else node.name
    is_known = in_class and own in methods_of_protocols()
    if not (ast.get_docstring(node) or is_known):
        yield name
    if isinstance(node, ast.FunctionDef):
        return
    for child in node.body:
        is_definition = isinstance(child, ast.ClassDef | ast.FunctionDef)
        if is_definition and not child.name.startswith("_"):
            yield from undocumented(child, f"{name}.{child.name}", isinstance(node, ast.ClassDef))


FILES = python_files("benchmarks", "cgan", "configs", "eval")
PUBLIC = python_files("cgan", "configs", "eval")


@of_each([*FILES, ROOT / "train.py"])
def test_the_first_line_of_a_docstring_stands_alone(path: Path) -> None:
    wrong = {
        name: f"{text.splitlines()[0]!r} {why}"
        for name, text in texts(tree(path), module_name(path))
        if (why := complaint(text))
    }
    assert not wrong


@of_each(PUBLIC)
def test_all_that_is_public_has_a_docstring(path: Path) -> None:
    assert list(undocumented(tree(path), module_name(path))) == []


@pytest.mark.parametrize(
    "text",
    [
        "Of the picture.",
        "The same without noise.",
        "Those of a run.",
        "That of SNGAN.",
        "As PNG: larger as SVG.",
        "With which this step's samples are transformed.",
        "Nothing.",
        "It keeps its state.",
        "`log(1 + x)`, without a full stop",
        "Width of the picture in\n    pixels.",
        "Width of the picture.\n    In pixels.",
        "width of the picture.",
        "Rows.",
    ],
)
def test_a_fragment_is_complained_of(text: str) -> None:
    assert complaint(text)


@pytest.mark.parametrize(
    "text",
    [
        "Width of the picture in pixels.",
        "`python -m cgan.sample`: see `cgan/commands/sample.py`.",
        "The sample's class.\n\n    It is -1 for none.",
        "Item of a list.",
    ],
)
def test_a_sentence_is_not_complained_of(text: str) -> None:
    assert complaint(text) is None


SOURCE = '''"""A module of some things."""

LIMIT = 3
"""Of the width."""


class Grid:
    """A grid of images."""

    side: int
    """Their side."""

    def width(self) -> int:
        return 3

    def encode(self) -> None:
        pass

    def __len__(self) -> int:
        return 3

    def _height(self) -> int:
        return 3


def draw() -> None:
    def inner() -> None:
        pass
'''


def test_docstrings_of_fields_and_constants_are_read() -> None:
    found = dict(texts(ast.parse(SOURCE), "here"))
    assert found == {
        "here": "A module of some things.",
        "here.LIMIT": "Of the width.",
        "here.Grid": "A grid of images.",
        "here.Grid.side": "Their side.",
    }
    assert [name for name, text in found.items() if complaint(text)] == [
        "here.LIMIT",
        "here.Grid.side",
    ]


def test_what_is_public_is_found_but_for_a_protocols_methods() -> None:
    assert "encode" in methods_of_protocols()  # of `Source`
    assert list(undocumented(ast.parse(SOURCE), "here")) == ["here.Grid.width", "here.draw"]
    assert list(undocumented(ast.parse("def _hidden(): pass"), "here")) == ["here"]
