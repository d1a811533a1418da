"""Simulated MoS2: atoms against counting, pictures against rolls, classes against draws."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy.special import xlogy

from cgan.config import (
    Augment,
    ConfigError,
    Data,
    Descent,
    Discriminator,
    Experiment,
    Generator,
    Penalty,
    Pretraining,
)
from cgan.data import crystal, load_source
from cgan.data.abilities import classifying
from cgan.data.crystal import CLASS_NAMES, HEIGHT, LATTICE, SITES, WIDTH
from cgan.data.lattice import GAIN, simulate
from cgan.training.loop import train
from configs import CONFIGS, PRETRAININGS
from eval.dataset.protocol import load_evaluation, protocol_of
from eval.extractors.coordinates import load_own

FORMULAS = {
    "none": "Mo16S32",
    "S vacancy": "Mo16S31",
    "double S vacancy": "Mo16S30",
    "Mo vacancy": "Mo15S32",
    "Se for S": "Mo16S31Se",
}


@pytest.fixture(autouse=True, scope="module")
def _has_ase() -> None:
    pytest.importorskip("ase")


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return crystal.expected_pictures()


@pytest.mark.parametrize("site", [(0, 0), (3, 1)])
@pytest.mark.parametrize("name", CLASS_NAMES)
def test_a_defect_takes_the_atoms_that_its_name_says(name: str, site: tuple[int, int]) -> None:
    whole = crystal.monolayer()
    atoms = crystal.with_defect(whole, name, site)
    assert atoms.get_chemical_formula() == FORMULAS[name]
    assert whole.get_chemical_formula() == FORMULAS["none"]


def test_pixels_are_square_to_one_percent_and_cells_are_whole_pixels() -> None:
    cell = np.diag(np.asarray(crystal.monolayer().cell))
    assert cell[0] / WIDTH * 8 == pytest.approx(crystal.CONSTANT)
    assert cell[1] / HEIGHT * 14 == pytest.approx(np.sqrt(3) * crystal.CONSTANT)
    assert (cell[1] / HEIGHT) / (cell[0] / WIDTH) == pytest.approx(1, abs=0.011)
    assert abs(np.linalg.det(np.array(LATTICE))) == pytest.approx(HEIGHT * WIDTH / len(SITES))


def test_a_picture_moved_by_lattice_vectors_is_that_of_a_defect_elsewhere(
    expected: np.ndarray,
) -> None:
    for number, site in enumerate(SITES):
        shift = tuple(np.array(site) @ np.array(LATTICE))
        rolled = np.roll(expected[:, 0], shift, (1, 2))
        np.testing.assert_allclose(rolled, expected[:, number], rtol=1e-9)
    for shift in [(1, 0), (0, 4), (7, 0)]:
        moved = np.roll(expected[0, 0], shift, (0, 1))
        assert np.abs(moved - expected[0, 0]).max() > 10


def test_columns_are_as_bright_as_their_atoms(expected: np.ndarray) -> None:
    """Sums of what a defect takes away: an atom's `Z^1.7` times the area of the probe."""
    area = 2 * np.pi * crystal.PROBE**2 * crystal.ELECTRONS
    missing = (expected[0, 0] - expected[:, 0]).sum(axis=(1, 2)) / area
    sulfur, selenium = (16 / 42) ** 1.7, (34 / 42) ** 1.7
    found = [0, sulfur, 2 * sulfur, 1, sulfur - selenium]
    np.testing.assert_allclose(missing, found, rtol=1e-6, atol=1e-9)


def test_pictures_are_poisson_around_what_is_expected(expected: np.ndarray) -> None:
    source = simulate("test")
    electrons = source.images[..., 0] / GAIN
    rates = expected[source.labels, source.sites]
    standard = (electrons - rates) / np.sqrt(rates)
    assert abs(standard.mean()) < 0.01
    assert standard.std() == pytest.approx(1, abs=0.01)
    assert source.images.dtype == np.uint8
    assert (source.images == 255).mean() < 1e-5
    np.testing.assert_allclose(np.bincount(source.labels) / len(source), 1 / 5, atol=0.03)
    assert set(source.sites.tolist()) == set(range(len(SITES)))


def test_classes_are_read_from_pictures_wherever_the_defect_is_and_noise_has_none() -> None:
    source = simulate("test")
    rule = classifying(source)
    assert rule is not None
    x, labels = source[np.arange(1_000)]
    assert np.mean(rule.classify(x) == labels) > 0.99
    moved = np.roll(x, LATTICE[0], (1, 2))
    np.testing.assert_array_equal(rule.classify(moved), rule.classify(x))
    rng = np.random.default_rng(0)
    others = [rng.integers(256, size=x.shape).astype(np.uint8), np.roll(x, (3, 2), (1, 2))]
    for other in [*others, np.zeros_like(x), np.full_like(x, 60)]:
        np.testing.assert_array_equal(rule.classify(other), -1)


def test_features_are_standard_deviations_from_what_a_picture_should_be(
    expected: np.ndarray,
) -> None:
    """Of no defect, by the statistics of Poisson's law written plainly for one known site."""
    source = simulate("test")
    x, labels = source[np.arange(2_000)]
    found = source.features(x)
    electrons, rates = x[..., 0] / GAIN, expected[labels, source.sites[:2_000]]
    deviance = 2 * (xlogy(electrons, electrons / rates) - electrons + rates).mean(axis=(1, 2))
    plainly = (deviance - 1) * np.sqrt(HEIGHT * WIDTH / 2)  # of the picture that it was drawn from
    assert found[:, 0].mean() == pytest.approx(plainly.mean(), abs=0.1)
    assert np.median(np.abs(found[:, 0] - plainly)) < 1e-6
    assert found[:, 0].std() == pytest.approx(1, abs=0.15)
    for number, name in enumerate(CLASS_NAMES[1:], start=1):
        of_class = found[labels == number]
        assert (of_class[:, number] > 0).mean() > 0.99, name
        assert (found[labels == 0][:, number] < 0).mean() > 0.99, name
        none, with_defect = expected[0, 0], expected[number, 0]
        twice = 2 * (with_defect * np.log(with_defect / none) - with_defect + none).sum()
        assert of_class[:, number].mean() == pytest.approx(np.sqrt(twice), rel=0.1), name
    assert source.features(np.zeros_like(x[:5]))[:, 0].min() > 50
    assert protocol_of(source).extractor == "own"


def test_features_are_known_by_what_they_are_whatever_a_machine_rounds() -> None:
    source = simulate("test")
    known = load_own(source, source)
    assert known.comparing is source
    features, rng = source.features(known.held_out), np.random.default_rng(0)

    class Other:
        def __init__(self, scale: float, noise: float) -> None:
            self.scale, self.noise = scale, noise

        def features(self, stored: Any) -> np.ndarray:
            return self.scale * features + self.noise * rng.normal(size=features.shape)

    def fingerprint(scale: float, noise: float) -> str:
        return dataclasses.replace(known, comparing=Other(scale, noise)).fingerprint

    assert fingerprint(1.0, 1e-6) == known.fingerprint
    assert len({known.fingerprint, fingerprint(1.1, 0.0), fingerprint(1.0, 1.0)}) == 3


def test_shares_are_those_asked_for_and_are_part_of_the_name() -> None:
    source = load_source(CONFIGS["lattice"].data, "train")
    np.testing.assert_allclose(source.class_weights, [0.6, 0.2, 0.1, 0.07, 0.03])
    found = np.bincount(source[np.arange(len(source))].label) / len(source)
    np.testing.assert_allclose(found, source.class_weights, atol=0.015)
    assert source.name == "lattice_60_20_10_7_3"
    assert protocol_of(source).labeller == "own"


def test_splits_are_the_same_each_time_and_others(expected: np.ndarray) -> None:
    once, again, other = simulate("test"), simulate("test"), simulate("train")
    np.testing.assert_array_equal(once.images, again.images)
    known = {each.content().ordered for each in (once, again, other, simulate("test", [1.0] * 5))}
    assert len(known) == 2
    few = load_source(Data("lattice", limit=10), "train")
    np.testing.assert_array_equal(np.bincount(few[np.arange(10)].label), [2] * 5)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({"shares": (1.0, 1.0, 1.0, 1.0, 0.0)}, r"data\.shares = .*more than 0"),
    "windows": ({"shares": (1.0,) * 5, "path": Path("x.dm3")}, r"data\.shares.*have no class"),
    "few": ({"shares": (1.0,) * 5, "limit": 10}, r"data\.shares = .*data\.limit = 10"),
    "digits": ({"shares": (1.0,) * 5, "source": "digits"}, r"data\.shares.*'digits'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_shares_that_mean_nothing_are_refused(name: str) -> None:
    settings, message = REFUSED[name]
    with pytest.raises(ConfigError, match=message):
        Data(**{"source": "lattice", **settings})


def test_without_ase_one_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ase.build", None)
    with pytest.raises(ConfigError, match=r"^data\.source = 'lattice': .*pip install ase\).*dm3"):
        crystal.monolayer()


def test_a_gan_learns_them_goes_on_from_a_pretraining_and_is_evaluated(tmp_path: Path) -> None:
    lengths = dict.fromkeys(
        ("total_nimg", "log_nimg", "snapshot_nimg", "checkpoint_nimg", "probe_nimg"), 32
    )
    discriminator = Discriminator("mlp", width=4, depth=1, cells=(7, 4, 0, 8))
    generator = Generator("conv", latent_dim=8, width=4, depth=2)
    views = Augment(policy="symmetry")
    pretrained = Pretraining(
        workdir=tmp_path / "pretrain",
        data=Data("lattice"),
        generator=generator,
        discriminator=discriminator,
        augment=views,
        optim=Descent(),
        batch_size=16,
        **lengths,
    )
    train(pretrained, jax.devices()[:1])
    config = Experiment(
        workdir=tmp_path / "run",
        data=Data("lattice", shares=(60.0, 20.0, 10.0, 7.0, 3.0)),
        generator=generator,
        discriminator=discriminator,
        augment=views,
        penalty=Penalty(r1=0.1),
        init_from=pretrained.workdir,
        batch_size=16,
        **lengths,
    )
    state = train(config, jax.devices()[:1])
    assert int(state.step) == 2


def test_presets_are_of_the_lattice_and_fit_together() -> None:
    gan, pretraining = CONFIGS["lattice"], PRETRAININGS["pretrain_lattice"]
    down, right = LATTICE
    assert gan.augment.vectors == pretraining.augment.vectors == (*down, *right)
    assert pretraining.discriminator.cells == pretraining.augment.vectors
    assert pretraining.augment.shot_noise == GAIN  # so that two views share no electrons


@pytest.mark.slow
def test_evaluation_counts_defects_of_reals(expected: np.ndarray) -> None:
    evaluation = load_evaluation(Data("lattice"))
    assert evaluation.confusion is not None
    counts = evaluation.confusion.counts
    assert np.diag(counts).sum() > 0.99 * counts.sum()
