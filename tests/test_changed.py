"""Which tests a change reaches, how near they are, and which fit into a time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import changed
from tests.changed import File, choose, distances, read

TREE = {
    "lib/__init__.py": "",
    "lib/types.py": '"""Nothing of tests/test_tools.py."""',
    "lib/near.py": "from lib import types",
    "lib/far.py": "def late():\n    import lib.near",
    "lib/tool.py": "from lib.types import Verdict",
    "tests/helper.py": "PROGRAM = ['-m', 'lib.tool']",
    "tests/test_near.py": "import lib.near as other",
    "tests/test_types.py": "from lib.far import late",
    "tests/test_tools.py": "from tests.helper import PROGRAM",
    "tests/test_docs.py": "for path in (ROOT / 'docs').rglob('*.md'): print(path)",
    "tests/test_golden.py": "FILE = HERE / 'golden' / 'figures.npz'",
    "tests/test_alone.py": "import json",
}


@pytest.fixture
def files() -> dict[str, File]:
    return {path: read(text) for path, text in TREE.items()}


def reached(files: dict[str, File], *paths: str) -> dict[str, int]:
    found = distances(paths, files)
    return {path: distance for path, distance in found.items() if path.startswith("tests/test_")}


def test_a_test_is_as_far_as_there_are_imports_between(files: dict[str, File]) -> None:
    assert reached(files, "lib/near.py") == {"tests/test_near.py": 1, "tests/test_types.py": 2}
    assert reached(files, "lib/types.py") == {
        "tests/test_near.py": 2,
        "tests/test_types.py": 3,
        "tests/test_tools.py": 3,  # through the helper that starts lib/tool.py
    }


def test_a_package_runs_before_its_modules(files: dict[str, File]) -> None:
    found = reached(files, "lib/__init__.py")
    assert (found["tests/test_near.py"], found["tests/test_types.py"]) == (1, 1)


def test_a_file_that_is_gone_still_reaches_who_imports_it(files: dict[str, File]) -> None:
    del files["lib/near.py"]
    assert reached(files, "lib/near.py") == {"tests/test_near.py": 1, "tests/test_types.py": 2}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("lib/tool.py", {"tests/test_tools.py": 2}),
        ("docs/deep/page.md", {"tests/test_docs.py": 1}),
        ("tests/golden/figures.npz", {"tests/test_golden.py": 1}),
        ("tests/golden/other.npz", {"tests/test_golden.py": 1}),
        ("tests/test_alone.py", {"tests/test_alone.py": 0}),
        ("docs.py", {}),
    ],
)
def test_a_test_that_names_a_file_is_a_step_away(
    files: dict[str, File], path: str, expected: dict[str, int]
) -> None:
    assert reached(files, path) == expected


def test_what_every_test_depends_on_reaches_them_all(files: dict[str, File]) -> None:
    found = reached(files, "pyproject.toml")
    assert found == {path: 1 for path in TREE if "/test_" in path}


DISTANCE = {f"tests/test_{name}.py": number for number, name in enumerate("abcdef")}


def test_the_nearest_run_and_the_rest_is_told() -> None:
    seconds = dict.fromkeys(DISTANCE, 30.0) | {"tests/test_b.py": 100.0}
    choice = choose([], DISTANCE, seconds, budget_sec=110, jobs=1)
    # 95 seconds of room after the start: the one of 100 does not fit, of the others three do.
    assert choice.run == ["tests/test_a.py", "tests/test_c.py", "tests/test_d.py"]
    assert choice.left_out == ["tests/test_b.py", "tests/test_e.py", "tests/test_f.py"]
    both = choose([], DISTANCE, seconds, budget_sec=110, jobs=2)
    assert both.run == [f"tests/test_{name}.py" for name in "abcd"]
    told = changed.told(choice, seconds)
    assert "3 test files, 90 seconds" in told
    assert "left out for time: 3 files, 160 seconds" in told
    assert told.endswith("tests/test_b.py tests/test_e.py tests/test_f.py")


def test_what_changed_itself_runs_in_any_case_and_namesakes_come_first() -> None:
    seconds = dict.fromkeys(DISTANCE, 40.0) | {"tests/test_f.py": 300.0}
    choice = choose(["tests/test_f.py"], DISTANCE, seconds, budget_sec=110, jobs=2)
    assert "tests/test_f.py" in choice.run
    choice = choose(["lib/e.py"], DISTANCE, seconds, budget_sec=110, jobs=1)
    assert choice.run == ["tests/test_a.py", "tests/test_e.py"]


def test_an_unknown_file_is_taken_to_be_quick() -> None:
    assert choose([], {"tests/test_new.py": 1}, {}, budget_sec=110, jobs=1).left_out == []


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A branch that has left `base`, which went on."""
    monkeypatch.setattr(changed, "ROOT", tmp_path)

    def git(*arguments: str) -> None:
        named = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *named, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "--initial-branch", "base")
    for name in ("edited", "moved", "kept", "committed"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".gitignore").write_text("ignored\n")
    git("add", ".")
    git("commit", "-m", "first")
    git("checkout", "-b", "branch")
    (tmp_path / "committed").write_text("differs")
    (tmp_path / "moved").rename(tmp_path / "elsewhere")
    git("add", "--all")
    git("commit", "-m", "second")
    git("checkout", "base")
    (tmp_path / "kept").write_text("of the base alone")
    git("commit", "-am", "third")
    git("checkout", "branch")
    return tmp_path


def test_changes_are_those_of_the_branch_committed_or_not(repository: Path) -> None:
    (repository / "edited").write_text("differs")
    (repository / "new").touch()
    (repository / "ignored").touch()
    assert sorted(changed.changed_since("base")) == [
        "committed",
        "edited",
        "elsewhere",
        "moved",
        "new",
    ]
    with pytest.raises(SystemExit, match="error: git merge-base nowhere HEAD: "):
        changed.changed_since("nowhere")


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (5, 0)])
def test_the_command_runs_pytest_with_what_changed_and_ends_as_it_does(
    code: int, expected: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for a choice without a fast test (5), which is no failure."""
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(changed, "changed_since", lambda base: [f"tests/test_{base}.py"])
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["changed", "--base", "flips", "--", "-m", "not slow"])
    with pytest.raises(SystemExit) as stop:
        changed.main()
    assert stop.value.code == expected
    assert asked == [[sys.executable, "-m", "pytest", "-m", "not slow", "tests/test_flips.py"]]
    assert capsys.readouterr().out.startswith("1 test files, ")


def test_durations_are_of_test_files_that_exist() -> None:
    """Of others they would order and promise nothing."""
    seconds = json.loads(changed.DURATIONS.read_text())
    assert seconds
    assert [path for path in seconds if not (changed.ROOT / path).is_file()] == []
    assert all(isinstance(taken, float) for taken in seconds.values())
