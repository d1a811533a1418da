"""DINOv2: parity with PyTorch on random weights, both layouts of files, and Pillow's resize."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from reference import dinov2_recipe, inception_recipe
from safetensors.numpy import save_file

from cgan.config import ConfigError
from eval.extractors import dinov2, dinov2_keys, resize

RECORDED = np.load(inception_recipe.HERE / "dinov2_features.npz")
PUBLISHED = json.loads((inception_recipe.HERE / "dinov2_keys.json").read_text())


@pytest.fixture(scope="module")
def state():
    return dinov2_recipe.weights()


def hub_layout(state):
    """The same weights as the PyTorch hub's files name them."""
    names = {
        "embeddings.cls_token": "cls_token",
        "embeddings.mask_token": "mask_token",
        "embeddings.position_embeddings": "pos_embed",
        "embeddings.patch_embeddings.projection": "patch_embed.proj",
        "layernorm": "norm",
        "encoder.layer": "blocks",
        "attention.output.dense": "attn.proj",
        "layer_scale1.lambda1": "ls1.gamma",
        "layer_scale2.lambda1": "ls2.gamma",
    }
    out = {}
    for key, array in state.items():
        if "attention.attention" in key:
            continue
        for ours, hub in names.items():
            key = key.replace(ours, hub)
        out[key] = array
    for layer in range(dinov2_recipe.LAYERS):
        for kind in ("weight", "bias"):
            prefix = f"encoder.layer.{layer}.attention.attention"
            parts = [state[f"{prefix}.{name}.{kind}"] for name in ("query", "key", "value")]
            out[f"blocks.{layer}.attn.qkv.{kind}"] = np.concatenate(parts)
    return out


@pytest.fixture(scope="module")
def path(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def loaded(path):
    """On all the simulated devices."""
    return dinov2.load(path).with_batch_size(8)


@pytest.fixture(scope="module")
def read(loaded):
    return loaded(dinov2_recipe.images())


def test_features_are_those_of_the_original_network(read):
    np.testing.assert_allclose(read.features, RECORDED["offset_0.1"], atol=1e-4)
    assert read.features.dtype == np.float32
    assert read.logits is None
    assert np.abs(read.features - RECORDED["size"]).max() > 0.02


def test_without_the_offset_positions_are_resized_to_the_size(loaded, state, monkeypatch):
    monkeypatch.setattr(dinov2, "OFFSET", 0.0)
    params = dinov2.arranged(state, dinov2_recipe.LAYERS)
    squares = dinov2_recipe.images().astype(np.float32)
    features = jax.jit(loaded.apply)(params, squares).features
    np.testing.assert_allclose(features, RECORDED["size"], atol=1e-4)


def test_both_layouts_are_the_same_weights(loaded, state, tmp_path):
    np.savez(tmp_path / "hub.npz", **hub_layout(state))
    from_hub = dinov2.load(tmp_path / "hub.npz")
    assert from_hub.fingerprint == loaded.fingerprint
    jax.tree.map(np.testing.assert_array_equal, from_hub.params, loaded.params)


@pytest.mark.parametrize(("name", "hidden", "layers"), [("base", 768, 12), ("large", 1024, 24)])
def test_expects_the_keys_of_the_published_files(name, hidden, layers):
    published = {key: tuple(shape) for key, shape in PUBLISHED[name]["keys"]}
    assert dinov2_keys.expected_shapes(hidden, layers, hub=False) == published
    numbers = [np.prod(s) for s in dinov2_keys.expected_shapes(hidden, layers, hub=True).values()]
    assert sum(numbers) == PUBLISHED[name]["params"]
    small = {key: np.empty(shape, "V0") for key, shape in published.items()}
    assert dinov2_keys.sizes(small) == (hidden, layers)


@pytest.mark.parametrize(
    ("hub", "key", "message"),
    [
        (False, "layernorm.bias", "lacks 'layernorm.bias'"),
        (True, "norm.bias", "lacks 'norm.bias'"),
        (
            True,
            "blocks.2.attn.qkv.weight",
            r"lacks 'blocks.2.attn.qkv.weight' of shape \(576, 192\)",
        ),
        (False, "embeddings.cls_token", "lacks 'embeddings.cls_token'"),
    ],
)
def test_names_keys_as_the_file_does(state, tmp_path, hub, key, message):
    damaged = hub_layout(state) if hub else dict(state)
    del damaged[key]
    np.savez(tmp_path / "damaged.npz", **damaged)
    with pytest.raises(ConfigError, match=f"damaged.npz': {message}"):
        dinov2.load(tmp_path / "damaged.npz")


def test_refuses_a_network_with_registers_and_a_missing_file(state, tmp_path, monkeypatch):
    registers = state | {"embeddings.register_tokens": np.zeros((1, 4, 192), np.float32)}
    np.savez(tmp_path / "registers.npz", **registers)
    with pytest.raises(ConfigError, match=r"holds 'embeddings.register_tokens' of shape"):
        dinov2.load(tmp_path / "registers.npz")
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match=r"model.safetensors of \S*facebook/dinov2-large"):
        dinov2.load()


@pytest.mark.parametrize("shape", [(32, 32), (64, 48), (1, 1), (1, 9), (300, 517), (224, 100)])
def test_the_resize_is_pillows(loaded, shape):
    images = np.random.default_rng(0).integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    expected = [np.asarray(Image.fromarray(i).resize((224, 224), Image.BICUBIC)) for i in images]
    resized = np.asarray(resize.resized_in_gray_levels(loaded.resize(*shape), jnp.asarray(images)))
    # Pillow's weights are whole multiples of 2^-22: ties may fall to the other side.
    np.testing.assert_allclose(resized, expected, atol=1)
    assert (resized != expected).mean() < 1e-3


def test_cubic_interpolation_keeps_constants_and_one_kernel_keeps_parabolas():
    """Keys (1981): convolution is exact to second order for a = -1/2 only, where all taps lie
    inside."""
    np.testing.assert_allclose(resize.bicubic(37, 16, 16.1 / 37).sum(axis=1), 1, rtol=1e-6)
    positions = (np.arange(224) + 0.5) * 64 / 224 - 0.5
    inside = (positions > 1) & (positions < 62)
    resized = resize.bicubic_antialiased(64, 224) @ np.arange(64.0) ** 2
    np.testing.assert_allclose(resized[inside], positions[inside] ** 2, rtol=1e-5)


def test_any_size_and_number_of_images(loaded, read):
    images = dinov2_recipe.images()
    several = loaded(np.concatenate([images, images, images])).features
    np.testing.assert_allclose(several, np.tile(read.features, (3, 1)), rtol=1e-5, atol=1e-5)
    assert loaded(images[:0]).features.shape == (0, 192)
    assert loaded(np.zeros((2, 1, 3, 1), np.uint8)).features.shape == (2, 192)
