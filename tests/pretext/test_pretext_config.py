"""Settings of pretrainings: what is read by which pretext, what is refused, what is written."""

import dataclasses
import re
import typing
from pathlib import Path
from typing import Any

import pytest

import train
from cgan.config.setting import conditions
from configs import CONFIGS, PRETRAININGS, summary
from tests.unchecked import config

TASKS = typing.get_args(config.PretextName)
CHANGED: dict[str, Any] = {
    "dimensions": 8,
    "distance": "squared",
    "temperature": 0.5,
    "temperature_bounds": (0.05, 0.5),
    "both_views": True,
    "tiles": 4,
    "orders": 12,
    "gap": 2,
    "patch": 4,
    "span": 3,
    "hidden": 0.7,
    "visible_weight": 0.0,
}
"""A value of each setting that one pretext alone reads, other than its default."""


def make(**changes: Any) -> Any:
    return config.Pretraining(**{"workdir": Path("runs/test")} | changes)


def test_each_setting_of_a_pretext_is_some_pretexts_own() -> None:
    assert {condition.field for condition in conditions(config.Pretext)} == set(CHANGED)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", CHANGED)
def test_a_setting_is_accepted_where_it_is_read_and_refused_elsewhere(name: str, task: str) -> None:
    (values,) = (of.values for of in conditions(config.Pretext) if of.field == name)
    changed = {"task": task, name: CHANGED[name]}
    if task in values:
        assert getattr(config.Pretext(**changed), name) == CHANGED[name]
        return
    default = {field.name: field.default for field in dataclasses.fields(config.Pretext)}[name]
    said = f"pretext.{name} = {CHANGED[name]!r}: must be {default!r} with pretext.task = {task!r}"
    with pytest.raises(config.ConfigError, match=f"^{re.escape(said)}"):
        config.Pretext(**changed)


def test_the_help_names_the_readers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train.parse(["pretrain_digits", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for condition in conditions(config.Pretext):
        readers = ", ".join(condition.values)
        option = "--pretext." + condition.field.replace("_", "-")
        assert re.search(rf"{option}[ ,][^(]*\({readers}\)", said), condition.field


OF_LETTERS: dict[str, Any] = {
    "data": config.Data("dna"),
    "pretext": config.Pretext("masked"),
    "discriminator": config.Discriminator("conv1d"),
    "augment": config.Augment(),
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "points": (
        {"data": config.Data("ring8")},
        "data.source = 'ring8': must be a data set of images",
    ),
    "no views": (
        {"augment": config.Augment()},
        "augment.strength = 0.0: must be more than 0 with pretext.task = 'contrastive'",
    ),
    "colours of stacks": (
        {
            "data": config.Data("stacked_digits"),
            "augment": config.Augment(policy="ada", probability=0.5),
        },
        "augment.color = True: must be False with data.source = 'stacked_digits'",
    ),
    "no scores": (
        {"augment": config.Augment(policy="ada", probability=0.5, target=0.6)},
        "augment.target = 0.6: must be None for a pretraining",
    ),
    "no attacks": (
        {"augment": config.Augment(0.5, adversarial_radius=0.5)},
        "augment.adversarial_radius = 0.5: must be 0 for a pretraining",
    ),
    "alone": ({"batch_size": 1}, "batch_size = 1: must be 2 or more with pretext.task = "),
    "parts": ({"micro_batches": 3}, "micro_batches = 3: must be a divisor of batch_size = 64"),
    "nothing to ramp": (
        {"optim": config.Descent(final_lr_fraction=1.0), "ramp_nimg": 64},
        "ramp_nimg = 64: must be None where nothing has another final value",
    ),
    "phases": (
        {"precision": "bfloat16", "discriminator": config.Discriminator(fourier_features=4)},
        "discriminator.fourier_features = 4: must be 0 with precision = 'bfloat16'",
    ),
    "patches of sequences": (
        OF_LETTERS | {"pretext": config.Pretext("masked", patch=2)},
        "pretext.patch = 2: must be None for DNA sequences, which do not use it",
    ),
    "spans of images": (
        {"pretext": config.Pretext("masked", span=2)},
        "pretext.span = 2: must be 8 for images, which do not use it",
    ),
    "no maps along sequences": (
        OF_LETTERS | {"discriminator": config.Discriminator()},
        "discriminator.architecture = 'mlp': must be 'conv1d' with pretext.task = 'masked'",
    ),
    "letters of both strands": (
        OF_LETTERS | {"discriminator": config.Discriminator("conv1d", both_strands=True)},
        "discriminator.both_strands = True: must be False with pretext.task = 'masked'",
    ),
    "tiles of sequences": (
        OF_LETTERS | {"pretext": config.Pretext("jigsaw")},
        "data.source = 'dna': must be a data set of images: tiles are theirs",
    ),
    "probes": ({"probe_nimg": -1}, "probe_nimg = -1: must be 0 or more"),
    "seed": ({"seed": -1}, "seed = -1: must be from 0 to 2**32 - 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_together_is_refused_by_name(name: str) -> None:
    changes, said = REFUSED[name]
    with pytest.raises(config.ConfigError, match=f"^{re.escape(said)}"):
        make(**changes)


@pytest.mark.parametrize(
    ("section", "changes", "said"),
    [
        (
            "Pretext",
            {"task": "rotation"},
            "pretext.task = 'rotation': must be one of 'contrastive'",
        ),
        ("Pretext", {"dimensions": 1}, "pretext.dimensions = 1: must be 2 or more"),
        ("Pretext", {"temperature": 0.0}, "pretext.temperature = 0.0: must be more than 0"),
        (
            "Pretext",
            {"temperature_bounds": (0.2, 0.3)},
            "pretext.temperature_bounds = (0.2, 0.3): must be two numbers with 0 < low <=",
        ),
        ("Pretext", {"task": "jigsaw", "tiles": 5}, "pretext.tiles = 5: must be one of 2, 3, 4"),
        ("Pretext", {"task": "jigsaw", "orders": 1}, "pretext.orders = 1: must be from 2 to 1000"),
        ("Pretext", {"task": "jigsaw", "gap": -1}, "pretext.gap = -1: must be 0 or more"),
        ("Pretext", {"task": "masked", "hidden": 1.0}, "pretext.hidden = 1.0: must be between 0"),
        ("Pretext", {"task": "masked", "patch": 0}, "pretext.patch = 0: must be more than 0"),
        ("Pretext", {"task": "masked", "span": 0}, "pretext.span = 0: must be more than 0"),
        ("Descent", {"lr": 0.0}, "optim.lr = 0.0: must be more than 0"),
        ("Descent", {"max_grad_norm": 0.0}, "optim.max_grad_norm = 0.0: must be more than 0"),
        ("Descent", {"beta1": 1.0}, "optim.beta1 = 1.0: must be from 0 to below 1"),
        ("Descent", {"final_lr_fraction": 2.0}, "optim.final_lr_fraction = 2.0: must be from 0"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(
    section: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(config.ConfigError, match=f"^{re.escape(said)}"):
        getattr(config, section)(**changes)


def test_a_config_is_written_with_its_procedure_and_read_back() -> None:
    made = make(pretext=config.Pretext("jigsaw", orders=12), ramp_nimg=640)
    text = config.to_json(made)
    assert text.splitlines()[1] == '  "procedure": "pretraining",'
    assert config.read_as(config.Pretraining, text) == made
    assert config.procedure_of(text) == "pretraining"
    assert config.procedure_of(config.to_json(config.Experiment(Path("runs/gan")))) == "gan"


OF_THEIR_OWN = ("pretrain_dna", "pretrain_lattice", "pretrain_proteins")
"""Pretrainings with discriminators that no GAN has: counters of k-mers and pairs, cells."""


def test_each_pretraining_has_a_summary_and_the_networks_of_its_gan() -> None:
    workdirs = {of.workdir for of in (*CONFIGS.values(), *PRETRAININGS.values())}
    assert len(workdirs) == len(CONFIGS) + len(PRETRAININGS)
    for name, pretraining in PRETRAININGS.items():
        assert summary(name)
        gan = CONFIGS[name.removeprefix("pretrain_").removesuffix("_masked")]
        assert pretraining.generator == gan.generator
        if name not in OF_THEIR_OWN:
            assert pretraining.discriminator == gan.discriminator


def test_the_command_line_says_which_pretext() -> None:
    arguments = ["pretrain_digits", "--pretext.task", "jigsaw", "--pretext.orders", "12"]
    found = train.parse([*arguments, "--track", "wandb"])
    assert (found.experiment.pretext.task, found.experiment.pretext.orders) == ("jigsaw", 12)
    assert found.launch.track == "wandb"
