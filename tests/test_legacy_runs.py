"""Runs made before the redesign: they are sampled, evaluated and trained on as if nothing were new.

What is expected was made by the old code itself: see `tests/legacy/README.md`.
"""

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from cgan.run_folder.workdir import Workdir
from cgan.sampling.runs import draw_samples, load_run
from cgan.training import loop
from eval.commands import run as evaluate

ARCHIVES = sorted((Path(__file__).parent / "legacy").glob("*.zip"))
PER_MACHINE = {"images_per_sec", "input_stall"}
RESUMED_FAST = {"ring8"}


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.stem)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with `run` and `expected`."""
    return unpacked(request.param, tmp_path)


def unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as old:
        old.extractall(folder)
    return folder


def expected_samples(folder: Path, nimg: int) -> np.ndarray:
    with np.load(folder / "expected" / f"samples_{nimg}.npz") as file:
        return file["samples"]


def assert_same_samples(found: np.ndarray, expected: np.ndarray) -> None:
    """To rounding: of float32 on other machines, and then to pixels."""
    assert found.dtype == expected.dtype
    if found.dtype == np.uint8:
        assert np.abs(found.astype(int) - expected.astype(int)).max() <= 2
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def resumed(folder: Path) -> None:
    """Trained on from 160 to 320 images, on one device as before."""
    root = folder / "run"
    config = dataclasses.replace(Workdir(root).read_config(), workdir=root, total_nimg=320)
    loop.train(config, jax.devices()[:1])


def assert_resumed_as_before(folder: Path) -> None:
    resumed(folder)
    found, expected = (rows(folder / name / "metrics.jsonl") for name in ("run", "expected"))
    assert len(found) == len(expected) > 5
    for row, other in zip(found, expected, strict=True):
        assert row.keys() == other.keys()
        for name in row.keys() - PER_MACHINE:
            assert row[name] == pytest.approx(other[name], rel=1e-3, abs=1e-4), (row["nimg"], name)
    samples = draw_samples(load_run(folder / "run"), 24, seed=1)
    assert_same_samples(samples, expected_samples(folder, 320))


def test_every_architecture_has_an_old_run() -> None:
    names = {path.stem for path in ARCHIVES}
    assert names >= {"conv", "mlp", "r3gan", "ring8", "sngan", "stylegan2"}


def test_an_old_checkpoint_makes_the_samples_that_it_made(run: Path) -> None:
    assert_same_samples(draw_samples(load_run(run / "run"), 24, seed=1), expected_samples(run, 160))


@pytest.mark.parametrize("name", sorted(RESUMED_FAST))
def test_an_old_run_goes_on_as_it_went_on(name: str, tmp_path: Path) -> None:
    archive = next(path for path in ARCHIVES if path.stem == name)
    assert_resumed_as_before(unpacked(archive, tmp_path))


@pytest.mark.slow
def test_each_old_run_goes_on_as_it_went_on(run: Path) -> None:
    assert_resumed_as_before(run)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ring8", []),
        ("conv", ["--extractor", "pixels"]),
    ],
)
def test_an_old_run_is_evaluated_to_the_figures_of_before(
    name: str, options: list[str], tmp_path: Path
) -> None:
    archive = next(path for path in ARCHIVES if path.stem == name)
    folder = unpacked(archive, tmp_path)
    expected = rows(folder / "expected" / "eval.jsonl")
    metrics = list(dict.fromkeys(row["metric"] for row in expected))
    evaluate.main([str(folder / "run"), "--n", "500", *options, "--metrics", *metrics])
    found = rows(folder / "run" / "eval.jsonl")
    assert [(row["metric"], row["samples"]) for row in found] == [
        (row["metric"], row["samples"]) for row in expected
    ]
    for row, other in zip(found, expected, strict=True):
        assert row.keys() == other.keys()
        assert row["value"] == pytest.approx(other["value"], rel=1e-2, abs=1e-2), row["metric"]
