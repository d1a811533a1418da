"""The accelerator's benchmark: parts that fail alone, what is missing, tables, wheels."""

import importlib.util
import json
import os
import subprocess
import sys
import time
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from benchmarks.accelerator import __main__ as command
from benchmarks.accelerator import peaks, results, wheels
from benchmarks.accelerator.part import ENTRIES, ENTRY, NOTE, Column, Part
from benchmarks.accelerator.parts import ONE_DEVICE_SEC, PARTS
from benchmarks.accelerator.supervisor import Session, Worker
from benchmarks.accelerator.table import markdown
from benchmarks.profile_step import by_kind
from cgan.config import ConfigError
from cgan.system.errors import EndedError
from tests.accelerator_parts import ASKED

ROOT = Path(__file__).parents[1]
MACHINE = {
    "device": "NVIDIA H200",
    "devices": 1,
    "cores": 16,
    "tiny": False,
    "jax": "0.11.0",
    "torch": None,
    "python": "3.12.1",
}


def a_part(name: str, *rows: str, devices: int = 1) -> Part:
    columns = (Column("number", "number", "{:.1f}"), Column("other", "other"))
    return Part(
        *(name, f"Part {name}", "Words.", "tests.accelerator_parts", rows, 1.0, "row", columns),
        devices=devices,
    )


def session(book: results.Book, folder: Path, said: list[str], **limits: float) -> Session:
    return Session(book, True, limits, folder / "logs", said.append)


def test_a_part_that_fails_dies_or_hangs_takes_no_other_along_and_is_tried_again(
    tmp_path, monkeypatch
):
    monkeypatch.setenv(ASKED, str(tmp_path / "asked"))
    slow, mixed = a_part("slow", "hangs", "never"), a_part("mixed", "fails", "dies", "good")
    broken, last = a_part("broken", "unprepared", "other"), a_part("last", "good")
    many = a_part("many", "good", devices=2)
    said: list[str] = []
    limits = {"slow": 2.0, "mixed": 100.0, "broken": 100.0, "last": 100.0, "many": 1.0}
    with results.opened(tmp_path) as book:
        session(book, tmp_path, said, **limits).run([slow, mixed, broken, last])
    found = results.read(tmp_path).entries
    assert found["mixed", "fails"].failed == "RESOURCE_EXHAUSTED: too large"
    assert found["mixed", "fails"].facts == {"number": 1.0}, "what was known stays"
    assert "signal SIGKILL" in found["mixed", "dies"].failed
    assert found["mixed", "good"] == ({"number": 2.0, NOTE: "noted"}, True, None)
    assert found["last", "good"].whole
    for row in slow.rows:
        assert found["slow", row].failed == "not done when the part's 2 s were over"
    for row in broken.rows:
        assert found["broken", row].failed == "this part can't be prepared"
    assert "mixed, good: number 2.0; noted" in said
    assert "ValueError: this part can't be prepared" in (tmp_path / "logs/broken.txt").read_text()

    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[-4:] == ["fails dies good", "good", "unprepared other", "good"]
    with results.opened(tmp_path) as book:
        assert book.missing(mixed) == ("fails", "dies")
        book.machine = {**book.machine, "devices": 1, "tiny": False}
        one = Session(book, False, limits, tmp_path / "logs", said.append)
        one.run([last, many])
    assert (tmp_path / "asked").read_text().splitlines() == asked, "nothing is measured twice"
    assert said[-1] == "many: takes 2 devices or more"


def test_a_worker_ends_with_whoever_started_it(tmp_path):
    worker = Worker(a_part("slow", "hangs"), True, tmp_path)
    worker.begin(["hangs"])
    messages = worker.messages(time.monotonic() + 100)
    assert [next(messages) for _ in range(2)][1] == {"begun": "hangs"}
    worker._process.stdin.close()
    assert worker._process.wait(60) == -9
    worker.end()


def entries(*lines: dict) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def a_line(part: str, row: str, facts: dict, whole: bool = True, failed: str | None = None) -> dict:
    return {"part": part, "row": row, "facts": facts, "whole": whole, "failed": failed}


def test_the_last_word_on_a_row_counts_and_a_torn_line_does_not(tmp_path):
    text = entries(
        {"machine": MACHINE},
        a_line("chip", "bfloat16", {"tflops": 1.0}, whole=False),
        a_line("chip", "bfloat16", {"tflops": 2.0}),
        a_line("chip", "float32", {"tflops": 3.0}, whole=False),
        a_line("chip", "float32", {}, False, "out of memory"),
    )
    (tmp_path / results.FILE).write_text(text + '{"part": "chip", "row"')
    book = results.read(tmp_path)
    assert book.entries["chip", "bfloat16"] == ({"tflops": 2.0}, True, None)
    assert book.entries["chip", "float32"] == ({"tflops": 3.0}, False, "out of memory")
    chip = PARTS[0]
    assert book.missing(chip) == ("float32",)
    results.forget(book, [chip])
    assert book.missing(chip) == ("bfloat16", "float32")
    (tmp_path / results.FILE).write_text(text + "1\n")
    with pytest.raises(ConfigError, match="line 6 is not one of results"):
        results.read(tmp_path)


def test_figures_of_two_machines_do_not_stand_in_one_table(tmp_path):
    (tmp_path / results.FILE).write_text(entries({"machine": MACHINE}))
    with results.opened(tmp_path) as book:
        book.meet({**MACHINE, "torch": "2.13.0"})
        assert book.machine["torch"] == "2.13.0"
        with pytest.raises(ConfigError, match="device = 'NVIDIA H200', not 'NVIDIA A100'"):
            book.meet({**MACHINE, "device": "NVIDIA A100"})
        with (
            pytest.raises(ConfigError, match="another process measures into it"),
            results.opened(tmp_path),
        ):
            pass
    with pytest.raises(ConfigError, match="must be without --tiny"):
        command.main(["--out", str(tmp_path), "--tiny"])


def test_tables_say_what_was_measured_what_failed_and_what_is_half_done(tmp_path):
    part = a_part("one", "a", "b", "c", "d")
    listed = [{ENTRY: "dot", "number": 3.0}, {ENTRY: "add", "number": 4.0}]
    book = results.Book(tmp_path / results.FILE, MACHINE)
    for line in (
        a_line("one", "a", {"number": [1.0, 2.0, 3.0], NOTE: "x | y"}),
        a_line("one", "b", {"number": 1.0}, False, "it died"),
        a_line("one", "c", {}, False),
        a_line("one", "d", {ENTRIES: listed}),
    ):
        book.take(line)
    found = markdown([part, a_part("two", "a")], book)
    assert found.splitlines() == [
        "NVIDIA H200, cores: 16, jax 0.11.0, no torch, Python 3.12.1.",
        "",
        "### Part one",
        "",
        "Words.",
        "",
        "| row | number | notes |",
        "|---|---|---|",
        "| a | 2.0 (1.5 to 2.5) | x \\| y |",
        "| b | 1.0 | failed: it died |",
        "| c |  | not measured to the end |",
        "| d | 3.0 |  |",
        "| d | 4.0 |  |",
    ]


def test_a_page_takes_in_what_was_measured_in_full_sizes(tmp_path, capsys):
    page, out = tmp_path / "page.md", tmp_path / "out"
    out.mkdir()
    begin, end = (f"<!-- benchmark accelerator: {side} -->" for side in ("begin", "end"))
    page.write_text(f"above\n{begin}\nold\n{end}\nbelow\n")
    arguments = ["--out", str(out), "--page", str(page)]
    with pytest.raises(ConfigError, match="must be a folder that this command has measured into"):
        command.main(arguments)
    line = a_line("chip", "bfloat16", {"side": 16384, "tflops": 800.0})
    (out / results.FILE).write_text(entries({"machine": {**MACHINE, "tiny": True}}, line))
    with pytest.raises(ConfigError, match="of full sizes"):
        command.main(arguments)
    (out / results.FILE).write_text(entries({"machine": MACHINE}, line))
    command.main(arguments)
    text = page.read_text()
    assert text.startswith(
        f"above\n{begin}\n\nMade by `python -m benchmarks.accelerator --out DIR`"
    )
    assert "| bfloat16 | 16,384 | 800.0 |" in text
    assert text.endswith(f"{end}\nbelow\n")
    page.write_text("nothing\n")
    with pytest.raises(ConfigError, match="must hold the lines"):
        command.main(arguments)


def test_performance_has_a_place_for_the_figures():
    page = (ROOT / "docs" / "performance.md").read_text()
    assert page.count(f"<!-- {command.SECTION}: begin -->") == 1
    assert page.count(f"<!-- {command.SECTION}: end -->") == 1


def test_all_parts_fit_into_eight_minutes_on_one_device():
    assert ONE_DEVICE_SEC == 8 * 60
    assert sum(part.limit_sec for part in PARTS if part.devices == 1) <= ONE_DEVICE_SEC
    assert len({part.name for part in PARTS}) == len(PARTS)
    for part in PARTS:
        assert importlib.util.find_spec(part.module) is not None


def test_the_cheapest_part_is_measured_and_done_once(tmp_path, capsys):
    arguments = ["--out", str(tmp_path), "--tiny", "--parts", "chip", "--minutes", "60"]
    command.main(arguments)
    book = results.read(tmp_path)
    for row in ("bfloat16", "float32"):
        assert book.entries["chip", row].whole
        assert book.entries["chip", row].facts["tflops"] > 0
    assert book.machine["device"] == "cpu"
    assert "the figures mean nothing" in (tmp_path / "table.md").read_text()
    before = (tmp_path / results.FILE).read_text()
    command.main(arguments)
    assert (tmp_path / results.FILE).read_text() == before


def test_a_wrong_argument_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="parts = 'chips': must be one of chip, large"):
        command.main(["--out", str(tmp_path / "new"), "--parts", "chips"])
    with pytest.raises(ConfigError, match="minutes = 0"):
        command.main(["--out", str(tmp_path / "new"), "--minutes", "0"])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("kind", "name", "bfloat16"),
    [
        ("NVIDIA H200", "H200", 989),
        ("NVIDIA H100 80GB HBM3", "H100 SXM", 989),
        ("NVIDIA H100 PCIe", "H100 PCIe", 756),
        ("NVIDIA A100-SXM4-40GB", "A100", 312),
        ("NVIDIA A10G", None, None),
        ("NVIDIA L4", "L4", 121),
        ("NVIDIA L40S", "L40S", 362),
        ("Tesla T4", "T4", None),
        ("TPU v5 lite", "TPU v5e", 197),
        ("TPU v5", "TPU v5p", 459),
        ("TPU v6 lite", "TPU v6e", 918),
        ("cpu", None, None),
    ],
)
def test_a_kind_of_device_has_its_own_published_rate(kind, name, bfloat16):
    peak = peaks.peak_of(kind)
    assert (peak and peak.name) == name
    assert peaks.rate(peak, "bfloat16") == bfloat16


def test_a_profile_of_an_accelerator_counts_the_kernels_of_its_streams_once():
    def named(kind, pid, tid, name):
        return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}

    def event(tid, name, microseconds, **args):
        return {"ph": "X", "pid": 1, "tid": tid, "name": name, "dur": microseconds, "args": args}

    lines = [
        named("process_name", 1, 0, "/device:GPU:0"),
        named("process_name", 2, 0, "/host:CPU"),
        named("thread_name", 1, 13, "Stream #13(Compute)"),
        named("thread_name", 1, 20, "XLA Ops"),
        named("thread_name", 2, 7, "python"),
    ]
    events = [
        event(13, "sm90_gemm", 5.0, hlo_op="custom-call.7"),
        event(13, "void cudnn::wgrad<float, 3>(int)", 4.0),
        event(20, "custom-call.7", 5.0, hlo_op="custom-call.7"),
        {"ph": "X", "pid": 2, "tid": 7, "name": "dispatch", "dur": 99.0, "args": {}},
    ]
    assert by_kind(lines + events) == {"custom-call": (5.0, 1), "cudnn::wgrad": (4.0, 1)}


def test_the_largest_difference_of_losses_is_a_share():
    from benchmarks.accelerator.measures.agreement import apart

    assert apart(np.array([1.0, 2.2]), np.array([1.0, -2.0])) == pytest.approx(2.1)


def test_wheels_are_those_that_the_other_machine_lacks(tmp_path):
    arguments = wheels.Arguments(tmp_path, have=("NumPy",))
    lines = ["numpy>=2", "tyro>=1", "old; python_version < '3.10'", "more; extra == 'dev'"]
    lines += ["here; sys_platform == 'linux'"]
    assert [asked.name for asked in wheels.asked(lines, arguments)] == ["tyro", "here"]
    wheel = tmp_path / "some-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        text = "Metadata-Version: 2.1\nName: some\nRequires-Dist: a>=1\nRequires-Dist: b\n\nWords"
        archive.writestr("some-1.dist-info/METADATA", text)
    assert wheels.needs(wheel) == ["a>=1", "b"]
    with pytest.raises(ConfigError, match="python_version = '2'"):
        wheels.Arguments(tmp_path, "2")


BARRED = """
import sys

class Barred:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Barred())
"""
IMPORTED = """
import importlib
from benchmarks.accelerator import __main__
from benchmarks.accelerator.parts import PARTS
for part in PARTS:
    importlib.import_module(part.module)
"""


def covered() -> set[str]:
    """What the benchmark's requirements name, and what that needs in turn."""
    waiting = [Requirement(line).name for line in wheels.requirements()]
    found: set[str] = set()
    while waiting:
        name = wheels.named(waiting.pop())
        if name not in found:
            found.add(name)
            needed = map(Requirement, metadata.requires(name) or [])
            waiting += [
                each.name
                for each in needed
                if each.marker is None or each.marker.evaluate({"extra": ""})
            ]
    return found


def test_every_part_can_be_imported_where_its_wheels_are_all_that_there_is():
    known = covered() | {"contrastive-gan", "setuptools"}
    barred = [
        name
        for name, packages in metadata.packages_distributions().items()
        if not set(map(wheels.named, packages)) & known
    ]
    assert {"grain", "pytest", "tensorflow_datasets"} <= set(barred)
    text = BARRED.format(names=barred) + IMPORTED
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert not done.returncode, done.stderr


LACKING = ("array_record", "grain", "mlxtend", "orbax", "tensorboardX", "tensorflow_datasets")
"""Packages of the project's that the benchmark does without: a bare machine lacks them."""


@pytest.mark.slow
def test_every_part_runs_in_tiny_sizes(tmp_path, monkeypatch, capsys):
    """All rows but those that take an accelerator's own tools, without packages that may lack."""
    (tmp_path / "sitecustomize.py").write_text(BARRED.format(names=LACKING))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("JAX_NUM_CPU_DEVICES", raising=False)
    monkeypatch.setenv("NPROC", os.environ.get("NPROC", "16"))
    out = tmp_path / "out"
    try:
        command.main(["--out", str(out), "--tiny", "--minutes", "200"])
    except EndedError as error:
        pytest.fail(f"{error}\n{(out / 'table.md').read_text()}")
    found = results.read(out).entries
    assert len(found) == sum(len(part.rows) for part in PARTS)
    for part in PARTS:
        for row in part.rows:
            assert found["devices", "8"].facts == {NOTE: "4 found"}
            keys = set(found[part.name, row].facts)
            assert keys & {NOTE, ENTRIES, *(column.key for column in part.columns)}
    assert found["agreement", "digits"].facts["first_apart"] < 1e-3
    assert found["devices", "4"].facts["apart"] < 1e-3
    assert found["nearest", "10,000 x 2,048"].facts["apart"] < 1e-12
