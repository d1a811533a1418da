"""Two processes that evaluate as one, on this machine, over gloo."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability import runs

N = 2_500
"""Three chunks of samples, which two processes can't share evenly."""


def evaluation(run: Path, out: Path, *more: str) -> list[str]:
    asked = ["--n", str(N), "--extractor", "pixels", "--metrics", "frechet_distance"]
    return [sys.executable, "-m", "eval", str(run), *asked, "--out", str(out), *more]


def said(out: str) -> list[str]:
    """Lines of an output but for what the collectives print of themselves."""
    return [line for line in out.splitlines() if not line.startswith("[Gloo]")]


@pytest.fixture(scope="module")
def digits(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run, whose samples are read as pixels, so that no classifier has to be trained."""
    workdir = tmp_path_factory.mktemp("digits") / "run"
    code, _, err = runs.run(runs.command(workdir, steps=8), cache)
    assert code == 0, err
    return workdir


def start_both(
    run: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> "list[subprocess.Popen[str]]":
    """Both processes; the second has a cache of its own, where nothing is known."""
    port, started = runs.free_port(), []
    for number in range(2):
        together = ["--coordinator", f"127.0.0.1:{port}", "--num-processes", "2"]
        together += ["--process-id", str(number), "--heartbeat-sec", "10"]
        if number:
            monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "elsewhere"))
        out = tmp_path / f"of_{number}.jsonl"
        started.append(runs.start(evaluation(run, out, *together), cache))
    return started


def test_two_processes_find_the_figures_of_one_and_the_first_writes_them(
    digits: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "known"))
    code, table, err = runs.run(evaluation(digits, tmp_path / "alone.jsonl"), cache)
    assert code == 0, err
    finished = [runs.finish(each) for each in start_both(digits, cache, tmp_path, monkeypatch)]
    assert [code for code, _, _ in finished] == [0, 0], finished
    assert said(finished[0][1]) == said(table)
    assert said(finished[1][1]) == []
    assert not (tmp_path / "of_1.jsonl").exists()
    alone, together = (
        [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        for name in ("alone.jsonl", "of_0.jsonl")
    )
    for of in (*alone, *together):
        of.pop("time", None)
    assert together == alone


def test_a_run_that_one_process_does_not_find_ends_both(
    digits: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = runs.free_port()
    together = ["--coordinator", f"127.0.0.1:{port}", "--num-processes", "2"]
    started = [
        runs.start(
            evaluation(run, tmp_path / "out.jsonl", *together, "--process-id", str(number)), cache
        )
        for number, run in enumerate((digits, tmp_path / "nowhere"))
    ]
    (first, _, _), (second, _, err) = (runs.finish(each) for each in started)
    assert second == 2
    assert "nowhere" in err
    assert "Traceback" not in err
    assert first != 0
