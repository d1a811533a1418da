"""The documents' commands are ones that the programs take: each is parsed, none is run."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
import tyro

import train
from benchmarks.accelerator import __main__ as accelerator
from benchmarks.accelerator import wheels
from cgan.commands import augmented, rank, sample, translate
from cgan.commands import cache as cache_command
from cgan.commands import data as describe_data
from eval.commands import (
    clients,
    collapse,
    compare,
    graded,
    probe,
    reference,
    report,
    robust,
    run,
    search,
    surrogate,
)
from eval.study import __main__ as study

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = {
    "-m benchmarks.accelerator.wheels": wheels.Arguments,
    "-m benchmarks.accelerator": accelerator.Arguments,
    "-m cgan.augmented": augmented.Arguments,
    "-m cgan.sample": sample.Arguments,
    "-m cgan.cache": cache_command.Command,
    "-m cgan.data": describe_data.Arguments,
    "-m cgan.rank": rank.Arguments,
    "-m cgan.translate": translate.Arguments,
    "-m eval clients": clients.Arguments,
    "-m eval collapse": collapse.Arguments,
    "-m eval probe": probe.Arguments,
    "-m eval compare": compare.Arguments,
    "-m eval reference": reference.Arguments,
    "-m eval report": report.Arguments,
    "-m eval graded": graded.Arguments,
    "-m eval robust": robust.Arguments,
    "-m eval search": search.Arguments,
    "-m eval surrogate": surrogate.Arguments,
    "-m eval.study": study.Arguments,
    "-m eval": run.Arguments,
}
"""The longer names first."""


def commands(document: Path) -> list[str]:
    """The lines of a document's shell blocks that call Python, continued lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("python ")]


def parse(words: Sequence[str]) -> None:
    """Parse as the program would."""
    if words[0] == "train.py":
        train.parse(words[1:])
        return
    for name, arguments in PROGRAMS.items():
        parts = name.split()
        if list(words[: len(parts)]) == parts:
            tyro.cli(arguments, args=words[len(parts) :])
            return
    assert words[:2] in (["-m", f"benchmarks.{path.stem}"] for path in BENCHMARKS), words


BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))


@pytest.mark.parametrize(
    ("document", "command"),
    [
        pytest.param(document, command, id=f"{document.name}: {command}"[:80])
        for document in DOCUMENTS
        for command in commands(document)
    ],
)
def test_a_documented_command_can_be_given(document: Path, command: str) -> None:
    code: object = 0
    try:
        parse(shlex.split(command, comments=True)[1:])
    except SystemExit as stop:  # --help
        code = stop.code
    assert code == 0


def test_the_documents_hold_commands() -> None:
    assert sum(len(commands(document)) for document in DOCUMENTS) > 20
