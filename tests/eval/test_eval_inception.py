"""Inception: parity with torch-fidelity on random weights, its resize, and its files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import inception_recipe

from cgan.config import ConfigError
from eval.extractors import inception, resize
from eval.extractors.base import Extractor

RECORDED = np.load(inception_recipe.HERE / "inception_features.npz")
N = 2


@pytest.fixture(scope="module")
def state():
    return inception_recipe.weights()


@pytest.fixture(scope="module")
def loaded(state, tmp_path_factory):
    """On one device, in batches that fit the tests."""
    path = tmp_path_factory.mktemp("weights") / "inception.npz"
    np.savez(path, **state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "local_devices", lambda: jax.devices()[:1])
        yield inception.load(path).with_batch_size(N)


@pytest.fixture(scope="module", params=inception_recipe.CASES)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def read(loaded, case):
    return loaded(inception_recipe.images(case)[:N])


def test_features_are_those_of_torch_fidelity(read, case):
    assert read.features.dtype == np.float32
    expected = RECORDED[f"features_{case}"][:N]
    assert np.ptp(expected, axis=0).mean() > 0.05, "images that all read alike would prove nothing"
    np.testing.assert_allclose(read.features, expected, rtol=1e-3, atol=5e-4)


def test_logits_are_those_of_torch_fidelity_without_the_bias(read, state, case):
    recorded = RECORDED[f"logits_{case}"][:N]
    np.testing.assert_allclose(read.logits + state["fc.bias"], recorded, rtol=1e-3, atol=5e-4)
    assert np.abs(read.logits - recorded).max() > 0.3


def test_the_resize_is_that_of_tensorflow_1(case):
    images = inception_recipe.images(case)[:1]
    weights = resize.square(resize.bilinear_tf1, 299)(*images.shape[1:3])
    resized = np.asarray(resize.resized(weights, jnp.asarray(images)))[0]
    expected = RECORDED[f"resized_{case}"]
    np.testing.assert_allclose(resized[inception_recipe.ROWS], expected, atol=1e-4)


def test_gray_images_are_read_as_rgb_and_batches_do_not_matter(loaded):
    gray = inception_recipe.images("32")[: N + 1, :, :, :1]
    read = loaded(gray)
    assert isinstance(loaded, Extractor)
    assert read.features.shape == (N + 1, 2048)
    assert read.logits.shape == (N + 1, 1008)
    assert read.labels is None
    again = loaded(np.repeat(gray[N:], 3, axis=-1))
    np.testing.assert_allclose(read.features[N:], again.features, rtol=1e-5, atol=1e-5)
    assert np.abs(read.features[0] - read.features[N]).max() > 0.1


def test_refuses_other_channels(loaded):
    with pytest.raises(ConfigError, match="images have 4 channels; must be 1"):
        loaded(np.zeros((1, 8, 8, 4), np.uint8))


def test_expects_the_keys_of_the_published_file():
    assert inception.expected_shapes() == inception_recipe.shapes()


def test_the_fingerprint_follows_the_weights(loaded, state, tmp_path):
    path = tmp_path / "inception.npz"
    changed = state["Mixed_7c.branch_pool.bn.bias"].copy()
    changed[3] += 1e-6
    np.savez(path, **(state | {"Mixed_7c.branch_pool.bn.bias": changed}))
    assert inception.load(path).fingerprint != loaded.fingerprint


def test_folds_batch_norm_in_float64(state, tmp_path):
    layer = "Mixed_6e.branch7x7_2"
    rng = np.random.default_rng(0)
    patch = rng.normal(size=(192, 1, 7))
    params = inception.folded(tmp_path, state)["params"]["Mixed_6e"]["branch7x7_2"]
    kernel, gamma, beta, mean, variance = (
        state[f"{layer}.{name}"].astype(np.float64)
        for name in ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    )
    convolved = (kernel * patch).sum(axis=(1, 2, 3))
    normed = gamma * (convolved - mean) / np.sqrt(variance + 1e-3) + beta
    folded = np.einsum("hwio,ihw->o", params["kernel"], patch) + params["bias"]
    np.testing.assert_allclose(folded, normed, rtol=1e-5, atol=1e-5)


def test_refuses_a_variance_below_zero(state, tmp_path):
    key = "Conv2d_1a_3x3.bn.running_var"
    negative = state | {key: state[key] - 1}
    with pytest.raises(ConfigError, match=rf"{key}' holds -0\.\d+; must be at least 0"):
        inception.folded(tmp_path, negative)


def test_refuses_weights_of_another_network(tmp_path, monkeypatch):
    path = tmp_path / "other.npz"
    np.savez(path, **{"conv1.weight": np.ones((64, 3, 7, 7), np.float32)})
    message = r"other.npz': lacks 'Conv2d_1a_3x3.conv.weight' of shape \(32, 3, 3, 3\)"
    with pytest.raises(ConfigError, match=message):
        inception.load(path)
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match="pytorch-fid/releases/download/fid_weights/pt_inception"):
        inception.load()
