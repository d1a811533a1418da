"""Which settings a run may go on with: those under which it learns the same."""

import dataclasses
from pathlib import Path

import pytest

from cgan.config import (
    Alarm,
    Augment,
    Data,
    Experiment,
    Optim,
    Penalty,
    changes_forbidden,
)

STILL = Experiment(
    workdir=Path("run"),
    data=Data("digits"),
    optim=Optim(final_lr_fraction=1.0),
    batch_size=16,
    steps_per_dispatch=3,
    total_nimg=100,
)
"""Rounded up to three dispatches, 144 images. Nothing has another final value."""
MOVING = {
    "optim.final_lr_fraction": {"optim": Optim()},
    "optim.final_beta2": {"optim": Optim(final_lr_fraction=1.0, final_beta2=0.5)},
    "optim.final_ema_halflife_nimg": {
        "optim": Optim(final_lr_fraction=1.0, final_ema_halflife_nimg=7)
    },
    "penalty.final_fraction": {"penalty": Penalty(final_fraction=0.5)},
    "augment.final_probability": {
        "augment": Augment(policy="ada", final_probability=0.5, color=True)
    },
}


def changed(config: Experiment, **changes: object) -> Experiment:
    return dataclasses.replace(config, **changes)


@pytest.mark.parametrize("total", [1, 144, 145, 10**9])
def test_without_a_schedule_any_length_will_do(total: int) -> None:
    assert changes_forbidden(STILL, changed(STILL, total_nimg=total)) == {}


@pytest.mark.parametrize("name", MOVING)
def test_a_schedule_over_the_whole_training_is_named_with_what_keeps_it(name: str) -> None:
    moving = changed(STILL, **MOVING[name])
    assert moving.ramped == (name,)
    found = changes_forbidden(moving, changed(moving, total_nimg=200))
    assert found == {
        "total_nimg": f"is 100 there, not 200, which moves the schedule of {name}; "
        "ramp_nimg = 144 keeps it"
    }
    assert changes_forbidden(moving, changed(moving, total_nimg=200, ramp_nimg=144)) == {}
    assert changes_forbidden(moving, changed(moving, total_nimg=144)) == {}  # the same dispatches


def test_a_schedule_of_its_own_length_keeps_it_and_must() -> None:
    moving = changed(STILL, **MOVING["penalty.final_fraction"], ramp_nimg=50)
    assert changes_forbidden(moving, changed(moving, total_nimg=10_000)) == {}
    for ramp_nimg in (None, 51):
        new = changed(moving, ramp_nimg=ramp_nimg, total_nimg=10_000)
        found = changes_forbidden(moving, new)
        assert list(found) == ["ramp_nimg"]
        assert found["ramp_nimg"].startswith(f"is 50 there, not {ramp_nimg}, which moves")
        assert found["ramp_nimg"].endswith("; ramp_nimg = 50 keeps it")


def test_what_is_written_saved_and_watched_for_is_free() -> None:
    names = ("log_nimg", "snapshot_nimg", "checkpoint_nimg", "probe_nimg")
    new = changed(STILL, **dict.fromkeys(names, 7), alarm=Alarm(captured=0.1, patience=9))
    assert changes_forbidden(STILL, new) == {}
    assert changes_forbidden(STILL, changed(STILL, probe_nimg=0)) == {}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"seed": 1}, "seed"),
        ({"batch_size": 48}, "batch_size"),
        ({"steps_per_dispatch": 1}, "steps_per_dispatch"),
        ({"micro_batches": 2}, "micro_batches"),
        ({"precision": "bfloat16"}, "precision"),
        ({"optim": Optim(lr=0.5, final_lr_fraction=1.0)}, "optim.lr"),
        ({"data": Data("ring8")}, "data.source"),
    ],
)
def test_what_is_learnt_from_is_not_free_whatever_else_changes(
    changes: dict[str, object], name: str
) -> None:
    new = changed(STILL, **changes, total_nimg=960, log_nimg=7)
    assert set(changes_forbidden(STILL, new)) == {name}
    moving = changed(STILL, optim=Optim())
    found = changes_forbidden(moving, changed(moving, **changes))  # dispatches too, for some
    assert name in found
    assert "total_nimg" not in found
