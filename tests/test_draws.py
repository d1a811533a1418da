"""What is drawn, and from what: with or without replacement, and by whose shares."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

from cgan.assemble import Parts, assemble, assemble_on
from cgan.config import Conditioning, Data, Experiment, Generator
from cgan.data import load_source
from cgan.objectives import draw_offsets
from cgan.probe.probe import STREAM
from cgan.rng import stream_key
from cgan.sampling.pictures import Scatter
from cgan.sampling.runs import Run, asked_labels, draw_samples
from cgan.sampling.sampler import Sampler
from eval import sample_files
from eval.measuring import comparison
from eval.metrics import errors, kernel_distance, manifolds, memorization
from eval.metrics.base import Gathered, Inputs, present
from eval.metrics.inception_score import inception_score
from eval.metrics.modes import BOOTSTRAP_DRAWS, mode_shares, redrawn
from eval.metrics.shares import OFF_MODE_SHARE, true_shares
from eval.sample_files.order import shuffled


def test_half_samples_are_halves_drawn_without_replacement() -> None:
    """And so their spread is the standard error: with it, a third would be seen twice."""
    halves: list[np.ndarray] = []

    def measure(rows: np.ndarray) -> float:
        halves.append(rows)
        return float(rows.mean())

    errors.half_samples(measure, 41, seed=5)
    assert len(halves) == errors.HALVES
    for rows in halves:
        assert len(rows) == 20
        assert (np.diff(rows) > 0).all(), "sorted, and none twice"
        assert rows[0] >= 0
        assert rows[-1] < 41
    assert len({rows.tobytes() for rows in halves}) == errors.HALVES


def test_the_error_from_halves_is_that_of_redrawn_samples() -> None:
    values = np.random.default_rng(0).normal(size=400)
    found = errors.half_samples(lambda rows: float(values[rows].mean()), 400, 0, halves=400)
    assert found is not None
    assert found.value == pytest.approx(values.std(ddof=1) / 20, rel=0.1)


def test_subsets_of_the_kernel_distance_hold_no_row_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[np.ndarray] = []
    monkeypatch.setattr(kernel_distance, "kernel_distance", lambda *sets: met.extend(sets) or 0.0)
    real, fake = np.arange(30.0)[:, None], np.arange(100.0, 140)[:, None]
    kernel_distance.kernel_distance_subsets(real, fake, subsets=4, size=25)
    assert len(met) == 8
    assert all(len(np.unique(rows)) == 25 for rows in met)
    assert len({rows.tobytes() for rows in met}) == 8


def test_halves_of_fakes_behind_the_errors_of_manifolds_do_neither(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[np.ndarray] = []
    count = manifolds.count_and_search

    def spy(real: Any, fake: Any, tests: Any, sets: np.ndarray, likely: int) -> Any:
        seen.append(sets)
        return count(real, fake, tests, sets, likely)

    monkeypatch.setattr(manifolds, "count_and_search", spy)
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(30, 2)), rng.normal(size=(41, 2))
    manifolds.between(fake, real, 0)
    np.testing.assert_array_equal(seen[0].sum(axis=0), 20)
    assert len(np.unique(seen[0], axis=1).T) == seen[0].shape[1]


def test_train_rows_beside_held_out_ones_are_each_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[np.ndarray] = []

    def spy(samples: np.ndarray, train: np.ndarray) -> memorization.NearestTrain:
        searched.append(train)
        return memorization.NearestTrain(np.zeros(len(samples), int), np.ones(len(samples)))

    monkeypatch.setattr(memorization, "nearest_train", spy)
    train, held_out, samples = (
        Gathered(n, features=start + np.arange(float(n))[:, None])
        for n, start in ((50, 0), (60, 1_000), (20, 2_000))
    )
    inputs = Inputs(samples, train, held_out=held_out)
    memorization.NEAREST_TRAIN_RATIO.measure(inputs, 0)
    of_train, of_held_out = searched
    assert len(of_train) == len(of_held_out) == len(np.unique(of_train)) == 30
    assert of_train.max() < 50
    assert set(of_held_out.ravel()) <= set(1_000 + np.arange(60.0))


def test_orders_of_files_and_of_logits_are_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(shuffled(50)) == list(range(50))
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(50, 3))
    assert inception_score(logits, 1, shuffle_seed=3).mean == pytest.approx(
        inception_score(logits, 1).mean, rel=1e-12
    )


def test_halves_of_reals_in_a_comparison_share_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is measured like FAKE, both against the other."""
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    sets = {"real": np.arange(41.0), "fake": np.arange(100.0, 130)}
    for name, rows in sets.items():
        np.savez(tmp_path / f"{name}.npz", rows[:, None])
    samples = [sample_files.open_samples(name, tmp_path / f"{name}.npz") for name in sets]
    pair = comparison.load_pair(*samples)
    gathered, _ = comparison.gather_pair(pair, {}, frozenset({"features"}), seed=0)
    real, matched = gathered["real"], gathered["generated_matched"]
    halves = [set(present(of.features).ravel()) for of in (real.samples, real.reference)]
    assert [len(half) for half in halves] == [20, 20]
    assert halves[0] | halves[1] <= set(sets["real"])
    assert not halves[0] & halves[1]
    assert set(present(matched.reference.features).ravel()) == halves[1]
    assert set(present(gathered["generated"].reference.features).ravel()) == set(sets["real"])


@pytest.mark.parametrize("count", [1, 5, 15, 16])
def test_a_real_meets_no_fake_twice(count: int) -> None:
    drawn = [np.asarray(draw_offsets(jax.random.key(seed), 16, count)) for seed in range(5)]
    for offsets in drawn:
        assert len(np.unique(offsets)) == count
        assert set(offsets) <= set(range(16))


def test_a_bootstrap_draws_as_many_samples_with_replacement() -> None:
    counts = np.array([400, 90, 10, 0])
    draws = redrawn(counts, 0)
    assert draws.shape == (BOOTSTRAP_DRAWS, 4)
    np.testing.assert_array_equal(draws.sum(axis=1), 500)
    spread = np.sqrt(500 * 0.8 * 0.2)
    assert draws[:, 0].std() == pytest.approx(spread, rel=0.35)
    assert not draws[:, 3].any()


UNEVEN = Data("ring8", imbalance=2.0)


@pytest.fixture(scope="module")
def uneven() -> Parts:
    """A conditional run on modes of very different shares."""
    return assemble(
        Experiment(
            Path("unused"),
            UNEVEN,
            conditioning=Conditioning(labels=True, dimensions=2),
            generator=Generator(latent_dim=2, width=4, depth=1),
        )
    )


@pytest.mark.parametrize("stream", ["latents/samples", "latents/snapshot", STREAM])
def test_classes_are_asked_for_by_the_datas_shares(uneven: Parts, stream: str) -> None:
    """Those of what it learnt: neither alike, nor those of the held-out split."""
    shares = uneven.source.class_weights
    assert shares.max() > 20 * shares.min()
    labels = Sampler(uneven).labels(6_000, 1, stream)
    assert labels is not None
    counts = np.bincount(labels, minlength=8)
    assert stats.chisquare(counts, 6_000 * shares).pvalue > 1e-3
    assert stats.chisquare(counts).pvalue < 1e-9


def test_so_are_those_of_a_run_and_its_samples_are_made_for_them(
    uneven: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[np.ndarray] = []
    sampler = Sampler(uneven)

    def generate(params: Any, latents: Any, labels: np.ndarray) -> np.ndarray:
        made.append(labels)
        return np.zeros((len(latents), 2), np.float32)

    monkeypatch.setattr(sampler, "generate", generate)
    run = Run(sampler, {}, 0)
    draw_samples(run, 500, 4)
    np.testing.assert_array_equal(made[0], asked_labels(run, 500, 4))
    monkeypatch.setattr(sampler, "form", Scatter(500))
    sampler.pictured({}, 4, "latents/samples")
    np.testing.assert_array_equal(made[1], made[0])


def test_figures_of_shares_take_the_true_ones(uneven: Parts) -> None:
    """Of the train split's law, not of what was drawn."""
    shares = uneven.source.class_weights
    np.testing.assert_allclose(
        true_shares(uneven.source), [*shares * (1 - OFF_MODE_SHARE), OFF_MODE_SHARE]
    )
    np.testing.assert_allclose(mode_shares(uneven.source), shares * (1 - OFF_MODE_SHARE))
    assert (
        stats.chisquare(np.bincount(uneven.source.labels), len(uneven.source) * shares).pvalue
        > 1e-4
    )


@pytest.mark.parametrize("name", ["ring8", "stacked_digits"])
@pytest.mark.parametrize("imbalance", [0.0, 1.0])
def test_both_splits_follow_one_law_and_are_drawn_apart(name: str, imbalance: float) -> None:
    train, held_out = (
        load_source(Data(name, imbalance=imbalance), split) for split in ("train", "test")
    )
    np.testing.assert_allclose(train.class_weights, held_out.class_weights, rtol=0.06)
    n = min(len(train), len(held_out), 2_000)
    one, other = (of[np.arange(n)] for of in (train, held_out))
    assert np.mean(one.label == other.label) < 0.6
    first = {np.asarray(row).tobytes() for row in one.x}
    assert sum(np.asarray(row).tobytes() in first for row in other.x) < 0.1 * n


def test_streams_of_one_seed_are_apart() -> None:
    """Samples, snapshots and probes do not show the same latents, nor labels drawn as they are."""
    parts = assemble_on(
        Experiment(Path("unused"), Data("ring8"), conditioning=Conditioning(labels=True)),
        load_source(Data("ring8"), "train"),
    )
    sampler = Sampler(parts)
    streams = ("latents/samples", "latents/snapshot", STREAM)
    latents = [np.asarray(sampler.latents(200, 0, stream)) for stream in streams]
    labels = [sampler.labels(200, 0, stream) for stream in streams]
    for first in range(3):
        for other in range(first):
            assert np.abs(latents[first] - latents[other]).min(axis=1).max() > 0.01
            assert np.mean(labels[first] == labels[other]) < 0.4
    keys = {np.asarray(jax.random.key_data(stream_key(0, each))).tobytes() for each in streams}
    assert len(keys) == 3


def test_each_player_of_each_seed_starts_from_a_key_of_its_own(uneven: Parts) -> None:
    drawn_from: list[bytes] = []

    def noted(init: Any) -> Any:
        def call(key: jax.Array) -> Any:
            drawn_from.append(np.asarray(jax.random.key_data(key)).tobytes())
            return init(key)

        return call

    networks = uneven.networks
    networks = networks._replace(
        init_generator=noted(networks.init_generator),
        init_discriminator=noted(networks.init_discriminator),
    )
    for seed in (0, 1, 0):
        uneven._replace(networks=networks).init_state(seed)
    assert len(set(drawn_from)) == 4
    assert drawn_from[:2] == drawn_from[4:]
