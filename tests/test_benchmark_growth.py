"""The benchmark of growing work: what it keeps, takes as missing, reckons and shows."""

import json

import numpy as np
import pytest

from benchmarks.growth import __main__ as growth
from benchmarks.growth.folders import start, written
from benchmarks.growth.point import Curve, Point, slopes
from cgan.config import ConfigError


def law(size, exponent):
    return Point(size, 0.1 * size**exponent, 3.0 * size)


def curve_of(exponent, calls):
    def measure(sizes, rounds):
        calls.append((tuple(sizes), rounds))
        for size in sizes:
            yield law(size, exponent)

    return Curve("law", "size", "a law", (1, 10, 100), measure)


@pytest.fixture
def law_alone(monkeypatch):
    calls = []
    curve = curve_of(1.5, calls)
    monkeypatch.setattr(growth, "CURVES", (curve,))
    monkeypatch.setattr(growth, "BY_NAME", {curve.name: curve})
    monkeypatch.setattr(growth, "measure_apart", growth.measure_alone)
    return calls


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.5])
def test_exponents_are_those_of_the_law_that_the_points_follow(exponent):
    found = slopes([law(size, exponent) for size in (64, 100, 4_096)], "seconds")
    assert found[0] is None
    assert found[1:] == pytest.approx([exponent] * 2)


def test_after_a_size_of_nothing_there_is_no_exponent():
    assert slopes([Point(0, 1.0, 1.0), Point(4, 2.0, 1.0), Point(16, 4.0, 1.0)], "seconds") == [
        None,
        None,
        pytest.approx(0.5),
    ]


def test_what_was_measured_is_kept_and_not_measured_again(law_alone, tmp_path, capsys):
    growth.main(["--out", str(tmp_path), "--largest", "10", "--rounds", "2"])
    growth.main(["--out", str(tmp_path), "--largest", "10"])
    assert law_alone == [((1, 10), 2)]
    growth.main(["--out", str(tmp_path), "--rounds", "4"])
    assert law_alone[1:] == [((1, 10, 100), 4)]
    assert growth.read(tmp_path) == {"law": [law(size, 1.5) for size in (1, 10, 100)]}
    assert "| 1, 10, 100 | 0.1, 3.2, 1e+02 | 1.50 | 3, 30, 300 | 1.00 |" in capsys.readouterr().out


def test_a_page_and_a_picture_show_it_and_measure_nothing(law_alone, tmp_path):
    rows = [{"curve": "law", **law(size, 1.5)._asdict()} for size in (1, 10)]
    (tmp_path / "growth.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page, picture = tmp_path / "page.md", tmp_path / "picture.png"
    page.write_text("a\n<!-- benchmark growth: begin -->\n<!-- benchmark growth: end -->\nb\n")
    growth.main(["--out", str(tmp_path), "--page", str(page), "--picture", str(picture)])
    assert not law_alone
    assert "**law** (size): a law | 1, 10 |" in page.read_text()
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="that this command has measured into"):
        growth.main(["--out", str(tmp_path / "none"), "--picture", str(picture)])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--curves", "speed"], "curves"),
        (["--rounds", "0"], "rounds"),
        (["--largest", "0"], "largest"),
    ],
)
def test_bad_arguments_are_refused_by_name(given, told, tmp_path, capsys):
    with pytest.raises((ConfigError, SystemExit)) as refused:
        growth.main(["--out", str(tmp_path), *given])
    said = f"{refused.value} {capsys.readouterr().err}"
    assert told in said
    assert not list(tmp_path.iterdir())


def test_a_curve_of_devices_is_measured_by_a_process_that_simulates_them(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(growth.subprocess, "run", lambda *given, **how: ran.append((given, how)))
    arguments = growth.Arguments(tmp_path, rounds=2, largest=4)
    growth.measure_apart(growth.BY_NAME["devices"], arguments)
    ((command,), how) = ran[0]
    assert command[1:] == [
        *("-m", "benchmarks.growth", "--alone", "--out", str(tmp_path), "--curves", "devices"),
        *("--rounds", "2", "--largest", "4"),
    ]
    assert "--xla_force_host_platform_device_count=8" in how["env"]["XLA_FLAGS"].split()


def test_a_folder_is_read_by_a_process_of_its_own_and_known_to_the_next(tmp_path):
    images, cache = written(tmp_path / "images", 30), tmp_path / "cache"
    assert len(list((images / "train").iterdir())) == 30
    for seconds, mib in (start(images, cache) for _ in range(2)):
        assert 0 < seconds < 60
        assert 0 <= mib < 1_000
    (kept,) = cache.rglob("images.npy")
    assert np.load(kept).shape == (30, 16, 16, 3)
