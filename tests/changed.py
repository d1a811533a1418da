"""The tests of what changed: `python -m tests.changed --base origin/main -- PYTEST'S ARGUMENTS`.

A test file is as far from a changed file as there are imports between them; one that names a file
in a string, to read it or to start it, is a step away too, and so is one that goes through the
folders that it names. The nearest run, as many as fit into the time by what each took when
`durations.json` was written; a test file of the changed file's own name comes first.
"""

import argparse
import ast
import json
import math
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("benchmarks", "cgan", "configs", "eval", "examples", "tests")
DURATIONS = ROOT / "tests" / "durations.json"
UNKNOWN_SEC = 10.0
"""Taken for a test file that has no duration yet."""
START_SEC = 15.0
"""Before the first test of a session, about: imports and collection."""
WALKS = ("glob", "rglob", "iterdir")
REACH_ALL = ("pyproject.toml", "requirements.txt", "tests/conftest.py", "tests/requirements.txt")
"""What every test depends on."""


@dataclass(frozen=True)
class File:
    """What a Python file says of others."""

    modules: frozenset[str]
    """Names that it imports, with the packages above them."""
    strings: frozenset[str]
    """The parts of its strings between slashes and spaces, docstrings left out."""
    walks: bool = False
    """Whether it goes through folders."""


def read(text: str) -> File:
    """The imports and strings of a file's text; a file that does not parse says nothing."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return File(frozenset(), frozenset())
    modules: set[str] = set()
    strings: set[str] = set()
    prose = {node.value for node in nodes if isinstance(node, ast.Expr)}
    walks = any(isinstance(node, ast.Attribute) and node.attr in WALKS for node in nodes)
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            strings |= set(node.value.replace("/", " ").split())
    packages = frozenset(name for module in modules for name in upwards(module))
    return File(packages, frozenset(strings), walks)


def upwards(module: str) -> list[str]:
    """A module and the packages that it is in: importing it runs them all."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def module_name(path: str) -> str:
    """What the file at this path below the repository is imported as."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def reads(path: str, file: File, changed: str) -> bool:
    """Whether a file of tests goes through the room of the changed one, or names it or the folder
    that it is in."""
    room, name = changed.split("/")[0], Path(changed).name
    if not path.startswith("tests/") or is_test(changed):
        return False
    if file.walks and room in file.strings:
        return True
    return not changed.endswith(".py") and bool(file.strings & {name, Path(changed).parent.name})


def starts(path: str, file: File, program: str) -> bool:
    """Whether a file of tests starts the Python file at a path, by its name or with `python -m`."""
    if not path.startswith("tests/") or is_test(program):
        return False
    door = module_name(program).removesuffix(".__main__")
    return program in file.strings or ("-m" in file.strings and door in file.strings)


def is_namesake(test: str, changed: str) -> bool:
    """Whether a test file has the changed file's name: `test_eval_ndb.py` that of `ndb.py`."""
    return changed.endswith(".py") and test.endswith(f"_{Path(changed).name}")


def distances(changed: Iterable[str], files: Mapping[str, File]) -> dict[str, int]:
    """How far each file that a change reaches is from what changed, by paths.

    Args:
        changed: Paths below the repository; of files that are gone, too.
        files: What each Python file of the repository says, by path.
    """
    changed = list(changed)
    found = dict.fromkeys(changed, 0)
    if set(changed) & set(REACH_ALL):
        found |= {path: 1 for path in files if is_test(path) and path not in found}
    wave = list(found)
    for distance in range(1, len(files) + 1):
        modules = {module_name(path) for path in wave if path.endswith(".py")}
        wave = [
            path
            for path, file in files.items()
            if path not in found
            and (
                file.modules & modules
                or any(starts(path, file, one) for one in wave if one.endswith(".py"))
                or (distance == 1 and any(reads(path, file, one) for one in changed))
            )
        ]
        found |= dict.fromkeys(wave, distance)
    return {path: distance for path, distance in found.items() if path in files}


def is_test(path: str) -> bool:
    """Whether pytest collects the file at this path."""
    return path.startswith("tests/") and Path(path).name.startswith("test_")


@dataclass(frozen=True)
class Choice:
    """Test files that run and those that would take too long beside them, nearest first."""

    run: list[str]
    left_out: list[str]


def choose(
    changed: Collection[str],
    distance: Mapping[str, int],
    seconds: Mapping[str, float],
    budget_sec: float,
    jobs: int,
) -> Choice:
    """The nearest test files that fit into the time; those that changed run in any case."""
    room = max(budget_sec - START_SEC, 0.0) * jobs

    def rank(test: str) -> tuple[int, float, str]:
        near = test in changed or any(is_namesake(test, path) for path in changed)
        return 0 if near else distance[test], seconds.get(test, UNKNOWN_SEC), test

    run, left_out, taken = [], [], 0.0
    for path in sorted((path for path in distance if is_test(path)), key=rank):
        took = seconds.get(path, UNKNOWN_SEC)
        if path in changed or taken + took <= room:
            run.append(path)
            taken += took
        else:
            left_out.append(path)
    return Choice(run, left_out)


def git(*arguments: str) -> list[str]:
    """The lines that git prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"error: git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def changed_since(base: str) -> list[str]:
    """Paths that differ from where this branch left the base, not committed and new ones too."""
    (fork,) = git("merge-base", base, "HEAD")
    return [
        *git("diff", "--name-only", "--no-renames", fork),
        *git("ls-files", "--others", "--exclude-standard"),
    ]


@cache
def python_files() -> dict[str, File]:
    """Every Python file of the repository that tests could reach, by path."""
    paths = [ROOT / "train.py", *(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): read(path.read_text()) for path in paths}


def told(choice: Choice, seconds: Mapping[str, float]) -> str:
    """What runs and what does not, for whoever waits."""
    total = sum(seconds.get(path, UNKNOWN_SEC) for path in choice.run)
    lines = [f"{len(choice.run)} test files, {math.ceil(total)} seconds of tests"]
    if choice.left_out:
        total = sum(seconds.get(path, UNKNOWN_SEC) for path in choice.left_out)
        lines.append(
            f"left out for time: {len(choice.left_out)} files, {math.ceil(total)} seconds "
            f"(`make test` runs them): {' '.join(choice.left_out)}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the tests in a pytest of their own, and end as it does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="origin/main", help="what the change is against")
    parser.add_argument("--jobs", type=int, default=2, help="processes that pytest starts")
    parser.add_argument("--seconds", type=float, default=110.0, help="time for all of it")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    asked = parser.parse_args()
    seconds = json.loads(DURATIONS.read_text())
    changed = changed_since(asked.base)
    distance = distances(changed, python_files())
    choice = choose(changed, distance, seconds, asked.seconds, asked.jobs)
    print(told(choice, seconds), flush=True)
    if not choice.run:
        return
    # No test may be left after `-m "not slow"`, which is no failure.
    done = subprocess.run([sys.executable, "-m", "pytest", *asked.pytest, *choice.run], cwd=ROOT)
    raise SystemExit(0 if done.returncode == 5 else done.returncode)


if __name__ == "__main__":
    main()
