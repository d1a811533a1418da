"""What a probe measures, against independent ways to it: brute force, prdc, eigenvalues."""

import jax.numpy as jnp
import numpy as np
import pytest
from prdc import compute_prdc
from scipy.spatial.distance import cdist

from cgan.config import Data
from cgan.data import load_source
from cgan.kinds import IMAGE, POINT, SEQUENCE
from cgan.probe.measures import NEIGHBOR, measure, reference
from cgan.probe.space import coordinates, squared_distances
from eval.extractors.points import load

DIGITS = {split: load_source(Data("digits"), split) for split in ("train", "test")}


def rows_of(source, count, start=0):
    stored = source[np.arange(start, start + count)].x
    return np.asarray(coordinates(jnp.asarray(source.encode(np.asarray(stored))), source.kind))


def measured(samples, known):
    found = measure(jnp.asarray(samples, jnp.float32), known)
    return {name: float(value) for name, value in found._asdict().items()}


TRAIN, OTHERS = rows_of(DIGITS["train"], 200), rows_of(DIGITS["train"], 200, 200)
HELD_OUT = rows_of(DIGITS["test"], 150)
KNOWN = reference(DIGITS["train"], TRAIN, HELD_OUT)


def others_nearest(rows):
    distances = cdist(rows, rows)
    np.fill_diagonal(distances, np.inf)
    return distances.min(axis=1)


@pytest.mark.parametrize("dimensions", [2, 64])
def test_distances_are_those_of_float64(dimensions):
    """Far from 0 as well, and between rows that are nearly alike."""
    rng = np.random.default_rng(dimensions)
    a = (3 + rng.normal(size=(40, dimensions))).astype(np.float32)
    b = np.concatenate([a[:20] + np.float32(1e-2), a[20:]])
    expected = cdist(a.astype(np.float64), b.astype(np.float64), "sqeuclidean")
    found = squared_distances(jnp.asarray(a), jnp.asarray(b))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=3e-6 * dimensions)
    assert (np.asarray(found) >= 0).all()


def test_coverage_is_that_of_prdc():
    for samples in (TRAIN, OTHERS, OTHERS * 0.7, np.repeat(OTHERS[:4], 50, axis=0)):
        expected = compute_prdc(HELD_OUT, samples, NEIGHBOR)["coverage"]
        assert measured(samples, KNOWN)["captured"] == pytest.approx(expected, abs=1e-6)


def test_modes_are_those_of_the_evaluation():
    source = load_source(Data("grid25"), "train")
    rng = np.random.default_rng(0)
    few = source.points[source.labels < 11][:300]
    stored = np.concatenate([few, rng.uniform(-5, 5, (100, 2)).astype(np.float32)])
    known = reference(source, rows_of(source, 200), rows_of(source, 100, 200))
    labels = load(source)(stored).labels
    expected = len(set(labels[labels >= 0])) / 25
    assert 11 / 25 <= expected < 1
    captured = measured(source.encode(stored), known)["captured"]
    assert captured == pytest.approx(expected, abs=1e-6)


def test_duplicates_are_half_as_far_as_one_real_in_a_hundred():
    limit = 0.5 * np.quantile(others_nearest(TRAIN), 0.01)
    assert measured(2 * TRAIN, KNOWN)["duplicates"] == 0
    assert measured(0.5 * TRAIN, KNOWN)["duplicates"] == pytest.approx(0.01, abs=0.003)
    for share in (0.0, 0.25, 1.0):
        copied = int(share * len(OTHERS))
        samples = OTHERS.copy()
        samples[:copied] = samples[0] + 1e-3 * samples[:copied]
        expected = (others_nearest(samples) <= limit).mean()
        found = measured(samples, KNOWN)["duplicates"]
        assert found == pytest.approx(expected, abs=1e-6)
        assert found == pytest.approx(share, abs=0.02)


def by_eigenvalues(samples, bandwidth):
    """exp of Renyi's entropy of order 2, from the spectrum of K / n."""
    kernel = np.exp(-cdist(samples, samples, "sqeuclidean") / (2 * bandwidth**2))
    return 1 / (np.linalg.eigvalsh(kernel / len(samples)) ** 2).sum()


def test_the_effective_number_is_that_of_the_kernel_s_spectrum():
    distances = cdist(TRAIN, TRAIN)
    bandwidth = np.median(distances[np.triu_indices(len(TRAIN), 1)]) / 4
    for samples in (TRAIN, 0.5 * OTHERS, np.repeat(OTHERS[:4], 50, axis=0)):
        expected = by_eigenvalues(samples, bandwidth)
        assert measured(samples, KNOWN)["effective"] == pytest.approx(expected, rel=1e-4)


def test_it_counts_samples_that_are_far_from_each_other():
    far = KNOWN._replace(squared_bandwidth=jnp.float32(0.01))
    for count in (1, 5, 200):
        samples = np.repeat(OTHERS[:count], 200 // count, axis=0)
        assert measured(samples, far)["effective"] == pytest.approx(count, rel=1e-3)


def test_a_large_image_is_the_mean_over_its_patches():
    """Of a constant the filter leaves the constant, and a fine pattern averages out."""
    checks = np.indices((64, 64)).sum(axis=0)[None, ..., None] % 2 * 2.0 - 1.0
    ramp = np.linspace(-1, 1, 64, dtype=np.float32)[None, :, None, None] + np.zeros((1, 64, 64, 3))
    assert np.abs(coordinates(jnp.asarray(checks, "float32"), IMAGE)).max() < 0.05
    found = np.asarray(coordinates(jnp.asarray(ramp, "float32"), IMAGE)).reshape(8, 8, 3)
    blocks = ramp.reshape(8, 8, 8, 8, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(found[1:-1], blocks[1:-1], atol=0.01)


def test_images_are_taken_as_their_pixels_are_written():
    """Within [-1, 1]: not all generators end in tanh."""
    images = np.random.default_rng(0).normal(size=(3, 4, 4, 1)).astype(np.float32)
    found = coordinates(jnp.asarray(images), IMAGE)
    assert np.array_equal(found, np.clip(images, -1, 1).reshape(3, 16))


def test_points_sequences_and_small_images_are_taken_as_they_are():
    points = jnp.arange(6.0).reshape(3, 2)
    assert np.array_equal(coordinates(points, POINT), points)
    sequences = jnp.arange(24.0).reshape(2, 3, 4) - 12
    assert np.array_equal(coordinates(sequences, SEQUENCE), sequences.reshape(2, 12))
    images = jnp.linspace(-1, 1, 2 * 5 * 8 * 3).reshape(2, 5, 8, 3)
    assert np.array_equal(coordinates(images, IMAGE), images.reshape(2, -1))
