"""Views of DNA: the other strand against letters, shifts against slices, and who may have them."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan import augment
from cgan.augment.strands import reverse_complement
from cgan.config import Augment, ConfigError, Data, Discriminator, Experiment, Pretraining
from cgan.kinds import DNA, IMAGE
from tests.dna_files import letters_of, other_strand

ROWS, LENGTH = 512, 12


def sequences() -> jax.Array:
    codes = np.random.default_rng(0).integers(4, size=(ROWS, LENGTH))
    return jnp.eye(4)[codes]


def views(x: jax.Array, **settings: Any) -> np.ndarray:
    config = Augment(policy="reverse_complement", **settings)
    policy = augment.build(config, DNA)
    keys = jax.random.split(jax.random.key(0), len(x))
    return np.asarray(jax.jit(policy)(keys, x, config.probability))


def test_both_axes_flipped_are_the_other_strand_and_twice_is_the_identity() -> None:
    x = sequences()
    turned = reverse_complement(x)
    expected = [other_strand(text) for text in letters_of(np.asarray(x))]
    assert letters_of(np.asarray(turned)) == expected
    np.testing.assert_array_equal(reverse_complement(turned), x)
    np.testing.assert_array_equal(views(x, probability=1.0), turned)


def test_each_strand_is_seen_half_of_the_time_by_keys_of_rows_alone() -> None:
    x = sequences()
    found = views(x, probability=0.5)
    of_other = (found == np.asarray(reverse_complement(x))).all(axis=(1, 2))
    as_it_is = (found == np.asarray(x)).all(axis=(1, 2))
    assert (of_other | as_it_is).all()
    assert 0.42 < of_other.mean() < 0.58
    keys = jax.random.split(jax.random.key(0), ROWS)
    policy = augment.build(Augment(policy="reverse_complement", probability=0.5), DNA)
    np.testing.assert_array_equal(policy(keys[7:8], x[7:8], 0.5), found[7:8])


def test_a_shift_moves_a_sequence_by_every_number_of_places_and_leaves_zeros() -> None:
    x = sequences()
    found, counts = views(x, shift=2), np.zeros(5, int)
    for row, view in zip(np.asarray(x), found, strict=True):
        room = np.pad(row, [(2, 2), (0, 0)])
        fits = [bool((room[at : at + LENGTH] == view).all()) for at in range(5)]
        assert sum(fits) == 1
        counts += fits
    assert counts.min() > 60


def test_a_window_is_a_stretch_from_every_place_with_room_alike() -> None:
    x = sequences()
    found, counts = views(x, window=9), np.zeros(4, int)
    assert found.shape == (ROWS, 9, 4)
    for row, view in zip(np.asarray(x), found, strict=True):
        fits = [bool((row[at : at + 9] == view).all()) for at in range(4)]
        assert any(fits)
        counts += fits
    assert counts.min() > 90
    turned = letters_of(views(x, window=9, probability=1.0))
    both = zip(letters_of(np.asarray(x)), turned, strict=True)
    assert all(text in other_strand(whole) for whole, text in both)
    with pytest.raises(ConfigError, match=r"^augment\.window = 13: must be at most 12, the places"):
        views(x, window=13)


@pytest.mark.parametrize("window", [None, 7])
def test_a_view_is_linear_in_its_sequence(window: int | None) -> None:
    x, other = sequences(), 3 * sequences()[::-1]
    settings: dict[str, Any] = {"probability": 0.5, "shift": 4, "window": window}
    both = views(x + other, **settings)
    np.testing.assert_allclose(both, views(x, **settings) + views(other, **settings), atol=1e-6)


def test_a_shift_of_more_than_a_sequence_is_possible() -> None:
    found = views(sequences(), shift=2 * LENGTH)
    assert found.any(axis=(1, 2)).mean() == pytest.approx(23 / 49, abs=0.1)


def refused(message: str, **settings: Any) -> None:
    with pytest.raises(ConfigError, match=message):
        Augment(policy="reverse_complement", **settings)


def test_idle_and_impossible_settings_are_refused() -> None:
    refused(r"^augment\.probability = 0\.0: must be more than 0 .*, or augment\.shift be set$")
    refused(r"^augment\.shift = -1: must be 0 or more$", shift=-1)
    refused(r"^augment\.window = 0: must be more than 0$", window=0)
    windows = Augment(policy="reverse_complement", window=250)
    conv1d = Discriminator("conv1d")
    with pytest.raises(
        ConfigError, match=r"^augment\.window = 250: must be less than data\.length"
    ):
        Experiment(Path("runs/x"), data=Data("dna"), discriminator=conv1d, augment=windows)
    for kind in (Experiment, Pretraining):
        with pytest.raises(
            ConfigError, match=r"^discriminator\.architecture = 'mlp': must be 'con"
        ):
            kind(Path("runs/x"), data=Data("dna", length=500), augment=windows)
    refused(r"^augment\.color = False", probability=0.5, color=False)
    with pytest.raises(ConfigError, match=r"^augment\.shift = 2: must be 0 with augment\.policy"):
        Augment(shift=2)


def test_it_is_for_dna_alone_and_dna_has_no_other() -> None:
    turning = Augment(policy="reverse_complement", probability=0.5)
    message = r"^augment\.policy = 'reverse_complement': must be 'views' .* samples are images$"
    with pytest.raises(ConfigError, match=message):
        augment.build(turning, IMAGE)
    with pytest.raises(ConfigError, match=message):
        Experiment(workdir=Path("runs/x"), augment=turning)
    for other in (Augment(policy="ada", probability=0.5), Augment(strength=0.5)):
        with pytest.raises(ConfigError, match=r"whose samples are DNA sequences$"):
            Experiment(workdir=Path("runs/x"), data=Data("dna"), augment=other)
