"""Configs: what is refused and how, the JSON form, and the values derived from the settings."""

import dataclasses
import importlib.util
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cgan.config
from configs import CONFIGS, MODULES, summary


def unchecked_copy() -> Any:
    """`cgan.config` without the run-time type checks that the test suite adds to every function.

    They would refuse a value of a wrong type first, in words of their own that a user never sees.
    """
    spec = importlib.util.spec_from_file_location("unchecked_config", cgan.config.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


config_module = unchecked_copy()
ConfigError, Experiment = config_module.ConfigError, config_module.Experiment
Data, Objective, Optim = config_module.Data, config_module.Objective, config_module.Optim
Generator, Discriminator = config_module.Generator, config_module.Discriminator
differences = config_module.differences
from_json, to_json = config_module.from_json, config_module.to_json

INF, NAN = math.inf, math.nan
PARTS: dict[str, Any] = {
    "data": Data,
    "generator": Generator,
    "discriminator": Discriminator,
    "objective": Objective,
    "optim": Optim,
}
SOURCES = "one of 'digits', 'stacked_digits', 'ring8', 'grid25', 'grid100'"
ARCHITECTURES = "one of 'mlp', 'conv'"
WHOLE, NUMBER = "a whole number", "a number"


def experiment(workdir: Path = Path("runs/test"), **settings: Any) -> Any:
    return Experiment(workdir=workdir, **settings)


def make(name: str, value: Any, **others: Any) -> Any:
    """The smallest config that holds this value in the field of this dotted name."""
    part, _, field = name.rpartition(".")
    if part:
        return PARTS[part](**{field: value}, **others)
    return experiment(**{field: value}, **others)


def field_names() -> set[str]:
    top = {field.name for field in dataclasses.fields(Experiment)}
    nested = {f"{part}.{f.name}" for part, cls in PARTS.items() for f in dataclasses.fields(cls)}
    return top | nested


REFUSED: list[tuple[str, Any, str]] = [
    ("data.source", "mnist", SOURCES),
    ("data.source", 3, SOURCES),
    ("data.source", None, SOURCES),
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
    ("generator.residual", 1, "true or false"),
    ("generator.residual", "yes", "true or false"),
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
    ("discriminator.spectral_norm", 0, "true or false"),
    ("discriminator.spectral_norm", None, "true or false"),
    ("objective.loss", "wasserstein", "one of 'softmax', 'nonsaturating'"),
    ("objective.normalise", "max", "one of 'mean', 'sum'"),
    ("objective.fakes_per_real", 0, "more than 0"),
    ("objective.fakes_per_real", -2, "more than 0"),
    ("objective.fakes_per_real", 2.5, "a whole number or None"),
    ("objective.fakes_per_real", "all", "a whole number or None"),
    ("objective.temperature", 0.0, "more than 0"),
    ("objective.temperature", INF, "more than 0"),
    ("objective.temperature", NAN, "more than 0"),
    ("objective.temperature", None, NUMBER),
    ("objective.dual", "true", "true or false"),
    ("objective.r1", -0.1, "0 or more"),
    ("objective.r1", NAN, "0 or more"),
    ("objective.r1", "0.1", NUMBER),
    ("objective.r2", INF, "0 or more"),
    ("objective.r2", -1, "0 or more"),
    ("objective.r2", False, NUMBER),
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
    ("workdir", "runs/text", "a path"),
    ("workdir", None, "a path"),
    ("data", "digits", "Data"),
    ("generator", None, "Generator"),
    ("discriminator", "mlp", "Discriminator"),
    ("objective", "softmax", "Objective"),
    ("optim", 1e-3, "Optim"),
    ("batch_size", 0, "more than 0"),
    ("batch_size", 64.0, WHOLE),
    ("batch_size", False, WHOLE),
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
    ("seed", -1, "from 0 to 2**32 - 1"),
    ("seed", 2**32, "from 0 to 2**32 - 1"),
    ("seed", 0.0, WHOLE),
    ("seed", None, WHOLE),
]


@pytest.mark.parametrize(("name", "value", "expected"), REFUSED)
def test_a_wrong_value_is_refused_by_name_value_and_what_would_be_right(
    name: str, value: Any, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make(name, value)
    assert str(caught.value) == f"{name} = {value!r}: must be {expected}"


def test_the_table_above_has_a_row_for_every_field() -> None:
    assert {name for name, _, _ in REFUSED} == field_names()


@pytest.mark.parametrize("empty", ["", ".", "./"])
def test_a_workdir_that_names_no_folder_is_refused(empty: str) -> None:
    with pytest.raises(ConfigError, match=r"^workdir = '\.': must be a folder$"):
        experiment(Path(empty))


@pytest.mark.parametrize(
    ("name", "value", "others", "expected"),
    [
        ("generator.fourier_features", 4, {"architecture": "conv"}, "0 with conv"),
        ("discriminator.fourier_features", 4, {"architecture": "conv"}, "0 with conv"),
        ("generator.residual", True, {"architecture": "conv"}, "false with conv"),
    ],
)
def test_settings_of_the_mlp_are_refused_with_conv(
    name: str, value: Any, others: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make(name, value, **others)
    assert str(caught.value) == f"{name} = {value!r}: must be {expected}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", 0.5), ("fakes_per_real", 3), ("dual", False), ("normalise", "sum")],
)
def test_what_only_contrastive_losses_use_is_refused_with_the_classic_one(name, value) -> None:
    Objective(loss="softmax", **{name: value})
    expected = f"^objective.{name} = {value!r}: must be .* with nonsaturating"
    with pytest.raises(ConfigError, match=expected):
        Objective(loss="nonsaturating", **{name: value})


def test_more_fakes_per_real_than_the_batch_holds_are_refused() -> None:
    experiment(batch_size=8, objective=Objective(fakes_per_real=8))
    with pytest.raises(ConfigError, match=r"^objective.fakes_per_real = 9: .* batch_size = 8$"):
        experiment(batch_size=8, objective=Objective(fakes_per_real=9))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 0),
        ("seed", 2**32 - 1),
        ("optim.beta1", 0.0),
        ("optim.beta2", 0.999999),
        ("optim.final_lr_fraction", 0.0),
        ("optim.final_lr_fraction", 1.0),
        ("objective.r1", 0.0),
        ("objective.r2", 0.0),
        ("objective.fakes_per_real", None),
        ("objective.fakes_per_real", 1),
        ("generator.fourier_features", 0),
        ("generator.max_frequency", 1.0),
        ("batch_size", 1),
    ],
)
def test_the_ends_of_a_range_are_accepted(name: str, value: Any) -> None:
    assert getattr(make(name, value), name.rpartition(".")[2]) == value


@pytest.mark.parametrize("config", [experiment(), *(cls() for cls in PARTS.values())])
def test_configs_are_frozen(config: Any) -> None:
    for field in dataclasses.fields(config):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(config, field.name, None)


def positive(limit: float) -> st.SearchStrategy[float]:
    return st.floats(0, limit, exclude_min=True, allow_nan=False)


SIZES = st.integers(1, 2**40)
PLAYER = {"width": SIZES, "depth": SIZES, "max_frequency": st.floats(1, 1e6)}
MLP = {"architecture": st.just("mlp"), "fourier_features": st.integers(0, 512)}
CONV = {"architecture": st.just("conv"), "fourier_features": st.just(0)}
LATENT = {"latent_dim": SIZES, "latent": st.sampled_from(["normal", "uniform"])}
NORM = {"spectral_norm": st.booleans()}
GENERATORS = st.builds(Generator, **PLAYER, **LATENT, **MLP, residual=st.booleans()) | st.builds(
    Generator, **PLAYER, **LATENT, **CONV
)
DISCRIMINATORS = st.builds(Discriminator, **PLAYER, **NORM, **MLP) | st.builds(
    Discriminator, **PLAYER, **NORM, **CONV
)
WORKDIRS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).map(Path)
UNIT = st.floats(0, 1, exclude_max=True)
EXPERIMENTS = st.builds(
    Experiment,
    workdir=WORKDIRS.filter(lambda path: str(path) != "."),
    data=st.builds(Data, st.sampled_from(["digits", "stacked_digits", "ring8", "grid25"])),
    generator=GENERATORS,
    discriminator=DISCRIMINATORS,
    objective=st.builds(
        Objective, loss=st.just("nonsaturating"), r1=st.floats(0, 1e300), r2=st.floats(0, 1e300)
    )
    | st.builds(
        Objective,
        loss=st.just("softmax"),
        normalise=st.sampled_from(["mean", "sum"]),
        fakes_per_real=st.none() | st.integers(1, 4),
        temperature=positive(1e300),
        dual=st.booleans(),
        r1=st.floats(0, 1e300),
        r2=st.floats(0, 1e300),
    ),
    optim=st.builds(
        Optim,
        lr=positive(10),
        final_lr_fraction=st.floats(0, 1),
        beta1=UNIT,
        beta2=UNIT,
        ema_halflife_nimg=SIZES,
    ),
    batch_size=st.integers(4, 4096),
    total_nimg=SIZES,
    steps_per_dispatch=st.integers(1, 4096),
    log_nimg=SIZES,
    snapshot_nimg=SIZES,
    checkpoint_nimg=SIZES,
    seed=st.integers(0, 2**32 - 1),
)


@settings(max_examples=30, deadline=None)
@given(EXPERIMENTS)
def test_json_reads_back_as_the_same_config(config: Any) -> None:
    text = to_json(config)
    assert from_json(text) == config
    assert set(json.loads(text)) == {field.name for field in dataclasses.fields(Experiment)}


@settings(max_examples=20, deadline=None)
@given(EXPERIMENTS, EXPERIMENTS)
def test_differences_are_the_fields_whose_json_differs(old: Any, new: Any) -> None:
    def flat(config: Any) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in json.loads(to_json(config)).items():
            if isinstance(value, dict):
                values |= {f"{name}.{inner}": leaf for inner, leaf in value.items()}
            else:
                values[name] = value
        return values

    before, after = flat(old), flat(new)
    assert differences(old, new).keys() == {k for k in before if before[k] != after[k]}
    assert differences(old, old) == {}


def test_differences_give_the_old_value_and_the_new() -> None:
    old = experiment(seed=1)
    new = experiment(seed=2, optim=Optim(lr=0.5), data=Data("ring8"))
    assert differences(old, new) == {
        "seed": (1, 2),
        "optim.lr": (1e-3, 0.5),
        "data.source": ("digits", "ring8"),
    }


@settings(max_examples=30, deadline=None)
@given(EXPERIMENTS)
def test_the_end_is_the_first_whole_dispatch_at_or_after_total_nimg(config: Any) -> None:
    assume(config.total_nimg < 2**30)
    dispatch = config.nimg_per_dispatch
    assert dispatch == config.batch_size * config.steps_per_dispatch
    assert config.final_nimg % dispatch == 0
    assert config.total_nimg <= config.final_nimg < config.total_nimg + dispatch


@pytest.mark.parametrize(("total", "final"), [(1, 64), (64, 64), (65, 128), (127, 128), (128, 128)])
def test_final_nimg_rounds_up(total: int, final: int) -> None:
    config = experiment(batch_size=16, steps_per_dispatch=4, total_nimg=total)
    assert config.final_nimg == final


def edited(**changes: Any) -> str:
    """A config's JSON with fields replaced; `optim__lr` is nested, `...` removes one."""
    values = json.loads(to_json(experiment()))
    for name, value in changes.items():
        *outer, last = name.split("__")
        target = values[outer[0]] if outer else values
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return json.dumps(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a config in JSON"),
        ("{", "not a config in JSON"),
        ("lr: 3", "not a config in JSON"),
        ("[]", "config = []: must be an object"),
        ("3", "config = 3: must be an object"),
        ("null", "config = None: must be an object"),
        (edited(colour="red"), "colour = 'red': must be one of workdir, data, generator,"),
        (edited(optim__momentum=0.9), "optim.momentum = 0.9: must be one of lr, final_lr_fraction"),
        (edited(seed=...), "seed: is missing; must be given"),
        (edited(workdir=...), "workdir: is missing; must be given"),
        (edited(optim=...), "optim: is missing; must be given"),
        (edited(objective__r2=...), "objective.r2: is missing; must be given"),
        (edited(optim=0.1), "optim = 0.1: must be an object"),
        (edited(optim__lr="fast"), "optim.lr = 'fast': must be a number"),
        (edited(optim__lr=NAN), "optim.lr = nan: must be more than 0"),
        (edited(workdir=7), "workdir = 7: must be a path"),
        (edited(batch_size=-1), "batch_size = -1: must be more than 0"),
    ],
)
def test_json_that_is_no_config_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_json(text)
    assert str(caught.value).startswith(message)


def test_every_experiment_has_a_summary_and_its_own_workdir() -> None:
    assert len({config.workdir for config in CONFIGS.values()}) == len(CONFIGS)
    for name in CONFIGS:
        assert summary(name) == (MODULES[name].__doc__ or "").split("\n")[0] != ""
