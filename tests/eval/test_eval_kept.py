"""A second evaluation reads features from the cache: the same records, and no sample drawn."""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import pytest

from cgan.assemble import assemble
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sampling.runs import load_run
from cgan.sampling.sampler import Sampler
from configs import CONFIGS
from eval import __main__ as program
from eval.files.fingerprint import of_code
from eval.measuring.runs import key_of

N = 120


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of points with two checkpoints, whose weights differ."""
    root = tmp_path_factory.mktemp("runs") / "ring8"
    config = dataclasses.replace(CONFIGS["ring8"], workdir=root)
    parts = assemble(config)
    Workdir(root).create(config)
    with Checkpoints(root / "checkpoints") as checkpoints:
        for nimg in (config.batch_size, 2 * config.batch_size):
            checkpoints.save(nimg, parts.init_state(seed=nimg))
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, cache: Path) -> list[int]:
    """The number of samples of each chunk that was drawn."""
    counts: list[int] = []
    made = Sampler._decoded

    def decoded(self, params, asked, chunk):
        counts.append(len(asked.latents))
        return made(self, params, asked, chunk)

    monkeypatch.setenv("CGAN_CACHE", str(cache))
    monkeypatch.setattr(Sampler, "_decoded", decoded)
    return counts


def records(root: Path, out: Path, *more: str) -> list[dict]:
    program.main([str(root), "--n", str(N), "--out", str(out), *more])
    lines = (out / "eval.jsonl").read_text().splitlines()
    (out / "eval.jsonl").unlink()
    return [json.loads(line) for line in lines]


def features(cache: Path) -> set[Path]:
    return set(cache.glob("features-ring8-points-*.npz"))


def test_the_second_time_nothing_is_drawn(root, cache, drawn, tmp_path, capsys):
    first = records(root, tmp_path)
    assert sum(drawn) == N
    assert len(features(cache)) == 3, "of generated samples, of real ones, of noise"
    drawn.clear()
    printed = capsys.readouterr().out
    assert records(root, tmp_path) == first
    assert not drawn
    assert capsys.readouterr().out == printed
    assert {row["samples"] for row in first} == {"generated", "real", "noise"}


def test_other_samples_are_drawn_anew(root, cache, drawn, tmp_path):
    records(root, tmp_path)
    drawn.clear()
    for more in (["--seed", "1"], ["--checkpoint", str(CONFIGS["ring8"].batch_size)]):
        records(root, tmp_path, *more)
        assert sum(drawn) == N
        drawn.clear()
    records(root, tmp_path, "--metrics", "modes_captured_at_1")
    assert sum(drawn) == N, "less is kept for a metric that needs less"


def test_a_damaged_file_is_found_and_made_again(root, cache, drawn, tmp_path, capsys):
    first = records(root, tmp_path)
    drawn.clear()
    for path in features(cache):
        with np.load(path) as archive:
            arrays = dict(archive)
        if "features" in arrays:
            arrays["features"][3] = np.nan
            np.savez(path, **arrays)
    assert records(root, tmp_path) == first
    assert sum(drawn) == N
    assert "building it anew" in capsys.readouterr().err
    drawn.clear()
    for path in features(cache):
        path.write_bytes(path.read_bytes()[:-500])
    assert records(root, tmp_path) == first
    assert sum(drawn) == N


def test_weights_settings_number_seed_and_code_change_the_key(root, monkeypatch):
    run = load_run(root)
    key = key_of(run, N, 0)
    assert key == key_of(load_run(root), N, 0)
    heavier = jax.tree.map(lambda leaf: leaf * 1.001, run.params)
    config = dataclasses.replace(run.config, batch_size=2 * run.config.batch_size)
    parts = run.sampler.parts
    others = [
        key_of(run._replace(params=heavier), N, 0),
        key_of(run._replace(sampler=Sampler(parts._replace(config=config))), N, 0),
        key_of(run, N + 1, 0),
        key_of(run, N, 1),
    ]
    monkeypatch.setattr("eval.measuring.runs.of_code", lambda folder: f"another {folder}")
    others.append(key_of(run, N, 0))
    assert len({key, *others}) == 1 + len(others)


def test_the_code_of_a_package_is_that_of_all_its_files(tmp_path):
    (tmp_path / "room").mkdir()
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "room" / "part.py").write_text("x = 1")
    seen = [of_code.__wrapped__(tmp_path)]
    (tmp_path / "room" / "part.py").write_text("x = 2")
    seen.append(of_code.__wrapped__(tmp_path))
    (tmp_path / "room" / "part.py").rename(tmp_path / "part.py")
    seen.append(of_code.__wrapped__(tmp_path))
    assert len(set(seen)) == 3
