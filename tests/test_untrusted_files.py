"""Hostile files: none runs code, writes outside of its folder, hangs or fills the memory.

Each is given to the program that would read it, in a process whose memory ends half a gigabyte
beyond what the program takes by itself. Weights have more tests in `eval/test_eval_weights.py`.
"""

import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from cgan.config import ConfigError, Data
from cgan.data import load_source
from eval.files.json_lines import read_rows
from tests.hostile_files import (
    IMAGES,
    Payload,
    archive,
    bomb,
    configured,
    declared,
    features,
    folder,
    inflates,
    lying,
    npy,
    png,
    safetensors,
    sparse,
    tensor,
    webp,
    with_pipe,
    written,
    zipped,
)

ROOT = Path(__file__).parents[1]
RUNNER = """
import contextlib, io, json, resource, sys
import eval.measuring.comparison, eval.dataset.protocol, eval.sample_files
from cgan.system import cli
from cgan.commands import sample
from cgan.sampling import sampler
from cgan.data import folder, tensorflow_datasets
from eval import __main__ as evaluate
from eval.extractors import inception

MAINS = {"eval": evaluate.main, "sample": sample.main}
tensorflow_datasets._library()
inception.expected_shapes()
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**29,) * 2)
for name, argv in json.load(sys.stdin).items():
    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.argv = argv
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.run(MAINS[argv[0]])
        except SystemExit as stop:
            code = stop.code
        except BaseException as error:
            code = repr(error)
    print(json.dumps([name, code, out.getvalue(), err.getvalue()]))
"""


class Attack(NamedTuple):
    """A hostile file, the command that is to read it, and what is said about it."""

    command: str
    said: str
    make: Callable[[Path], Path]
    """From a path for the file."""


COMPARE = "eval compare {0} {0} --extractor pixels"
REFERENCE = "eval reference folder --extractor pixels --path {0}"
TFDS = "eval reference tfds --extractor pixels --name mine --data-dir {0}"
WEIGHTS = "eval reference digits --extractor inception --weights {0}"
SAMPLE = "sample {0} --out {0}.png"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
"""For which Pillow would start Ghostscript."""
PIXELS, SPARSE = png(60_000, 60_000), "1,099,511,627,776 bytes; at most 134,217,728 are read"
LARGE = png(8_192, 8_192, inflates(64))
BAD_CRC, METHOD = "can't be unpacked (Bad CRC-32", "is neither stored nor deflated"
STATE = "must be a state dict"


def array(header: str, data: bytes = b"") -> Callable[[Path], Path]:
    return lambda path: archive(path, **{"samples.npy": npy(header, data)})


def pickled(objects: list[Any]) -> bytes:
    return pickle.dumps(np.array(objects, dtype=object))


def tensors(header: object, length: int | None = None) -> Callable[[Path], Path]:
    return lambda path: written(path, safetensors(header, bytes(64), length))


ATTACKS: dict[str, Attack] = {
    # Samples to be compared
    "objects.npz": Attack(
        COMPARE,
        "cut short, or holds objects",
        lambda path: array(declared("(1,)", "|O"), pickled([Payload(path)]))(path),
    ),
    "pickle.npz": Attack(
        COMPARE, "not a zip file", lambda path: written(path, pickle.dumps(Payload(path)))
    ),
    "terabyte.npz": Attack(COMPARE, "cut short", array(declared("(1048576, 262144)"))),
    "expression.npz": Attack(COMPARE, "no array", array(declared("(2**20, 2**18)"))),
    "nested.npz": Attack(COMPARE, "no array", array("(" * 9000)),
    "bare.npz": Attack(
        COMPARE, "not a zip file", lambda path: written(path, npy(declared("(1048576, 262144)")))
    ),
    "terabyte.npy": Attack(
        COMPARE, "cut short", lambda path: written(path, npy(declared("(1048576, 262144)")))
    ),
    "statistics.npz": Attack(
        COMPARE,
        "cut short",
        lambda path: archive(
            path,
            **{
                "mu.npy": npy(declared("(1048576,)")),
                "sigma.npy": npy(declared("(1048576, 1048576)")),
            },
        ),
    ),
    "images.zip": Attack(
        COMPARE, "has 134,217,729 bytes", lambda path: bomb(path, IMAGES, 2**27 + 1)
    ),
    "swells.npz": Attack(
        COMPARE, "at most 20 times it", lambda path: bomb(path, ["samples.npy"], 2**30 + 1)
    ),
    "lies.npz": Attack(COMPARE, BAD_CRC, lambda path: bomb(path, ["samples.npy"], 100)),
    "bzip2.npz": Attack(
        COMPARE, METHOD, lambda path: bomb(path, ["samples.npy"], 100, zipfile.ZIP_BZIP2)
    ),
    "pixels": Attack(COMPARE, "is far too large", lambda path: folder(path, PIXELS)),
    "postscript": Attack(
        COMPARE, "is no PNG, JPEG, WebP or BMP image", lambda path: folder(path, EPS)
    ),
    "pipe": Attack(COMPARE, "holds 0 samples", with_pipe),
    "sparse": Attack(COMPARE, SPARSE, sparse),
    # Data sets
    "declares": Attack(REFERENCE, "is far too large", lambda path: folder(path, PIXELS)),
    "inflates": Attack(REFERENCE, "4,194,304 are a sample", lambda path: folder(path, LARGE)),
    "text": Attack(
        REFERENCE,
        "is damaged",
        lambda path: folder(path, png(8, 8, zTXt=b"a\0\0" + inflates(1024))),
    ),
    "profile": Attack(
        REFERENCE,
        "is damaged",
        lambda path: folder(path, png(8, 8, iCCP=b"a\0\0" + inflates(1024))),
    ),
    "canvas": Attack(
        REFERENCE, "is far too large", lambda path: folder(path, webp(16_383, 16_383), "{}.webp")
    ),
    "program": Attack(REFERENCE, "is no PNG, JPEG, WebP or BMP", lambda path: folder(path, EPS)),
    "empty": Attack(REFERENCE, SPARSE, sparse),
    "swells.zip": Attack(
        REFERENCE, "has 134,217,729 bytes", lambda path: bomb(path, IMAGES, 2**27 + 1)
    ),
    "lies.zip": Attack(REFERENCE, BAD_CRC, lambda path: bomb(path, IMAGES, 100)),
    "bzip2.zip": Attack(REFERENCE, METHOD, lambda path: bomb(path, IMAGES, 100, zipfile.ZIP_BZIP2)),
    "damaged.zip": Attack(
        REFERENCE,
        "can't be unpacked (Error -3",
        lambda path: lying(zipped(path, b"\xff" * 99), zipfile.ZIP_DEFLATED, 100),
    ),
    "imports": Attack(
        TFDS,
        "'hostile.Feature'",
        lambda path: features(path, {"pythonClassName": "hostile.Feature"}),
    ),
    "nested": Attack(TFDS, "recursion", lambda path: features(path, '{"a":' * 99_999)),
    # Weights
    "claims.safetensors": Attack(WEIGHTS, STATE, tensors({}, 2**62)),
    "header.safetensors": Attack(WEIGHTS, STATE, tensors({}, 60)),
    "outside.safetensors": Attack(WEIGHTS, STATE, tensors({"a": tensor(0, 2**40)})),
    "overlap.safetensors": Attack(
        WEIGHTS, STATE, tensors({"a": tensor(0, 64), "b": tensor(0, 64)})
    ),
    "nested.safetensors": Attack(WEIGHTS, STATE, tensors(b'{"a":' * 99_999)),
    "lies.pth": Attack(WEIGHTS, BAD_CRC, lambda path: bomb(path, ["a.npy"], 100)),
    "bzip2.pth": Attack(
        WEIGHTS, METHOD, lambda path: bomb(path, ["a.npy"], 100, zipfile.ZIP_BZIP2)
    ),
    # Runs
    "pickled": Attack(
        SAMPLE, "config.json: ", lambda path: configured(path, pickle.dumps(Payload(path)))
    ),
}


def results(asked: dict[str, list[str]], home: Path) -> dict[str, tuple[object, str, str]]:
    """What each command ended with and said, all of them in one process with little memory."""
    (home / "modules").mkdir()
    (home / "modules" / "hostile.py").write_text(f"open({str(home / 'canary')!r}, 'w')")
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(asked),
        cwd=ROOT,
        env=os.environ
        | {"CGAN_CACHE": str(home / "cache"), "PYTHONPATH": str(home / "modules")}
        | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: (code, out, err) for name, code, out, err in lines}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of the hostile files, and what came of each."""
    home = tmp_path_factory.mktemp("hostile")
    asked = {}
    for name, attack in ATTACKS.items():
        made = attack.make(home / name)
        asked[name] = attack.command.format(made).split()
    return home, results(asked, home)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_file_ends_with_one_message_that_names_it(
    name: str, attacked: tuple[Path, dict[str, Any]]
) -> None:
    code, out, err = attacked[1][name]
    assert code == 2, (code, err)
    assert out == ""
    *notes, message = err.splitlines()
    assert all(note.startswith("decoding ") for note in notes)
    assert message.startswith("error: ")
    assert ATTACKS[name].said in message
    assert name in message or (ATTACKS[name].command == TFDS and "data.name = 'mine'" in message)


def test_no_code_in_them_ran_and_nothing_was_left_behind(
    attacked: tuple[Path, dict[str, Any]],
) -> None:
    home, _ = attacked
    assert {path.name for path in home.iterdir()} == {*ATTACKS, "modules", "cache"}
    assert {path.name for path in home.rglob("canary")} == set()
    left = {path.relative_to(home / "cache") for path in (home / "cache").rglob("*")}
    assert {path for path in left if not path.match("*.contents.npz")} == {
        Path("data"),
        Path("data/digits-1.npz"),
    }


def test_the_same_payload_runs_where_it_is_unpickled(tmp_path: Path) -> None:
    made = ATTACKS["objects.npz"].make(tmp_path / "x.npz")
    with np.load(made, allow_pickle=True) as file:
        assert file["samples"].shape == (1,)
    assert (tmp_path / "canary").exists()


NAMES = ["../../{}.png", "/{}.png", "..\\..\\{}.png", "a/../../{}.png", "C:/{}.png", "~/{}.png"]


@pytest.mark.parametrize("name", [*NAMES, "link/{}.png"])
def test_names_in_an_archive_lead_nowhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside `test_data_folder.py`: every way out of a folder, and links."""
    below = tmp_path / "a" / "b" / "c"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.setenv("CGAN_CACHE", str(below / "cache"))
    with zipfile.ZipFile(below / "x.zip", "w") as file:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        file.writestr(link, str(tmp_path))
        for number in range(20):
            file.writestr(name.format(f"escaped{number}"), png(8, 8))
    opened: list[Any] = []
    monkeypatch.setattr(zipfile.ZipFile, "extract", lambda *args: opened.append(args))
    source = load_source(Data("folder", path=below / "x.zip"), "train")
    assert source.sample_shape == (8, 8, 1)
    outside = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    assert outside == {tmp_path / "a", tmp_path / "a" / "b", below, below / "x.zip"}
    assert not opened
    assert not [*Path("/").glob("escaped*"), *Path.home().glob("escaped*")]
    inside = {path.name for path in (below / "cache").rglob("*") if path.is_file()}
    assert inside == {"images.npy", "kept.npy", "skipped.json", "lock"}


def test_links_in_a_folder_show_pixels_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    folder(tmp_path / "set", png(8, 8))
    for target in ("/etc/passwd", "/dev/zero", "/dev/stdin", "missing", "."):
        for number in range(10):  # of which some are trained on
            named = f"{Path(target).name or 'here'}{number}.png"
            (tmp_path / "set" / named).symlink_to(target)
    data = Data("folder", path=tmp_path / "set", unusable="skip")
    assert load_source(data, "train").sample_shape == (8, 8, 1)
    with pytest.raises(ConfigError, match=r"passwd\d.png: is no PNG, JPEG, WebP or BMP image"):
        load_source(Data("folder", path=tmp_path / "set"), "train")


def test_lines_of_a_record_that_are_hostile_are_left_out(tmp_path: Path) -> None:
    lines = ["[" * 99_999, '{"nimg": ' + "9" * 5_000 + "}", '{"nimg": 1}', "\0", "[]"]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    assert read_rows(tmp_path / "metrics.jsonl") == [{"nimg": 1}]


def test_a_set_that_the_disk_has_no_room_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    data = Data("folder", path=folder(tmp_path / "set", png(8, 8)))
    with pytest.raises(ConfigError, match=r"set: takes .* bytes decoded; must be at most the 100"):
        load_source(data, "train")
    assert list((tmp_path / "cache" / "data").iterdir()) == []
