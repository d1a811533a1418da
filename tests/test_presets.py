"""Each preset on a tiny stand-in for its data, of the same shape, type and labels."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from cgan import networks
from cgan.assemble import assemble
from cgan.training import loop
from configs import CONFIGS
from tests.tfds_sets import prepare

KEY = jax.random.key(0)
OF_TFDS = {
    "cifar10": ((32, 32, 3), 10, ("train", "test")),
    "celeb_a64": ((218, 178, 3), None, ("train", "test")),
    "imagenet32": ((32, 32, 3), 1000, ("train", "validation")),
    "imagenet64": ((64, 64, 3), 1000, ("train", "validation")),
}
"""Shape of an image, number of classes, and splits, as the catalogue has them."""
OF_FOLDERS = {"ffhq64": 64, "ffhq256": 256}
SHAPES = {
    "cifar10": (32, 32, 3),
    "celeb_a64": (64, 64, 3),
    "imagenet32": (32, 32, 3),
    "imagenet64": (64, 64, 3),
    "ffhq64": (64, 64, 3),
    "ffhq256": (256, 256, 3),
}

R3GAN = {f"r3gan_{name}": name for name in OF_TFDS | OF_FOLDERS if f"r3gan_{name}" in CONFIGS}
"""Other networks on the data of another preset."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def noise(n, shape):
    return np.random.default_rng(n).integers(256, size=(n, *shape), dtype=np.uint8)


def stand_in(name, folder):
    """The preset's data settings, pointed at a set of 12 images."""
    data = CONFIGS[name].data
    if name in OF_FOLDERS:
        for number, image in enumerate(noise(60, (300, 280, 3))):
            path = folder / "faces" / f"{number:05d}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(image).save(path)
        return dataclasses.replace(data, path=folder / "faces")
    shape, classes, splits = OF_TFDS[name]
    images = {split: noise(12, shape) for split in splits}
    labels = names = None
    if classes is not None:
        labels = {split: np.arange(12) % classes for split in splits}
        names = [f"class {number}" for number in range(classes)]
    made = prepare(folder, f"stand_in_{name}", images, labels, names or ())
    return dataclasses.replace(data, name=made, data_dir=folder)


def test_every_preset_has_a_stand_in():
    own = {name for name, config in CONFIGS.items() if config.data.source in ("tfds", "folder")}
    own -= set(R3GAN)
    own -= {name for name in own if CONFIGS[name].generator.translates}  # test_translation.py
    assert own == set(OF_TFDS) | set(OF_FOLDERS) == set(SHAPES)


def test_the_presets_of_r3gan_have_the_data_of_the_others():
    assert len(R3GAN) == 5
    for name, other in R3GAN.items():
        assert CONFIGS[name].data == CONFIGS[other].data


def small(name, folder):
    """The preset with few channels, on its stand-in."""
    return dataclasses.replace(
        CONFIGS[name],
        workdir=folder / "run",
        data=stand_in(name, folder),
        generator=dataclasses.replace(CONFIGS[name].generator, width=1, latent_dim=4),
        discriminator=dataclasses.replace(CONFIGS[name].discriminator, width=1),
        batch_size=4,
        total_nimg=4,
        steps_per_dispatch=1,
    )


@pytest.mark.parametrize("name", SHAPES)
def test_a_preset_fits_data_of_its_form(name, tmp_path: Path):
    parts = assemble(small(name, tmp_path))
    assert parts.source.sample_shape == SHAPES[name]
    classes = OF_TFDS[name][1] if name in OF_TFDS else None
    assert len(parts.source.class_names) == (classes or 0)
    state = parts.abstract_state()
    made = jax.eval_shape(
        parts.networks.generate, state.generator, jax.ShapeDtypeStruct((2, 4), np.float32)
    )
    assert made.shape == (2, *SHAPES[name])


OF_MNIST = {"mnist": 1, "stacked_mnist": 3, "stacked_mnist_starved": 3, "stacked_mnist_mlp": 3}
"""Channels of the presets of MNIST's digits."""


@pytest.mark.parametrize("name", OF_MNIST)
def test_a_preset_of_mnist_fits_its_digits(name):
    config, shape = CONFIGS[name], (28, 28, OF_MNIST[name])
    pair = networks.build(config, shape)
    latents = jax.ShapeDtypeStruct((2, config.generator.latent_dim), np.float32)
    params = jax.eval_shape(pair.init_generator, KEY)
    made = jax.eval_shape(pair.generate, params, latents)
    assert made.shape == (2, *shape)
    variables = jax.eval_shape(pair.init_discriminator, KEY)
    assert jax.eval_shape(pair.discriminate, *variables, made).score.shape == (2,)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_a_preset_trains(name, tmp_path: Path):
    config = small(name, tmp_path)
    state = loop.train(config, jax.devices()[:1])
    assert int(state.step) == 1
    with Image.open(config.workdir / "samples" / "0000000004.png") as picture:
        assert picture.mode == "RGB"
        assert min(picture.size) > 8 * SHAPES[name][0]


@pytest.mark.slow
def test_a_preset_of_r3gan_trains(tmp_path: Path):
    config, few = CONFIGS["r3gan_cifar10"], {"width": 4, "max_width": 4, "group_size": 4}
    config = dataclasses.replace(
        small("cifar10", tmp_path),
        conditioning=config.conditioning,
        generator=dataclasses.replace(config.generator, **few),
        discriminator=dataclasses.replace(config.discriminator, **few),
    )
    assert int(loop.train(config, jax.devices()[:1]).step) == 1
