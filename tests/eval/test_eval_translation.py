"""Translations as they are measured: beside what was given, and by whether its class is kept."""

import dataclasses

import numpy as np
import pytest

from cgan.assemble import Parts, assemble
from cgan.config import Data, Discriminator, Generator, Translation
from cgan.data import load_source
from cgan.sampling.runs import STREAM, Run
from cgan.sampling.sampler import Sampler
from configs import CONFIGS
from eval.dataset.given import LEAST_SD, classes_given, given_chunks, moved_chunks
from eval.dataset.protocol import has_classes, protocol_of
from eval.measuring.runs import subject_of
from eval.measuring.value import value_of
from eval.metrics.base import Gathered, Inputs
from eval.metrics.content import CONTENT_KEPT
from eval.study.studies import STUDIES

CONFIG = CONFIGS["translate_digits"]
N = 300


@pytest.fixture(scope="module")
def parts() -> Parts:
    return assemble(CONFIG)


def test_content_kept_is_the_share_read_as_what_was_given() -> None:
    digits = load_source(Data("digits"), "train")
    asked, read = np.array([0, 1, 2, 3]), np.array([0, 1, 5, -1])
    found = Gathered(4, labels=read, asked=asked)
    value = value_of(CONTENT_KEPT, Inputs(found, found, digits), 0)
    assert value.value == 0.5
    assert value.details["by_class"]["2"] == 0.0
    alone = dataclasses.replace(found, asked=None)
    assert value_of(CONTENT_KEPT, Inputs(alone, alone, digits), 0).value is None


def test_the_baseline_has_the_targets_mean_and_deviation_of_each_pixel(parts: Parts) -> None:
    assert parts.given is not None
    here = parts.given.train[np.arange(len(parts.given.train))].x.astype(np.float64)
    there = parts.source[np.arange(len(parts.source))].x.astype(np.float64)
    given = np.concatenate([*given_chunks(parts.given, N, 3, STREAM)])
    scaled = (given - here.mean(0)) / np.maximum(here.std(0), LEAST_SD)
    expected = np.clip(scaled * there.std(0) + there.mean(0), 0, 255)
    moved = np.concatenate([*moved_chunks(parts.given, parts.source, N, 3, STREAM)])
    assert moved.dtype == np.uint8
    np.testing.assert_allclose(moved, expected, atol=0.5 + 1e-6)


def test_a_translator_is_measured_beside_what_it_was_given(parts: Parts) -> None:
    run = Run(Sampler(parts), {}, 0)
    subject = subject_of(run, N, 3)
    assert parts.given is not None
    assert [*subject.beside] == ["given", "moved"]
    given = np.concatenate([*subject.beside["given"]()])
    latents = run.sampler.latents(N, 3, STREAM)
    np.testing.assert_array_equal(given, parts.source.decode(np.asarray(latents)))
    held_out = load_source(Data("digits"), "test")
    rows = parts.given.rows(np.arange(N), 3, STREAM)
    np.testing.assert_array_equal(subject.asked, held_out[rows].label)


@pytest.mark.parametrize("names", [("0", "1"), ()])
def test_content_is_left_out_where_classes_are_not_the_targets(
    parts: Parts, names: tuple[str, ...]
) -> None:
    assert parts.given is not None
    assert classes_given(parts.given, parts.source)
    other = dataclasses.replace(parts.given, data=parts.given.data)
    other.__dict__["held_out"] = dataclasses.replace(parts.given.held_out, class_names=names)
    assert not classes_given(other, parts.source)
    plain = assemble(CONFIGS["digits"])
    assert not subject_of(Run(Sampler(plain), {}, 0), N, 3).beside


def test_a_set_that_is_all_of_one_class_has_none() -> None:
    digits = load_source(Data("digits"), "train")
    assert has_classes(digits)
    of_one = dataclasses.replace(digits, labels=np.ones_like(digits.labels))
    assert not has_classes(of_one)
    assert protocol_of(of_one).labeller is None


def test_the_study_pretrains_the_discriminator_that_its_runs_have() -> None:
    study = STUDIES["translate"]
    variant = study.variants["weight 1, jigsaw pretext of D"]
    config = study.experiment("digits_50", "weight 1, jigsaw pretext of D", None)
    assert variant.donor is not None
    donor = study.donor("digits_50", "weight 1, jigsaw pretext of D", 0)
    assert donor is not None
    assert donor.discriminator == config.discriminator
    encoder = study.donor("digits_50", "weight 1, jigsaw pretext of G's encoder", 0)
    assert encoder is not None
    assert encoder.discriminator.architecture == config.generator.architecture == "resnet"
    assert encoder.discriminator.width == config.generator.width
    assert encoder.data == config.translation.inputs(config.data)
    assert donor.data == config.data
    assert config.data.limit == 50
    assert config.translation.inputs(config.data).limit is None


def test_the_other_way_is_a_change_of_two_names() -> None:
    other = dataclasses.replace(
        CONFIG,
        data=Data("digits"),
        translation=Translation("mnist_8x8_boxed"),
        generator=Generator("unet", width=4),
        discriminator=Discriminator("conv", width=4, depth=1),
    )
    parts = assemble(other)
    assert parts.given is not None
    assert (parts.source.name, parts.given.train.name) == ("digits", "mnist_8x8_boxed")
