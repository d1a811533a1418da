"""Figures of learnt distances: by SciPy and NumPy, on groups of pairs counted by hand."""

import numpy as np
import pytest
from scipy import stats

from eval.graded.measure import Asked, figures, spaced_shares, squared_distances

RNG = np.random.default_rng(0)
N, HELD_OUT = 9, 4


def asked() -> Asked:
    known = np.abs(RNG.normal(size=(N, N)))
    known = (known + known.T) * (1 - np.eye(N))
    names = [f"protein {n}" for n in range(N)]
    return Asked(np.zeros((N, 1)), names, np.arange(N) >= N - HELD_OUT, known)


def test_figures_are_those_of_pairs_scaled_on_trained_ones() -> None:
    of = asked()
    learnt = np.sqrt(of.distances) * 7
    found = figures(of, learnt)
    trained = [(i, j) for i in range(N - HELD_OUT) for j in range(i)]
    both = [(i, j) for i in range(N - HELD_OUT, N) for j in range(N - HELD_OUT, i)]
    one = [(i, j) for i in range(N) for j in range(i) if i >= N - HELD_OUT]
    x, y = (np.array([table[pair] for pair in trained]) for table in (learnt, of.distances))
    scale = np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]
    for group, pairs in (("trained", trained), ("one held out", one), ("both held out", both)):
        x, y = (np.array([table[pair] for pair in pairs]) for table in (learnt, of.distances))
        assert found[group].pairs == len(pairs)
        assert found[group].spearman == pytest.approx(stats.spearmanr(x, y)[0])
        error = np.sqrt(np.mean((scale * x - y) ** 2)) / np.std(y)
        assert found[group].relative_rmse == pytest.approx(error)


def test_the_known_distance_itself_is_perfect_in_any_unit() -> None:
    of = asked()
    for group in figures(of, 3 * of.distances).values():
        assert group.spearman == pytest.approx(1)
        assert group.relative_rmse == pytest.approx(0, abs=1e-9)


def test_squared_distances_are_those_of_pairs() -> None:
    rows = RNG.normal(size=(5, 3)).astype(np.float32)
    expected = np.square(rows[:, None] - rows).sum(axis=-1)
    np.testing.assert_allclose(squared_distances(rows), expected, atol=1e-6)


def test_spaced_pairs_are_counted_by_hand() -> None:
    """Of A C A none: at one place AC and CA, at two places AA."""
    stored = np.eye(21)[[[0, 1, 0, 20]]]
    found = spaced_shares(stored, 2).reshape(2, 20, 20)
    assert found[0, 0, 1] == found[0, 1, 0] == 0.5
    assert found[1, 0, 0] == 1
    assert found.sum() == 2
