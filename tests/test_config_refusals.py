"""Configs that are refused: by the field's name, its value and what would be right."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from tests.unchecked import AROUND, SECTIONS, assert_refused, config, make

INF, NAN = math.inf, math.nan
SOURCES = (
    "one of 'digits', 'stacked_digits', 'ring8', 'grid25', 'grid100', 'stacked_mnist', 'tfds', "
    "'folder'"
)
ARCHITECTURES = "one of 'mlp', 'conv'"
CURVES = "one of 'softmax', 'pairwise', 'average', 'hardest', 'listwise'"
CLASSIC = ("nonsaturating", "saturating", "hinge", "least_squares", "wasserstein")
LOSSES = ", ".join([CURVES, *map(repr, CLASSIC)])
ESTIMATORS = "one of 'exact', 'hutchinson', 'finite_differences'"
WHOLE, NUMBER, YES_NO = "a whole number", "a number", "true or false"
PAIR, WHOLE_OR_NONE = "a pair of numbers or None", "a whole number or None"
NUMBER_OR_NONE = "a number or None"

REFUSED: list[tuple[str, Any, str]] = [
    ("data.source", "mnist", SOURCES),
    ("data.source", 3, SOURCES),
    ("data.source", None, SOURCES),
    ("data.imbalance", -1.0, "0 or more"),
    ("data.imbalance", NAN, "0 or more"),
    ("data.imbalance", 5, "at most 4"),
    ("data.imbalance", True, NUMBER),
    ("data.name", 3, "text or None"),
    ("data.data_dir", "here", "a path or None"),
    ("data.train_split", None, "text"),
    ("data.held_out_split", 0.1, "text"),
    ("data.path", "here", "a path or None"),
    ("data.resolution", 0, "more than 0"),
    ("data.resolution", 32.0, WHOLE_OR_NONE),
    ("data.channels", 2, "one of 1, 3 or None"),
    ("data.flip", 1, YES_NO),
    ("data.unusable", "drop", "one of 'fail', 'skip'"),
    ("data.cached", 1, YES_NO),
    ("conditioning.labels", "yes", YES_NO),
    ("conditioning.labels", 1, YES_NO),
    ("conditioning.labels", None, YES_NO),
    ("conditioning.dimensions", 0, "more than 0"),
    ("conditioning.dimensions", 32.0, WHOLE),
    ("conditioning.compare", "class", "one of 'all', 'same_class'"),
    ("conditioning.compare", None, "one of 'all', 'same_class'"),
    ("generator.architecture", "MLP", ARCHITECTURES),
    ("generator.architecture", ["mlp"], ARCHITECTURES),
    ("generator.latent_dim", 0, "more than 0"),
    ("generator.latent_dim", 2.0, WHOLE),
    ("generator.latent_dim", True, WHOLE),
    ("generator.latent", "gaussian", "one of 'normal', 'uniform'"),
    ("generator.width", -1, "more than 0"),
    ("generator.width", "256", WHOLE),
    ("generator.depth", 0, "more than 0"),
    ("generator.depth", None, WHOLE),
    ("generator.fourier_features", -1, "0 or more"),
    ("generator.fourier_features", 1.5, WHOLE),
    ("generator.max_frequency", 0.5, "1 or more"),
    ("generator.max_frequency", INF, "1 or more"),
    ("generator.max_frequency", NAN, "1 or more"),
    ("generator.max_frequency", "high", NUMBER),
    ("generator.residual", 1, YES_NO),
    ("generator.residual", "yes", YES_NO),
    ("discriminator.architecture", "resnet", ARCHITECTURES),
    ("discriminator.width", 0, "more than 0"),
    ("discriminator.width", 8.0, WHOLE),
    ("discriminator.depth", -3, "more than 0"),
    ("discriminator.depth", "3", WHOLE),
    ("discriminator.fourier_features", -4, "0 or more"),
    ("discriminator.fourier_features", None, WHOLE),
    ("discriminator.max_frequency", -INF, "1 or more"),
    ("discriminator.max_frequency", NAN, "1 or more"),
    ("discriminator.max_frequency", True, NUMBER),
    ("discriminator.spectral_norm", 0, YES_NO),
    ("discriminator.spectral_norm", None, YES_NO),
    ("objective.loss", "infonce", LOSSES),
    ("objective.loss", None, LOSSES),
    ("objective.weight", -1.0, "0 or more"),
    ("objective.weight", NAN, "0 or more"),
    ("objective.weight", INF, "0 or more"),
    ("objective.weight", True, NUMBER),
    ("objective.normalise", "max", "one of 'mean', 'sum'"),
    ("objective.fakes_per_real", 0, "more than 0"),
    ("objective.fakes_per_real", -2, "more than 0"),
    ("objective.fakes_per_real", 2.5, WHOLE_OR_NONE),
    ("objective.fakes_per_real", "all", WHOLE_OR_NONE),
    ("objective.dual", "true", YES_NO),
    ("objective.hardness", -0.1, "0 or more"),
    ("objective.hardness", NAN, "0 or more"),
    ("objective.hardness", INF, "0 or more"),
    ("objective.hardness", None, NUMBER),
    ("objective.top_k", 0, "more than 0"),
    ("objective.top_k", -1, "more than 0"),
    ("objective.top_k", 2.0, WHOLE_OR_NONE),
    ("objective.top_k", True, WHOLE_OR_NONE),
    ("objective.temperature", 0.0, "more than 0"),
    ("objective.temperature", INF, "more than 0"),
    ("objective.temperature", NAN, "more than 0"),
    ("objective.temperature", None, NUMBER),
    ("objective.temperature_bounds", 1.0, PAIR),
    ("objective.temperature_bounds", (), PAIR),
    ("objective.temperature_bounds", (1.0,), PAIR),
    ("objective.temperature_bounds", (0.5, 1.0, 2.0), PAIR),
    ("objective.temperature_bounds", [0.5, 2.0], PAIR),
    ("objective.temperature_bounds", (0.5, None), PAIR),
    ("objective.temperature_bounds", (True, 2.0), PAIR),
    ("objective.temperature_bounds", ("0.5", "2"), PAIR),
    ("objective.temperature_bounds", (2.0, 0.5), AROUND.format(1.0)),
    ("objective.temperature_bounds", (1.0, 1.0), AROUND.format(1.0)),
    ("objective.temperature_bounds", (2.0, 3.0), AROUND.format(1.0)),
    ("objective.temperature_bounds", (0.1, 0.9), AROUND.format(1.0)),
    ("objective.temperature_bounds", (0.0, 2.0), AROUND.format(1.0)),
    ("objective.temperature_bounds", (0.5, INF), AROUND.format(1.0)),
    ("objective.temperature_bounds", (NAN, 2.0), AROUND.format(1.0)),
    ("objective.temperature_bounds", (0.5, NAN), AROUND.format(1.0)),
    ("embedding.weight", -0.5, "0 or more"),
    ("embedding.weight", NAN, "0 or more"),
    ("embedding.weight", "1", NUMBER),
    ("embedding.curve", "hinge", CURVES),
    ("embedding.curve", None, CURVES),
    ("embedding.dimensions", 1, "2 or more"),
    ("embedding.dimensions", -64, "2 or more"),
    ("embedding.dimensions", 64.0, WHOLE),
    ("embedding.temperature", 0, "more than 0"),
    ("embedding.temperature", -0.1, "more than 0"),
    ("embedding.temperature", NAN, "more than 0"),
    ("embedding.temperature", "0.1", NUMBER),
    ("embedding.temperature_bounds", 0.1, PAIR),
    ("embedding.temperature_bounds", (0.05, 0.1, 0.5), PAIR),
    ("embedding.temperature_bounds", (0.05, False), PAIR),
    ("embedding.temperature_bounds", (0.5, 2.0), AROUND.format(0.1)),
    ("embedding.temperature_bounds", (0.01, 0.05), AROUND.format(0.1)),
    ("embedding.temperature_bounds", (-1.0, 1.0), AROUND.format(0.1)),
    ("embedding.r1", -0.1, "0 or more"),
    ("embedding.r1", INF, "0 or more"),
    ("embedding.r1", None, NUMBER),
    ("embedding.r2", NAN, "0 or more"),
    ("embedding.r2", True, NUMBER),
    ("penalty.r1", -0.1, "0 or more"),
    ("penalty.r1", NAN, "0 or more"),
    ("penalty.r1", "0.1", NUMBER),
    ("penalty.r2", INF, "0 or more"),
    ("penalty.r2", -1, "0 or more"),
    ("penalty.r2", False, NUMBER),
    ("penalty.gradient_penalty", -10, "0 or more"),
    ("penalty.gradient_penalty", NAN, "0 or more"),
    ("penalty.gradient_penalty", None, NUMBER),
    ("penalty.estimator", "monte_carlo", ESTIMATORS),
    ("penalty.estimator", None, ESTIMATORS),
    ("penalty.finite_difference", 0.0, "more than 0"),
    ("penalty.finite_difference", -1e-3, "more than 0"),
    ("penalty.finite_difference", NAN, "more than 0"),
    ("penalty.finite_difference", "small", NUMBER),
    ("augment.strength", -0.01, "from 0 to 1"),
    ("augment.strength", 1.01, "from 0 to 1"),
    ("augment.strength", NAN, "from 0 to 1"),
    ("augment.strength", True, NUMBER),
    ("optim.lr", 0.0, "more than 0"),
    ("optim.lr", NAN, "more than 0"),
    ("optim.lr", INF, "more than 0"),
    ("optim.lr", "1e-3", NUMBER),
    ("optim.final_lr_fraction", 1.01, "from 0 to 1"),
    ("optim.final_lr_fraction", -0.01, "from 0 to 1"),
    ("optim.final_lr_fraction", NAN, "from 0 to 1"),
    ("optim.final_lr_fraction", None, NUMBER),
    ("optim.beta1", 1.0, "from 0 to below 1"),
    ("optim.beta1", -0.5, "from 0 to below 1"),
    ("optim.beta1", NAN, "from 0 to below 1"),
    ("optim.beta1", [], NUMBER),
    ("optim.beta2", 1, "from 0 to below 1"),
    ("optim.beta2", NAN, "from 0 to below 1"),
    ("optim.beta2", "0.99", NUMBER),
    ("optim.ema_halflife_nimg", 0, "more than 0"),
    ("optim.ema_halflife_nimg", 1e3, WHOLE),
    ("alarm.captured", -0.1, "from 0 to 1"),
    ("alarm.captured", 1.01, "from 0 to 1"),
    ("alarm.captured", NAN, "from 0 to 1"),
    ("alarm.captured", None, NUMBER),
    ("alarm.effective", 50, "from 0 to 1"),
    ("alarm.effective", "half", NUMBER),
    ("alarm.duplicates", -0.01, "from 0 to 1"),
    ("alarm.duplicates", True, NUMBER),
    ("alarm.patience", 0, "more than 0"),
    ("alarm.patience", 2.0, WHOLE),
    ("alarm.arm_nimg", 0, "more than 0"),
    ("alarm.arm_nimg", 0.5, WHOLE_OR_NONE),
    ("alarm.score_gap", -1.0, "0 or more"),
    ("alarm.score_gap", NAN, "0 or more"),
    ("alarm.score_gap", "large", NUMBER_OR_NONE),
    ("alarm.held_out_gap", INF, "0 or more"),
    ("alarm.held_out_gap", False, NUMBER_OR_NONE),
    ("workdir", "runs/text", "a path"),
    ("workdir", None, "a path"),
    ("data", "digits", "Data"),
    ("conditioning", True, "Conditioning"),
    ("generator", None, "Generator"),
    ("discriminator", "mlp", "Discriminator"),
    ("objective", "softmax", "Objective"),
    ("embedding", 64, "Embedding"),
    ("penalty", 0.1, "Penalty"),
    ("augment", 0.5, "Augment"),
    ("optim", 1e-3, "Optim"),
    ("alarm", "warn", "Alarm"),
    ("batch_size", 0, "more than 0"),
    ("batch_size", 64.0, WHOLE),
    ("batch_size", False, WHOLE),
    ("micro_batches", 0, "more than 0"),
    ("micro_batches", -2, "more than 0"),
    ("micro_batches", 2.0, WHOLE),
    ("micro_batches", None, WHOLE),
    ("micro_batches", 3, "a divisor of batch_size = 64"),
    ("micro_batches", 128, "a divisor of batch_size = 64"),
    ("total_nimg", -1, "more than 0"),
    ("total_nimg", INF, WHOLE),
    ("total_nimg", NAN, WHOLE),
    ("steps_per_dispatch", 0, "more than 0"),
    ("steps_per_dispatch", "1", WHOLE),
    ("log_nimg", 0, "more than 0"),
    ("log_nimg", None, WHOLE),
    ("snapshot_nimg", 0, "more than 0"),
    ("snapshot_nimg", 0.5, WHOLE),
    ("checkpoint_nimg", -64, "more than 0"),
    ("checkpoint_nimg", "never", WHOLE),
    ("probe_nimg", -1, "0 or more"),
    ("probe_nimg", None, WHOLE),
    ("probe_nimg", 0.5, WHOLE),
    ("seed", -1, "from 0 to 2**32 - 1"),
    ("seed", 2**32, "from 0 to 2**32 - 1"),
    ("seed", 0.0, WHOLE),
    ("seed", None, WHOLE),
]


@pytest.mark.parametrize(("name", "value", "expected"), REFUSED)
def test_a_wrong_value_is_refused_by_name_value_and_what_would_be_right(
    name: str, value: Any, expected: str
) -> None:
    assert_refused({name: value}, name, expected)


def test_the_table_above_has_a_row_for_every_field() -> None:
    inner = {f"{name}.{f.name}" for name, cls in SECTIONS.items() for f in dataclasses.fields(cls)}
    outer = {field.name for field in dataclasses.fields(config.Experiment)}
    assert {name for name, _, _ in REFUSED} == inner | outer


@pytest.mark.parametrize("empty", ["", ".", "./"])
def test_a_workdir_that_names_no_folder_is_refused(empty: str) -> None:
    with pytest.raises(config.ConfigError, match=r"^workdir = '\.': must be a folder$"):
        make({"workdir": Path(empty)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 0),
        ("seed", 2**32 - 1),
        ("optim.beta1", 0.0),
        ("optim.beta2", 0.999999),
        ("optim.final_lr_fraction", 0.0),
        ("optim.final_lr_fraction", 1.0),
        ("objective.fakes_per_real", None),
        ("objective.fakes_per_real", 1),
        ("objective.fakes_per_real", 64),
        ("objective.top_k", None),
        ("objective.top_k", 1),
        ("objective.top_k", 64),
        ("objective.hardness", 0),
        ("objective.temperature_bounds", (1, 2)),
        ("objective.temperature_bounds", (0.5, 1.0)),
        ("embedding.weight", 0),
        ("penalty.r1", 0.0),
        ("penalty.r2", 0.0),
        ("penalty.gradient_penalty", 0),
        ("augment.strength", 0),
        ("augment.strength", 1),
        ("alarm.captured", 0),
        ("alarm.effective", 1),
        ("alarm.duplicates", 1.0),
        ("alarm.score_gap", 0.0),
        ("alarm.arm_nimg", 2**53),
        ("probe_nimg", 0),
        ("generator.fourier_features", 0),
        ("generator.max_frequency", 1.0),
        ("batch_size", 1),
        ("micro_batches", 64),
    ],
)
def test_the_ends_of_a_range_are_accepted(name: str, value: Any) -> None:
    found = make({name: value})
    for part in name.split("."):
        found = getattr(found, part)
    assert found == value


@pytest.mark.parametrize("made", [make({}), *(cls() for cls in SECTIONS.values())])
def test_configs_are_frozen(made: Any) -> None:
    for field in dataclasses.fields(made):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, field.name, None)
