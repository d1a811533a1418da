"""`python -m eval collapse`: its exit codes, its words, what it writes, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cgan.config import Data
from cgan.data import EMBEDDED
from cgan.data.digits import load_digits
from eval.commands import collapse
from eval.verdict import judged
from eval.verdict.judge import EXIT_CODES
from tests.eval import commands

ROOT = Path(__file__).parents[2]
RING = EMBEDDED["ring8"]("train")


def exit_code(*argv):
    return commands.exit_code("collapse", *argv)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def of_modes(*kept):
    """Samples of these modes."""
    points = RING.points[np.isin(RING.labels, kept)]
    return lambda n, seed: points[np.random.default_rng(seed).integers(len(points), size=n)]


CASES = {
    "covers": of_modes(*range(8)),
    "drops": of_modes(0, 1, 2, 3, 4, 5, 7),
    "collapsed": of_modes(3, 4),
    "unrecognisable": lambda n, seed: (
        np.full((n, 2), 9, np.float32)
        + np.random.default_rng(seed).normal(size=(n, 2)).astype("f4")
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_scripts_see_the_verdict_and_people_read_it(tmp_path, monkeypatch, capsys, kind):
    commands.make_run(monkeypatch, tmp_path, Data("ring8"), CASES[kind])
    assert exit_code(tmp_path, "--n", "1000") == EXIT_CODES[kind]
    printed = capsys.readouterr().out
    first = " ".join(printed[: printed.index(str(tmp_path))].split())
    assert first.startswith({"unrecognisable": "Not recognisable"}.get(kind, kind.capitalize()))
    assert (f"data: {RING.class_names[6]}." in first) == (kind == "drops")
    assert "12,800 images seen, seed 0" in printed
    assert f"picture: {tmp_path / 'collapse.png'}" in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 110 + len(str(tmp_path))
    row = json.loads((tmp_path / "collapse.jsonl").read_text())
    assert (row["verdict"], row["exit_code"], row["n"]) == (kind, EXIT_CODES[kind], 1_000)
    assert " ".join(row["sentence"].split()) in first
    assert row["checkpoint_nimg"] == 12_800
    with Image.open(tmp_path / "collapse.png") as image:
        assert min(image.size) > 400
    assert {path.name for path in tmp_path.iterdir()} == {"collapse.jsonl", "collapse.png"}


def test_few_samples_are_undecided_and_a_picture_goes_where_it_is_asked(tmp_path, monkeypatch):
    commands.make_run(monkeypatch, tmp_path, Data("ring8"), CASES["covers"])
    out = tmp_path / "made" / "modes.png"
    assert exit_code(tmp_path, "--n", "30", "--out", out) == EXIT_CODES["undecided"]
    assert out.is_file()
    assert not (tmp_path / "collapse.png").exists()
    assert exit_code(tmp_path, "--n", "30", "--seed", "1", "--out", out) == EXIT_CODES["undecided"]
    lines = (tmp_path / "collapse.jsonl").read_text().splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [0, 1]


def test_exit_codes_differ_from_each_other_and_from_those_of_errors():
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    assert not {2, 75, 130, collapse.FAILED} & set(EXIT_CODES.values())
    assert (EXIT_CODES["covers"], EXIT_CODES["collapsed"]) == (0, 1)


@pytest.mark.parametrize("error", [RuntimeError("a bug"), OSError(28, "No space left", "x")])
def test_an_error_is_not_taken_for_a_collapse(tmp_path, monkeypatch, capsys, error):
    commands.make_run(monkeypatch, tmp_path, Data("ring8"), CASES["covers"])

    def broken(*args):
        raise error

    monkeypatch.setattr(judged, "judge_run", broken)
    assert exit_code(tmp_path, "--n", "30") == 70
    assert str(error.args[-1 if len(error.args) == 1 else 1]) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "real = None: must be given, as --real and --fake, or a run"),
        (["RUN", "--n", "1"], "n = 1: must be at least 2 samples"),
        (["RUN", "--step", "0"], "step = 0: must be more than 0"),
        (["RUN", "--seed", "-1"], "seed = -1"),
        (["RUN", "--out", "x.jpg"], "out = 'x.jpg': must be a .png file"),
        (["RUN", "--real", "a"], "real = 'a': must be left out where a run is given"),
        (["--real", "a"], "fake = None: must be given"),
        (["--real", "a", "--fake", "b", "--n", "9"], "n = 9: must be left out with --real"),
        (["--real", "a", "--fake", "b"], "real = 'a': is not there in"),
        (["RUN", "--extractor", "pixels"], "extractor = 'pixels': reads images"),
        (["NOWHERE"], "no such run"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, monkeypatch, capsys, arguments, named):
    commands.make_run(monkeypatch, tmp_path, Data("ring8"), CASES["covers"])
    places = {"RUN": tmp_path, "NOWHERE": tmp_path / "nowhere"}
    assert exit_code(*(places.get(word, word) for word in arguments)) == 2
    printed = capsys.readouterr()
    assert named in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_two_sets_of_images_on_disk(tmp_path, capsys):
    digits, out = load_digits("train"), tmp_path / "missing.png"
    np.savez(tmp_path / "real.npz", images=digits.images[:1_024])
    np.savez(tmp_path / "fake.npz", images=digits.images[digits.labels < 5][:512])
    files = ("--real", tmp_path / "real.npz", "--fake", tmp_path / "fake.npz")
    assert exit_code(*files, "--extractor", "pixels", "--out", out) == EXIT_CODES["drops"]
    printed = capsys.readouterr().out
    assert printed.startswith("Drops ")
    assert " bins with " in printed
    with Image.open(out) as image:
        assert image.width > 1_000


def test_two_sets_of_features_on_disk(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "real.npz", features=rng.normal(size=(400, 6)))
    np.savez(tmp_path / "fake.npz", features=np.repeat(rng.normal(size=(3, 6)), 200, axis=0))
    files = ("--real", tmp_path / "real.npz", "--fake", tmp_path / "fake.npz")
    assert exit_code(*files, "--out", tmp_path / "x.png") == 2
    assert "no images of one size" in capsys.readouterr().err
    assert exit_code(*files) == EXIT_CODES["collapsed"]
    assert "as if there were 3 different ones" in " ".join(capsys.readouterr().out.split())
    assert {path.name for path in tmp_path.iterdir()} == {"real.npz", "fake.npz"}


def test_its_help_names_the_exit_codes_without_waiting_for_jax():
    script = "import sys; from eval import __main__ as m\n"
    script += (
        "try: m.main(['collapse', '--help'])\nexcept SystemExit as stop: assert not stop.code\n"
    )
    script += "assert 'jax' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for code, kind in ((0, "covers"), (1, "collapsed"), (3, "drops"), (4, "undecided")):
        assert f"{code} {kind}" in done.stdout
