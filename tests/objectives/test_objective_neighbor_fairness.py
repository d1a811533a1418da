"""The neighbour game in the mean: no slope where fakes are as the reals, and where it leads."""

import jax
import numpy as np
import pytest

from benchmarks import neighbor_bias
from benchmarks.neighbor_particles import games, held, moved

TAU = 0.1


def mean_and_error(found, name):
    return neighbor_bias.mean_and_error(found[name])


@pytest.fixture(scope="module")
def slopes():
    """By the batch size: slopes of each loss by the log of the fakes' spread, one a batch."""
    return {
        size: neighbor_bias.slopes(size, draws, dimensions=8, spread=0.25, temperature=TAU, seed=0)
        for size, draws in ((4, 4_096), (32, 2_048))
    }


@pytest.mark.parametrize("size", [4, 32])
def test_without_softplus_both_halves_together_have_no_slope_and_each_alone_has(slopes, size):
    """Exactly, in batches of any size: both densities are means over as many others."""
    mean, error = mean_and_error(slopes[size], "both, no softplus")
    assert abs(mean) < 4 * error
    covering, error = mean_and_error(slopes[size], "covering")
    assert covering > 20 * error  # it narrows the fakes
    realism, error = mean_and_error(slopes[size], "realism")
    assert realism < -20 * error  # it widens them
    assert error < 0.1 * covering


def test_what_softplus_adds_narrows_the_fakes_and_falls_with_the_batch(slopes):
    """Like 1 / batch: from 4 to 32 by 8, here asked to fall by 3."""
    bias = {
        size: neighbor_bias.mean_and_error(neighbor_bias.fairest(found))
        for size, found in slopes.items()
    }
    small, large = bias[4], bias[32]
    assert small[0] > 20 * small[1]
    assert large[0] > 0
    assert large[0] + 3 * large[1] < small[0] / 3
    covering, _ = mean_and_error(slopes[32], "covering")
    assert large[0] < 0.15 * covering


def test_the_slopes_of_both_halves_are_the_sum_of_theirs(slopes):
    found = slopes[4]
    np.testing.assert_allclose(
        found["both"], found["covering"] + found["realism"], rtol=1e-4, atol=1e-5
    )


PARTICLES = games(0.2)
ENDS = {
    "mirrored, softmax": 0,
    "mirrored, softmax and dual": 0,
    "mirrored, pairwise and dual": 0,
    "both halves": 10,
    "both halves, tolerance 2": 10,
    "two-sided coupling": 10,
}


@pytest.mark.parametrize("name", ENDS)
def test_free_particles_find_every_mode_by_the_neighbor_game_and_none_by_the_mirrored_one(name):
    """From one mode, in frozen features, in each of three starts."""
    move = jax.jit(lambda start: moved(PARTICLES[name], start))
    for start in range(3):
        end = held(*move(start))
        assert end.modes == ENDS[name]
        if ENDS[name]:
            assert end.variation < 0.25
        else:
            assert end.variation == pytest.approx(1)
