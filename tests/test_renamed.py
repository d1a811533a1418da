"""Names that settings, options and values had before: read from old runs, refused as options."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import train
from cgan.commands import augmented
from cgan.config import (
    RENAMED_SETTINGS,
    RENAMED_VALUES,
    Augment,
    Data,
    Embedding,
    Experiment,
    Objective,
    from_json,
    to_json,
)
from cgan.run_folder.workdir import Workdir
from cgan.system import cli
from eval import __main__ as evaluate
from tests import unchecked

OLD: dict[str, Any] = {
    "workdir": "runs/old",
    "data": {"source": "folder", "path": "faces", "background": "grey"},
    "objective": {"normalise": "sum"},
    "augment": {"policy": "ada", "probability": 0.5, "colour": False},
}
"""What a config.json held before the names changed, but for defaults."""
NEW = Experiment(
    workdir=Path("runs/old"),
    data=Data("folder", path=Path("faces"), background="gray"),
    objective=Objective(normalize="sum"),
    augment=Augment(policy="ada", probability=0.5, color=False),
)


def test_a_config_of_before_is_read_with_the_names_of_now() -> None:
    assert from_json(json.dumps(OLD)) == NEW
    assert from_json(to_json(NEW)) == NEW


def test_the_config_above_has_every_name_that_changed() -> None:
    named = {
        f"{section}.{name}" for section in OLD if section != "workdir" for name in OLD[section]
    }
    assert set(RENAMED_SETTINGS) <= named
    for dotted, names in RENAMED_VALUES.items():
        section, _, name = dotted.partition(".")
        assert OLD[section][name] in names
    assert "grey" not in to_json(NEW)
    assert not any(f'"{old.partition(".")[2]}"' in to_json(NEW) for old in RENAMED_SETTINGS)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"weight": 0.5, "curve": "average"}, Embedding(0.5, game="mirrored", curve="average")),
        ({"weight": 0.5, "game": "mirrored", "graded": False}, Embedding(0.5, game="mirrored")),
        ({"weight": 0.5, "game": "neighbor"}, Embedding(0.5, graded=False, tolerance=0.0)),
        (
            {"weight": 0.5, "game": "neighbor", "graded": True},
            Embedding(0.5, tolerance=0.0),
        ),
        (
            {"weight": 0.5, "game": "neighbor", "coupling": "two_sided", "graded": True},
            Embedding(0.5, coupling="two_sided", tolerance=0.0),
        ),
        (
            {"weight": 0.5, "game": "neighbor", "coupling": "two_sided", "graded": False},
            Embedding(0.5, coupling="two_sided", graded=False),
        ),
        ({"weight": 0.5, "game": "neighbor", "tolerance": 1.0}, Embedding(0.5, tolerance=1.0)),
        ({"weight": 0.0, "dimensions": 64}, Embedding()),
        ({"weight": 0.0, "graded": False}, Embedding()),
    ],
)
def test_the_game_on_embeddings_is_what_it_was_before_it_had_a_name_or_a_tolerance(
    before: dict[str, Any], now: Embedding
) -> None:
    found = from_json(json.dumps({"workdir": "runs/old", "embedding": before}))
    assert found == Experiment(workdir=Path("runs/old"), embedding=now)
    assert from_json(to_json(found)) == found


def test_a_run_of_before_goes_on_and_keeps_the_names_of_now(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path)
    workdir.config.write_text(json.dumps(OLD))
    workdir.check(NEW)
    workdir.record(NEW)
    assert from_json(workdir.config.read_text()) == NEW


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("augment", {"colour": True, "color": True}, "augment.colour = True: must be one of"),
        ("augment", {"policy": "ada", "colour": 3}, "augment.color = 3: must be true or false"),
        ("objective", {"normalise": "max"}, "objective.normalize = 'max': must be one of"),
        ("data", {"background": ["grey"]}, "data.background = ('grey',): must be one of"),
        ("objective", ["normalise"], "objective = ['normalise']: must be an object"),
        ("optim", {"colour": True}, "optim.colour = True: must be one of"),
    ],
)
def test_what_no_config_ever_held_is_refused(section: str, values: object, message: str) -> None:
    with pytest.raises(unchecked.config.ConfigError) as caught:
        unchecked.config.from_json(json.dumps({"workdir": "runs/x", section: values}))
    assert str(caught.value).startswith(message)


COLOR = "--augment.colour: is no longer called so; must be --augment.color"
NO_COLOR = "--augment.no-colour: is no longer called so; must be --augment.no-color"
NORMALIZE = "--objective.normalise: is no longer called so; must be --objective.normalize"
GRAY = "background = 'grey': is no longer called so; must be 'gray'"


@pytest.mark.parametrize(
    ("main", "command", "message"),
    [
        (train.main, "digits --augment.colour", COLOR),
        (train.main, "digits --augment.no-colour", NO_COLOR),
        (train.main, "digits --objective.normalise sum", NORMALIZE),
        (train.main, "digits --objective.normalise=sum", NORMALIZE),
        (train.main, "ffhq64 --data.background grey", f"data.{GRAY}"),
        (train.main, "ffhq64 --data.background=grey", f"data.{GRAY}"),
        (augmented.main, "--out x.png --colour", COLOR.replace("augment.", "")),
        (augmented.main, "--out x.png --no-colour", NO_COLOR.replace("augment.", "")),
        (augmented.main, "--out x.png --data.background grey", f"data.{GRAY}"),
        (evaluate.main, "compare a b --background grey", GRAY),
        (evaluate.main, "collapse --real a --fake b --background=grey", GRAY),
        (evaluate.main, "reference folder --background grey", GRAY),
    ],
)
def test_an_option_of_before_is_refused_with_that_of_now(
    main: Callable[[], None],
    command: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["program", *command.split()])
    with pytest.raises(SystemExit) as stop:
        cli.run(main)
    said = capsys.readouterr()
    assert stop.value.code == 2
    assert said.out == ""
    assert said.err == f"error: {message}\n"
    assert list(tmp_path.iterdir()) == []
