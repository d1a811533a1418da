"""Who reads a setting: what is said at the field is what is checked, read and written in the help.

What each message says is held by `test_config_combinations.py`.
"""

import contextlib
import dataclasses
import io
import re
import typing
from pathlib import Path
from typing import Any

import flax.linen as nn
import pytest

import train
from cgan.config import Discriminator, Generator
from cgan.config.setting import Condition, conditions
from cgan.networks.architectures import DISCRIMINATORS, ENCODERS, GENERATORS, TRANSLATORS
from cgan.networks.translators import TranslatorHead
from tests.unchecked import SECTIONS, assert_refused, default_of, make

Settings = dict[str, Any]

CHANGED: Settings = {
    "data.imbalance": 1.0,
    "data.name": "cifar10",
    "data.data_dir": Path("prepared"),
    "data.train_split": "train[:9]",
    "data.held_out_split": "validation",
    "data.path": Path("faces"),
    "data.length": 100,
    "data.shares": (60.0, 20.0, 10.0, 7.0, 3.0),
    "data.classes": "none",
    "data.splits": "none",
    "data.resolution": 32,
    "data.channels": 1,
    "data.background": "black",
    "data.flip": True,
    "data.unusable": "skip",
    "data.cached": False,
    "data.limit": 100,
    "data.fold": 1,
    "data.limit_seed": 3,
    "conditioning.dimensions": 8,
    "conditioning.compare": "same_class",
    "generator.latent_dim": 32,
    "generator.latent": "uniform",
    "generator.depth": 2,
    "generator.hidden_units": 32,
    "generator.patch_size": 2,
    "generator.max_width": 1024,
    "generator.expansion": 4,
    "generator.group_size": 8,
    "generator.attention": 8,
    "generator.fourier_features": 4,
    "generator.residual": True,
    "generator.letters": "gumbel",
    "generator.shot_noise": 2.0,
    "generator.cells": (2, 0, 0, 2),
    "discriminator.depth": 2,
    "discriminator.hidden_units": 32,
    "discriminator.patch_size": 2,
    "discriminator.max_width": 1024,
    "discriminator.expansion": 4,
    "discriminator.group_size": 8,
    "discriminator.attention": 8,
    "discriminator.fourier_features": 4,
    "discriminator.spectral_norm": True,
    "discriminator.both_strands": True,
    "discriminator.kmer": 6,
    "discriminator.pairs": 3,
    "discriminator.cells": (2, 0, 0, 2),
    "objective.loss": "pairwise",
    "objective.normalize": "sum",
    "objective.fakes_per_real": 3,
    "objective.dual": False,
    "objective.hardness": 1.0,
    "objective.top_k": 2,
    "objective.temperature": 0.5,
    "objective.temperature_bounds": (0.5, 2.0),
    "embedding.final_fraction": 0.5,
    "embedding.game": "mirrored",
    "embedding.curve": "listwise",
    "embedding.negatives": "reals",
    "embedding.halves": "covering",
    "embedding.coupling": "two_sided",
    "embedding.graded": False,
    "embedding.tolerance": 1.0,
    "embedding.generator_temperature": 0.5,
    "embedding.dimensions": 8,
    "embedding.temperature": 0.5,
    "embedding.temperature_bounds": (0.05, 0.5),
    "embedding.r1": 0.1,
    "embedding.r2": 0.1,
    "graded.distance": "squared",
    "graded.dimensions": 8,
    "bank.of": "samples",
    "penalty.finite_difference": 0.01,
    "augment.strength": 0.5,
    "augment.probability": 0.5,
    "augment.final_probability": 0.5,
    "augment.target": 0.6,
    "augment.adapt_nimg": 1_000,
    "augment.color": False,
    "augment.shift": 3,
    "augment.window": 100,
    "augment.vectors": (1, 0, 0, 1),
    "augment.shot_noise": 4.0,
    "augment.adversarial_steps": 3,
    "prior.mu": 2.0,
    "prior.lam": 2.0,
    "alarm.captured": 0.3,
    "alarm.effective": 0.3,
    "alarm.duplicates": 0.3,
    "alarm.patience": 5,
    "alarm.arm_nimg": 100,
    "alarm.score_gap": 1.0,
    "alarm.held_out_gap": 1.0,
    "federated.local_steps": 4,
    "federated.alpha": 0.5,
    "federated.classes": 2,
    "federated.dropout": 0.5,
    "federated.shard_seed": 3,
    "translation.source": "mnist_5k",
    "translation.path": Path("day"),
    "translation.train_split": "trainA",
    "translation.held_out_split": "testA",
    "translation.patch_weight": 2.0,
    "translation.identity_weight": 0.0,
    "translation.temperature": 0.2,
    "translation.patches": 64,
    "translation.dimensions": 64,
    "translation.negatives": "batch",
}
"""A value of each setting that not everything reads, other than its default."""

RUN = Path("runs/other")
NO_SCORE: Settings = {"embedding.weight": 1.0, "penalty.r1": 0.0, "penalty.r2": 0.0}
ADA: Settings = {"augment.policy": "ada", "augment.probability": 0.9}
STRANDS: Settings = {
    "augment.probability": 0.9,
    "data.source": "dna",
    "discriminator.architecture": "conv1d",
}
LABELS: Settings = {"conditioning.labels": True}
NEEDED: dict[tuple[str, Any], Settings] = {
    ("data.source", "tfds"): {"data.name": "mnist"},
    ("data.source", "folder"): {"data.path": Path("images")},
    ("generator.architecture", "resnet"): {"translation.source": "mnist_8x8"},
    ("generator.architecture", "unet"): {"translation.source": "mnist_8x8"},
    ("augment.policy", "ada"): ADA,
    ("augment.policy", "diffaugment"): ADA,
    ("augment.policy", "reverse_complement"): STRANDS,
    ("augment.policy", "substitutions"): {**STRANDS, "data.source": "proteins"},
    ("objective.weight", 0): NO_SCORE,
    ("embedding.game", "neighbor"): {"embedding.weight": 1.0},
    ("embedding.game", "mirrored"): {"embedding.weight": 1.0},
    ("embedding.coupling", "sample"): {"embedding.weight": 1.0},
    ("embedding.coupling", "two_sided"): {"embedding.weight": 1.0},
    ("bank.size", 64): {"embedding.weight": 1.0},
    ("graded.weight", 1.0): {"data.source": "proteins"},
    ("prior.pre", RUN): {"prior.mu": 1.0},
    ("prior.par", RUN): {"prior.lam": 1.0},
}
"""What else a value needs, whoever reads what."""
OTHERS: dict[tuple[str, str], Settings] = {
    ("augment.adapt_nimg", "augment.target"): ADA,
    ("augment.target", "objective.weight"): ADA,
    ("conditioning.dimensions", "generator.architecture"): LABELS,
    ("conditioning.compare", "objective.loss"): LABELS,
    ("graded.dimensions", "embedding.weight"): {"data.source": "proteins", "graded.weight": 1.0},
}
"""What else must be set where the reading of a setting depends on another one besides."""
HORSES: Settings = {
    "data.source": "tfds",
    "data.name": "cycle_gan/horse2zebra",
    "translation.source": "tfds",
    "translation.train_split": "trainA",
    "translation.held_out_split": "testA",
}
FOLDERS: Settings = {
    "data.source": "folder",
    "data.path": Path("night"),
    "translation.source": "folder",
}
ALSO: dict[str, Settings] = {
    "translation.path": FOLDERS,
    "translation.train_split": HORSES,
    "translation.held_out_split": HORSES,
    "augment.adapt_nimg": {"augment.target": 0.6},
    "embedding.curve": {"embedding.game": "mirrored"},
}
"""What else must be set for a setting to be read, by whichever of its deciders."""
ON = {
    "data.limit": 50,
    "probe_nimg": 64,
    "augment.target": 0.6,
    "augment.adversarial_radius": 0.5,
    "embedding.weight": 1.0,
    "objective.weight": 1.0,
    "bank.size": 64,
    "graded.weight": 1.0,
    "prior.pre": RUN,
    "prior.par": RUN,
    "federated.clients": 4,
}
"""Where a setting turns others on: a value with which it does."""


NEVER = {("conditioning.dimensions", "resnet"), ("conditioning.dimensions", "unet")}
"""Settings with values of their deciders beside which they are refused: labels, of translators."""


def values_of(name: str) -> tuple[Any, ...]:
    """All values of a setting that is chosen among a few; `curves` are losses and games."""
    if name == "curves":
        return values_of("objective.loss") + values_of("embedding.game")
    section, _, field = name.rpartition(".")
    annotation = typing.get_type_hints(SECTIONS[section])[field]
    return (False, True) if annotation is bool else typing.get_args(annotation)


def cases() -> list[tuple[str, str, Any, bool]]:
    """Each setting with each value of each that decides on it, and whether it is read then."""
    found = []
    for section, cls in SECTIONS.items():
        own = {field.name for field in dataclasses.fields(cls)}
        for field, decider, values in conditions(cls):
            by = f"{section}.{decider}" if decider in own else decider
            by = "objective.loss" if decider == "curves" else by
            idle = values[0] if isinstance(values, tuple) else getattr(values, "idle", None)
            known = (idle, ON[by]) if by in ON else values_of(by)
            found += [
                (f"{section}.{field}", by, value, value in values)
                for value in known
                if (f"{section}.{field}", value) not in NEVER
            ]
    return found


@pytest.mark.parametrize(("name", "by", "value", "read"), cases())
def test_a_setting_is_accepted_for_each_reader_and_refused_for_all_others(
    name: str, by: str, value: Any, read: bool
) -> None:
    chosen = OTHERS.get((name, by), {}) | NEEDED.get((by, value), {}) | {by: value}
    make(chosen)
    if read:
        found = make(chosen | ALSO.get(name, {}) | {name: CHANGED[name]})
        section, _, field = name.partition(".")
        assert getattr(getattr(found, section), field) == CHANGED[name] != default_of(name)
    else:
        shown = f"{value:g}" if isinstance(value, float) else repr(value)
        expected = f"{default_of(name)!r} with {by} = {shown}, which does not use it"
        assert_refused(chosen | {name: CHANGED[name]}, name, expected)


def test_every_setting_has_cases_of_both_kinds() -> None:
    kinds: dict[tuple[str, str], set[bool]] = {(name, by): set() for name, by, _, _ in cases()}
    for name, by, _, read in cases():
        kinds[name, by].add(read)
    assert all(kind == {True, False} for kind in kinds.values())
    assert {name for name, _ in kinds} == set(CHANGED)


PLAYERS = [
    *((Generator, name, trunk_and_head) for name, trunk_and_head in GENERATORS.items()),
    *((Generator, name, (trunk, TranslatorHead)) for name, trunk in TRANSLATORS.items()),
    *((Discriminator, name, (trunk,)) for name, trunk in (DISCRIMINATORS | ENCODERS).items()),
]


@pytest.mark.parametrize(("settings", "architecture", "modules"), PLAYERS)
def test_a_network_takes_the_settings_that_are_said_to_be_read_by_its_architecture(
    settings: Any, architecture: str, modules: tuple[type[nn.Module], ...]
) -> None:
    taken = {field.name for module in modules for field in dataclasses.fields(module)}
    for field, decider, readers in conditions(settings):
        assert decider == "architecture"
        if field in ("latent_dim", "latent"):  # read where latents are drawn
            continue
        assert (field in taken) == (architecture in readers), field


GROUPS: dict[str, tuple[str, ...]] = {
    "curves": ("softmax", "pairwise", "average", "hardest", "listwise"),
    "at scale": ("r3gan", "sngan", "stylegan2"),
    "from noise": ("mlp", "conv", "conv1d", "r3gan", "sngan", "stylegan2"),
    "points": ("ring8", "grid25", "grid100"),
    "mnist_*": ("mnist_5k", "mnist_8x8", "mnist_8x8_boxed"),
    "stacked_*": ("stacked_digits", "stacked_mnist"),
}
"""How the help names several readers at once."""
BUT = re.compile(r"curves but (\w+)")


def said_to_read(text: str, known: tuple[str, ...]) -> set[str]:
    """The readers among these that a text of the help names."""
    if left_out := BUT.search(text):
        return set(GROUPS["curves"]) - {left_out[1]}
    found = {name for name in known if re.search(rf"\b{name}\b", text)}
    groups = (set(group) for word, group in GROUPS.items() if word in text)
    return found.union(*groups) & set(known)


@pytest.fixture(scope="module")
def help_of_all() -> str:
    """The help of an experiment, on one line."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit):
            train.parse(["digits", "--help"])
    return " ".join(said.getvalue().replace("│", " ").split())


CHOSEN = [
    (f"{section}.{condition.field}", condition)
    for section, cls in SECTIONS.items()
    for condition in conditions(cls)
    if isinstance(condition.values, tuple) and isinstance(condition.values[0], str)
]


@pytest.mark.parametrize(("name", "condition"), CHOSEN)
def test_the_help_of_a_setting_names_its_readers_and_no_others(
    name: str, condition: Condition, help_of_all: str
) -> None:
    own = "." not in condition.decider
    by = f"{name.partition('.')[0]}.{condition.decider}" if own else condition.decider
    known = values_of("curves" if condition.decider == "curves" else by)
    option = re.escape("--" + name.replace("_", "-"))
    said = re.search(rf" {option}[ ,](.*?)\(default: ", help_of_all)
    assert said, option
    assert said_to_read(said[1], known) == set(condition.values)


def test_what_is_said_names_values_that_there_are() -> None:
    for section, cls in SECTIONS.items():
        for field, decider, readers in conditions(cls):
            if isinstance(readers, tuple):
                own = decider != "curves" and "." not in decider
                by = f"{section}.{decider}" if own else decider
                if by in ON:
                    continue
                assert set(readers) <= set(values_of(by)), field
