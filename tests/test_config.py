"""Configs: their JSON form, what differs between two, and the values derived from the settings."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cgan.config
from cgan import objectives
from configs import CONFIGS, MODULES, summary
from tests.unchecked import SECTIONS, config, make

Experiment, Generator, Discriminator = config.Experiment, config.Generator, config.Discriminator
from_json, to_json, differences = config.from_json, config.to_json, config.differences

COUNTS = st.integers(1, 2**53)
SIZES = st.integers(1, 2**16)
PLAYER = {"width": SIZES, "depth": st.integers(1, 2**8), "max_frequency": st.floats(1, 1e6)}
MLP = {"architecture": st.just("mlp"), "fourier_features": st.integers(0, 512)}
CONV = {"architecture": st.just("conv"), "fourier_features": st.just(0)}
WIDE = {
    "width": st.integers(1, 2**8).map(lambda n: 16 * n),
    "max_width": st.integers(2**8, 2**12).map(lambda n: 16 * n),
}
R3GAN = WIDE | {
    "architecture": st.just("r3gan"),
    "depth": PLAYER["depth"],
    "expansion": SIZES,
    "group_size": st.sampled_from([1, 2, 8, 16]),
}
SNGAN = WIDE | {"architecture": st.just("sngan"), "attention": st.integers(0, 2**16)}
STYLEGAN2 = WIDE | {"architecture": st.just("stylegan2")}
LATENT = {"latent_dim": SIZES, "latent": st.sampled_from(["normal", "uniform"])}
NORM = {"spectral_norm": st.booleans()}
GENERATORS = st.builds(Generator, **PLAYER, **LATENT, **MLP, residual=st.booleans()) | st.builds(
    Generator, **PLAYER, **LATENT, **CONV
)
GENERATORS |= st.one_of(
    [st.builds(Generator, **LATENT, **own) for own in (R3GAN, SNGAN, STYLEGAN2)]
)
DISCRIMINATORS = st.builds(Discriminator, **PLAYER, **NORM, **MLP) | st.builds(
    Discriminator, **PLAYER, **NORM, **CONV
)
DISCRIMINATORS |= st.builds(Discriminator, **SNGAN, **NORM) | st.one_of(
    [st.builds(Discriminator, **own) for own in (R3GAN, STYLEGAN2)]
)
WORKDIRS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).map(Path)
UNIT = st.floats(0, 1, exclude_max=True)
VIEWS = st.builds(config.Augment, st.floats(0, 1)) | st.builds(
    config.Augment,
    adversarial_radius=st.floats(2.0**-126, 1e3),
    adversarial_steps=st.integers(1, 3),
)
TRANSFORMED = st.builds(
    config.Augment,
    policy=st.sampled_from(["ada", "diffaugment"]),
    probability=st.floats(0, 1, exclude_min=True),
    final_probability=st.none() | st.floats(0, 1),
    color=st.just(False),
)
WEIGHTS = st.just(0.0) | st.floats(2.0**-126, 3e38)
CURVES = ("softmax", "pairwise", "average", "hardest", "listwise")
CLASSIC = ("nonsaturating", "saturating", "hinge", "least_squares", "wasserstein")


def positive(limit: float) -> st.SearchStrategy[float]:
    return st.floats(2.0**-126, limit)


@st.composite
def temperatures(draw: st.DrawFn) -> dict[str, Any]:
    """A temperature, learnt between bounds around it or kept."""
    low, middle, high = sorted(draw(st.lists(positive(3e38), min_size=3, max_size=3, unique=True)))
    return {
        "temperature": middle,
        "temperature_bounds": draw(st.sampled_from([None, (low, high)])),
    }


def mirrored() -> st.SearchStrategy[dict[str, Any]]:
    """The mirrored game on embeddings."""
    return st.fixed_dictionaries({"game": st.just("mirrored"), "curve": st.sampled_from(CURVES)})


def neighbors() -> st.SearchStrategy[dict[str, Any]]:
    """The neighbour game on embeddings, of samples by themselves or coupled two-sidedly."""
    shared = {
        "game": st.just("neighbor"),
        "negatives": st.sampled_from(["both", "fakes", "reals"]),
        "graded": st.booleans(),
        "generator_temperature": st.none() | positive(3e38),
    }
    halves = st.sampled_from(["both", "covering", "realism"])
    own = {"halves": halves, "tolerance": st.just(0.0) | positive(1e3)}
    return st.fixed_dictionaries(shared | own) | st.fixed_dictionaries(
        shared | {"coupling": st.just("two_sided")}
    )


@st.composite
def games(draw: st.DrawFn, batch_size: int) -> dict[str, Any]:
    """The sections of a game, on either head or both, with what its curves can use."""
    heads = draw(st.sampled_from(["score", "embedding", "both"]))
    objective: dict[str, Any] = {"weight": 0.0}
    embedding: dict[str, Any] = {"weight": 0.0}
    penalty: dict[str, Any] = {"r1": 0.0, "r2": 0.0}
    curves = []
    if heads != "embedding":
        loss = draw(st.sampled_from(CURVES + CLASSIC))
        objective = {"weight": draw(positive(3e38)), "loss": loss}
        penalty = {name: draw(WEIGHTS) for name in ("r1", "r2")}
        penalty["gradient_penalty"] = draw(positive(3e38))  # which wasserstein needs
        if loss in CURVES:
            curves.append(loss)
            objective |= draw(temperatures())
    if heads != "score":
        embedding = {"weight": draw(positive(3e38)), **draw(temperatures())}
        embedding |= draw(neighbors() | mirrored() if batch_size > 1 else mirrored())
        if embedding["game"] == "mirrored":
            curves.append(embedding["curve"])
        embedding["final_fraction"] = draw(WEIGHTS)
        embedding |= {"dimensions": draw(st.integers(2, 512))}
        embedding |= {name: draw(WEIGHTS) for name in ("r1", "r2")}
    if curves:
        objective["fakes_per_real"] = draw(st.none() | st.integers(1, batch_size))
        objective["dual"] = draw(st.booleans())
        if set(curves) <= {"softmax", "listwise"}:
            objective["normalize"] = draw(st.sampled_from(["mean", "sum"]))
        if set(curves) <= {"softmax", "pairwise", "average"}:
            objective["hardness"] = draw(st.just(0.0) | positive(100))
        met = objective.get("fakes_per_real") or batch_size
        if "hardest" not in curves:
            objective["top_k"] = draw(st.none() | st.integers(1, met))
        if 1 in (met, objective.get("top_k")):  # against one fake these do nothing
            objective.pop("normalize", None)
            objective.pop("hardness", None)
    if any(section.get(name) for section in (penalty, embedding) for name in ("r1", "r2")):
        penalty["estimator"] = draw(st.sampled_from(["exact", "hutchinson", "finite_differences"]))
        penalty["final_fraction"] = draw(WEIGHTS)
    if penalty.get("estimator") == "finite_differences":
        penalty["finite_difference"] = draw(positive(1))
    return {
        "objective": config.Objective(**objective),
        "embedding": config.Embedding(**embedding),
        "penalty": config.Penalty(**penalty),
    }


@st.composite
def experiments(draw: st.DrawFn) -> Any:
    """Any experiment that is not refused."""
    micro_batches = draw(st.integers(1, 32))
    batch_size = micro_batches * draw(st.integers(1, 128))
    sources = st.sampled_from(["digits", "stacked_digits", "ring8", "grid25", "grid100"])
    others = {
        "workdir": WORKDIRS.filter(lambda path: str(path) != "."),
        "data": st.builds(config.Data, sources),
        "generator": GENERATORS,
        "discriminator": DISCRIMINATORS,
        "augment": VIEWS,
        "optim": st.builds(
            config.Optim,
            lr=positive(10),
            final_lr_fraction=st.floats(0, 1),
            beta1=UNIT,
            beta2=UNIT,
            final_beta2=st.none() | UNIT,
            ema_halflife_nimg=COUNTS,
            final_ema_halflife_nimg=st.none() | COUNTS,
        ),
        "alarm": st.builds(
            config.Alarm,
            captured=st.floats(0, 1),
            effective=st.floats(0, 1),
            duplicates=st.floats(0, 1),
            patience=COUNTS,
            arm_nimg=st.none() | COUNTS,
        ),
        "probe_nimg": COUNTS,
        "total_nimg": COUNTS,
        "ramp_nimg": st.none() | COUNTS,
        "steps_per_dispatch": st.integers(1, 4096),
        "log_nimg": COUNTS,
        "snapshot_nimg": COUNTS,
        "checkpoint_nimg": COUNTS,
        "seed": st.integers(0, 2**32 - 1),
    }
    settings = draw(st.fixed_dictionaries(others))
    if "digits" in settings["data"].source:
        settings["augment"] = draw(VIEWS | TRANSFORMED)
    return Experiment(
        batch_size=batch_size, micro_batches=micro_batches, **draw(games(batch_size)), **settings
    )


EXPERIMENTS = experiments()


@settings(max_examples=30, deadline=None)
@given(EXPERIMENTS)
def test_json_reads_back_as_the_same_config(experiment: Any) -> None:
    values = json.loads(to_json(experiment))
    assert from_json(json.dumps(values)) == experiment
    assert {name for name in values if isinstance(values[name], dict)} == set(SECTIONS)


def test_a_pair_is_a_list_in_json_and_a_tuple_again() -> None:
    bounds = {"objective.temperature_bounds": (0.5, 2.0), "embedding.weight": 1.0}
    text = to_json(make(bounds | {"embedding.temperature_bounds": (0.05, 1)}))
    values = json.loads(text)
    assert values["objective"]["temperature_bounds"] == [0.5, 2.0]
    assert values["embedding"]["temperature_bounds"] == [0.05, 1]
    assert from_json(text).objective.temperature_bounds == (0.5, 2.0)
    assert from_json(text).embedding.temperature_bounds == (0.05, 1)


@settings(max_examples=60, deadline=None)
@given(EXPERIMENTS)
def test_every_game_that_is_accepted_can_be_built(experiment: Any) -> None:
    objectives.build(cgan.config.from_json(to_json(experiment)))


@settings(max_examples=20, deadline=None)
@given(EXPERIMENTS, EXPERIMENTS)
def test_differences_are_the_fields_whose_json_differs(old: Any, new: Any) -> None:
    def flat(experiment: Any) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in json.loads(to_json(experiment)).items():
            if isinstance(value, dict):
                values |= {f"{name}.{inner}": leaf for inner, leaf in value.items()}
            else:
                values[name] = value
        return values

    before, after = flat(old), flat(new)
    assert differences(old, new).keys() == {k for k in before if before[k] != after[k]}
    assert differences(old, old) == {}


def test_differences_give_the_old_value_and_the_new() -> None:
    changed = {"optim.lr": 0.5, "data.source": "ring8", "objective.temperature_bounds": (0.5, 2.0)}
    assert differences(make({"seed": 1}), make({"seed": 2} | changed)) == {
        "seed": (1, 2),
        "optim.lr": (1e-3, 0.5),
        "data.source": ("digits", "ring8"),
        "objective.temperature_bounds": (None, (0.5, 2.0)),
    }


@settings(max_examples=30, deadline=None)
@given(EXPERIMENTS)
def test_the_end_is_the_first_whole_dispatch_at_or_after_total_nimg(experiment: Any) -> None:
    assume(experiment.total_nimg < 2**30)
    dispatch = experiment.nimg_per_dispatch
    assert dispatch == experiment.batch_size * experiment.steps_per_dispatch
    assert experiment.final_nimg % dispatch == 0
    assert experiment.total_nimg <= experiment.final_nimg < experiment.total_nimg + dispatch


@pytest.mark.parametrize(("total", "final"), [(1, 64), (64, 64), (65, 128), (127, 128), (128, 128)])
def test_final_nimg_rounds_up(total: int, final: int) -> None:
    sizes = {"batch_size": 16, "steps_per_dispatch": 4, "total_nimg": total}
    assert make(sizes).final_nimg == final


def edited(**changes: Any) -> str:
    """A config's JSON with fields replaced; `optim__lr` is nested, `...` removes one."""
    values = json.loads(to_json(make({})))
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
        ('{"a":' * 99_999, "not a config in JSON: "),
        ('{"seed": ' + "9" * 5_000 + "}", "not a config in JSON: "),
        (
            edited(tint="red"),
            "tint = 'red': must be one of workdir, data, conditioning,",
        ),
        (edited(optim__momentum=0.9), "optim.momentum = 0.9: must be one of lr, final_lr_fraction"),
        (edited(workdir=...), "workdir: is missing; must be given"),
        (edited(objective__r1=0.5), "objective.r1 = 0.5: must be one of loss, weight, normalize"),
        (edited(optim=0.1), "optim = 0.1: must be an object"),
        (edited(embedding=[]), "embedding = []: must be an object"),
        (edited(optim__lr="fast"), "optim.lr = 'fast': must be a number"),
        (edited(optim__lr=math.nan), "optim.lr = nan: must be more than 0"),
        (edited(workdir=7), "workdir = 7: must be a path"),
        (edited(workdir=["runs"]), "workdir = ('runs',): must be a path"),
        (
            edited(objective__temperature_bounds=[1.0]),
            "objective.temperature_bounds = (1.0,): must be a pair of numbers or None",
        ),
        (
            edited(objective__temperature_bounds=[2, 3]),
            "objective.temperature_bounds = (2, 3): must be two numbers with 0 < low",
        ),
        (edited(micro_batches=5), "micro_batches = 5: must be a divisor of batch_size = 64"),
        (edited(embedding__r1=0.1), "embedding.r1 = 0.1: must be 0.0 with embedding.weight = 0"),
        (edited(batch_size=-1), "batch_size = -1: must be more than 0"),
    ],
)
def test_json_that_is_no_config_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        from_json(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("missing", ["seed", "optim", "penalty__r2", "augment"])
def test_a_setting_that_came_after_a_run_has_its_default(missing: str) -> None:
    assert from_json(edited(**{missing: ...})) == from_json(edited())


def test_every_experiment_has_a_summary_and_its_own_workdir() -> None:
    assert len({experiment.workdir for experiment in CONFIGS.values()}) == len(CONFIGS)
    for name in CONFIGS:
        assert summary(name) == (MODULES[name].__doc__ or "").split("\n")[0] != ""
