"""Paths on command lines: `~` is the user's home in each of them, as a shell would have it."""

import ast
import dataclasses
import re
import shlex
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import train
from benchmarks import graded as graded_benchmark
from benchmarks import lattice, masked_letters, null_rates, strands
from benchmarks.accelerator import __main__ as accelerator
from benchmarks.accelerator import wheels
from benchmarks.growth import __main__ as growth
from cgan.commands import augmented, rank, sample, translate
from cgan.commands import data as describe_data
from cgan.config import ConfigError, Data, Experiment
from cgan.run_folder.workdir import Workdir
from cgan.system.arguments import parse
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
PROGRAMS: dict[str, Any] = {
    "train.py": train.Command,
    "benchmarks/accelerator/__main__.py": accelerator.Arguments,
    "benchmarks/accelerator/wheels.py": wheels.Arguments,
    "benchmarks/growth/__main__.py": growth.Arguments,
    "benchmarks/graded.py": graded_benchmark.Arguments,
    "benchmarks/lattice.py": lattice.Arguments,
    "benchmarks/masked_letters.py": masked_letters.Arguments,
    "benchmarks/null_rates.py": null_rates.Arguments,
    "benchmarks/strands.py": strands.Arguments,
    "cgan/commands/augmented.py": augmented.Arguments,
    "cgan/commands/data.py": describe_data.Arguments,
    "cgan/commands/rank.py": rank.Arguments,
    "cgan/commands/sample.py": sample.Arguments,
    "cgan/commands/translate.py": translate.Arguments,
    "eval/commands/collapse.py": collapse.Arguments,
    "eval/commands/compare.py": compare.Arguments,
    "eval/commands/probe.py": probe.Arguments,
    "eval/commands/reference.py": reference.Arguments,
    "eval/commands/report.py": report.Arguments,
    "eval/commands/graded.py": graded.Arguments,
    "eval/commands/robust.py": robust.Arguments,
    "eval/commands/clients.py": clients.Arguments,
    "eval/commands/run.py": run.Arguments,
    "eval/commands/search.py": search.Arguments,
    "eval/commands/surrogate.py": surrogate.Arguments,
    "eval/study/__main__.py": study.Arguments,
}
"""What takes a command line with paths, by its file."""

PATHS: dict[tuple[str, str], str] = {
    ("train.py", "experiment.workdir"): "digits --workdir {}",
    ("train.py", "experiment.init_from"): "digits --init-from {}",
    ("train.py", "experiment.prior.pre"): "digits --prior.mu 1 --prior.pre {}",
    ("train.py", "experiment.prior.par"): "digits --prior.lam 1 --prior.par {}",
    ("train.py", "experiment.data.path"): "ffhq64 --data.path {}",
    ("train.py", "experiment.data.data_dir"): "cifar10 --data.data-dir {}",
    ("train.py", "experiment.translation.path"): ("day2night128 --translation.path {}"),
    ("benchmarks/accelerator/__main__.py", "out"): "--out {}",
    ("benchmarks/accelerator/__main__.py", "page"): "--out x --page {}.md",
    ("benchmarks/accelerator/wheels.py", "out"): "--out {}",
    ("benchmarks/growth/__main__.py", "out"): "--out {}",
    ("benchmarks/growth/__main__.py", "page"): "--out x --page {}.md",
    ("benchmarks/growth/__main__.py", "picture"): "--out x --picture {}.png",
    ("benchmarks/graded.py", "out"): "--out {}",
    ("benchmarks/graded.py", "path"): "--out x.jsonl --path {}",
    ("benchmarks/masked_letters.py", "runs"): "{}",
    ("benchmarks/masked_letters.py", "out"): "run --out {}",
    ("benchmarks/lattice.py", "runs"): "{}",
    ("benchmarks/lattice.py", "picture"): "run --picture {}.png",
    ("benchmarks/lattice.py", "micrograph"): "run --micrograph {}",
    ("benchmarks/null_rates.py", "out"): "--out {}",
    ("benchmarks/strands.py", "runs"): "{}",
    ("cgan/commands/augmented.py", "out"): "--out {}.png",
    ("cgan/commands/augmented.py", "data.path"): (
        "--out x.png --data.source folder --data.path {}"
    ),
    ("cgan/commands/augmented.py", "data.data_dir"): (
        "--out x.png --data.source tfds --data.name mnist --data.data-dir {}"
    ),
    ("cgan/commands/data.py", "path"): "{}",
    ("cgan/commands/data.py", "data.path"): "--data.path {}",
    ("cgan/commands/data.py", "data.data_dir"): "--data.data-dir {}",
    ("cgan/commands/rank.py", "run"): "{} --out x.png",
    ("cgan/commands/rank.py", "out"): "run --out {}.png",
    ("cgan/commands/rank.py", "data_path"): "run --out x.png --data-path {}",
    ("cgan/commands/sample.py", "run"): "{} --out x.npz",
    ("cgan/commands/sample.py", "out"): "run --out {}.npz",
    ("cgan/commands/translate.py", "run"): "{} a b",
    ("cgan/commands/translate.py", "pictures"): "run {} b",
    ("cgan/commands/translate.py", "out"): "run a {}",
    ("eval/commands/collapse.py", "run"): "{}",
    ("eval/commands/collapse.py", "real"): "--real {} --fake b",
    ("eval/commands/collapse.py", "fake"): "--real a --fake {}",
    ("eval/commands/collapse.py", "weights"): "run --weights {}",
    ("eval/commands/collapse.py", "data_path"): "run --data-path {}",
    ("eval/commands/collapse.py", "out"): "run --out {}.png",
    ("eval/commands/compare.py", "real"): "{} b",
    ("eval/commands/compare.py", "fake"): "a {}",
    ("eval/commands/compare.py", "weights"): "a b --weights {}",
    ("eval/commands/compare.py", "out"): "a b --out {}.jsonl",
    ("eval/commands/probe.py", "run"): "{}",
    ("eval/commands/probe.py", "data_path"): "run --data-path {}",
    ("eval/commands/probe.py", "out"): "run --out {}.png",
    ("eval/commands/reference.py", "dataset"): "{} --out x.npz",
    ("eval/commands/reference.py", "path"): "folder --path {}",
    ("eval/commands/reference.py", "data_dir"): "tfds --name mnist --data-dir {}",
    ("eval/commands/reference.py", "weights"): "digits --weights {}",
    ("eval/commands/reference.py", "out"): "digits --out {}.npz",
    ("eval/commands/report.py", "run"): "{}",
    ("eval/commands/report.py", "weights"): "run --weights {}",
    ("eval/commands/report.py", "data_path"): "run --data-path {}",
    ("eval/commands/report.py", "out"): "run --out {}.html",
    ("eval/commands/graded.py", "run"): "{}",
    ("eval/commands/graded.py", "data_path"): "run --data-path {}",
    ("eval/commands/graded.py", "out"): "run --out {}.png",
    ("eval/commands/robust.py", "run"): "{}",
    ("eval/commands/robust.py", "beside"): "run {}",
    ("eval/commands/robust.py", "data_path"): "run --data-path {}",
    ("eval/commands/robust.py", "out"): "run --out {}.png",
    ("eval/commands/clients.py", "run"): "{}",
    ("eval/commands/clients.py", "beside"): "run {}",
    ("eval/commands/clients.py", "out"): "run --out {}.png",
    ("eval/commands/run.py", "run"): "{}",
    ("eval/commands/run.py", "weights"): "run --weights {}",
    ("eval/commands/run.py", "data_path"): "run --data-path {}",
    ("eval/commands/run.py", "out"): "run --out {}.jsonl",
    ("eval/commands/search.py", "run"): "{} --score ink",
    ("eval/commands/search.py", "data_path"): "run --score ink --data-path {}",
    ("eval/commands/search.py", "out"): "run --score ink --out {}.html",
    ("eval/commands/surrogate.py", "source"): "--target b --source {}",
    ("eval/commands/surrogate.py", "target"): "--source a --target {}",
    ("eval/commands/surrogate.py", "out"): "--out {}.png",
    ("eval/study/__main__.py", "logs"): "quick --executor local --logs {}",
    ("eval/study/__main__.py", "out"): "quick --out {}.jsonl",
    ("eval/study/__main__.py", "page"): "quick --page {}.md",
    ("eval/study/__main__.py", "plot"): "quick --plot {}.svg",
}
"""A command line with the path in place of the braces, by the file and what the path becomes."""


def paths_in(kind: Any, prefix: str = "") -> Iterator[str]:
    """The dotted names of what can be a path."""
    for name, annotation in typing.get_type_hints(kind).items():
        if dataclasses.is_dataclass(annotation):
            yield from paths_in(annotation, f"{prefix}{name}.")
        elif Path in (annotation, *typing.get_args(annotation)):
            yield prefix + name


def read(file: str, words: Sequence[str]) -> Any:
    """The command line as the program of this file takes it."""
    if file == "train.py":
        return train.parse(words)
    return parse(PROGRAMS[file], words, prog=file)


@pytest.mark.parametrize("joined", [False, True], ids=["quoted", "after ="])
@pytest.mark.parametrize(("file", "name"), PATHS)
def test_the_home_stands_for_its_sign_in_every_path(
    file: str, name: str, joined: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    words = shlex.split(PATHS[file, name])
    at = next(number for number, word in enumerate(words) if "{}" in word)
    words[at] = words[at].format("~/x")
    expected = tmp_path / words[at].removeprefix("~/")
    if joined and words[at - 1].startswith("--"):
        words[at - 1 : at + 1] = [f"{words[at - 1]}={words[at]}"]
    found = read(file, words)
    for part in name.split("."):
        found = getattr(found, part)
    assert found == ((expected,) if isinstance(found, tuple) else expected)


def test_every_path_of_every_command_is_in_the_table() -> None:
    assert set(PATHS) == {
        (file, name) for file, kind in PROGRAMS.items() for name in paths_in(kind)
    }


def calls(file: Path) -> set[str]:
    """The names of the functions that a file calls, as they are written there."""
    nodes = ast.walk(ast.parse(file.read_text()))
    return {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}


def test_every_command_that_takes_a_path_is_in_the_table() -> None:
    files = [ROOT / "train.py"]
    files += [file for top in ("benchmarks", "cgan", "eval") for file in (ROOT / top).rglob("*.py")]
    helpers = ROOT / "cgan/system/arguments.py"
    by_hand, reading = set(), set()
    for file in files:
        found, name = calls(file), file.relative_to(ROOT).as_posix()
        if file != helpers and {"tyro.cli", "tyro.extras.overridable_config_cli"} & found:
            by_hand.add(name)
        if {"parse", "parse_one_of"} & found:
            reading.add(name)
    assert by_hand == {"cgan/commands/cache.py"}  # which takes no path
    assert set(PROGRAMS) <= reading
    assert not [name for name in reading - set(PROGRAMS) if not name.startswith("benchmarks/")]
    for name in reading - set(PROGRAMS):
        assert not re.search(r"(?m)^    \w+: .*\bPath\b", (ROOT / name).read_text()), name


@pytest.mark.parametrize("given", ["~nobody-of-this-name/x", "x~", "x/~"])
def test_what_is_no_home_is_taken_as_it_is(given: str) -> None:
    assert read("eval/commands/run.py", [given]).run == Path(given)


def test_a_run_whose_data_were_named_by_the_sign_of_the_home_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    def with_data(path: Path) -> Experiment:
        return Experiment(workdir=tmp_path / "run", data=Data("folder", path=path))

    workdir = Workdir(tmp_path / "run")
    workdir.create(with_data(Path("~/faces")))
    workdir.check(with_data(tmp_path / "faces"))
    with pytest.raises(ConfigError, match=r"data\.path is .*faces.* there, not .*cats"):
        workdir.check(with_data(tmp_path / "cats"))


def test_a_reference_takes_every_setting_of_a_data_set() -> None:
    """A new one of `Data` would break it, whatever data set it is asked for."""
    taken = {field.name for field in dataclasses.fields(reference.Arguments)}
    assert set(reference.OF_DATASETS) - {"source"} <= taken
