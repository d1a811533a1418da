"""Runs whose generator collapses: what is said, what is saved, how they end and go on.

The averaged generator is forced to a constant for the eyes of the probe, at some steps.
"""

import dataclasses
import json
import re
from pathlib import Path

import jax
import numpy as np
import pytest

from cgan import parallel
from cgan.config import Alarm, ConfigError, Data, Discriminator, Experiment, Generator, Launch
from cgan.probe import Probe, reals
from cgan.probe.columns import ALARMS, COVERAGE, DUPLICATES, EFFECTIVE, HELD_OUT_GAP, SCORE_GAP
from cgan.run_folder.checkpoint import Checkpoints
from cgan.sinks import JsonLines
from cgan.system.errors import CollapseError, StoppedError
from cgan.training import gan, loop
from cgan.training.interrupt import Interrupt
from cgan.training.outputs import DiskOutputs

BATCH = 16
ONE_DEVICE = jax.devices()[:1]
CONFIG = Experiment(
    workdir=Path("replaced"),
    data=Data("digits"),
    generator=Generator(latent_dim=8, width=8, depth=1),
    discriminator=Discriminator(width=8, depth=1),
    alarm=Alarm(captured=0.0, effective=0.0, duplicates=0.5, patience=2),
    batch_size=BATCH,
    total_nimg=12 * BATCH,
    log_nimg=3 * BATCH,
    snapshot_nimg=12 * BATCH,
    checkpoint_nimg=2 * BATCH,
    probe_nimg=BATCH,
)
STOP = Launch(on_collapse="stop")
COLLAPSE = range(7, 13)
"""After step 6 the generator is a constant: suspected at 112 images, an alarm at 128."""
FIGURES = {COVERAGE, EFFECTIVE, DUPLICATES, SCORE_GAP, HELD_OUT_GAP, ALARMS}


@pytest.fixture(scope="module", autouse=True)
def compiled_once():
    """The runs differ in folder and length only: one step and one probe serve all; no pictures."""
    kept, compile_step = {}, loop.compile_step

    def step(*arguments):
        return kept.setdefault("step", kept.get("step") or compile_step(*arguments))

    def probe(*arguments):
        return kept.setdefault("probe", kept.get("probe") or Probe(*arguments))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "compile_step", step)
        patch.setattr(gan, "Probe", probe)
        patch.setattr(DiskOutputs, "snapshot", lambda *arguments: None)
        yield


@pytest.fixture
def collapse(monkeypatch):
    """Call it with steps after which the probe sees a constant generator."""
    original, chosen = Probe.look, []

    def look(self, state):
        if int(state.step) in chosen:
            constant = jax.tree.map(lambda leaf: leaf * 0, state.generator_ema)
            state = state._replace(generator_ema=constant)
        return original(self, state)

    monkeypatch.setattr(Probe, "look", look)

    def choose(steps):
        chosen[:] = steps

    return choose


@pytest.fixture
def two_in_flight(monkeypatch):
    """As on accelerators."""
    monkeypatch.setattr(parallel, "max_in_flight", lambda devices: 2)


@pytest.fixture
def signaled(monkeypatch):
    """Call it with a step: the signal comes right after it, and is voted on in the next one."""
    interrupt, look, chosen = Interrupt(60), Probe.look, []

    def looked(self, state):
        if int(state.step) in chosen:
            interrupt.asked_by = "SIGTERM"
        return look(self, state)

    monkeypatch.setattr(Probe, "look", looked)

    def at(step):
        chosen[:] = [step]
        interrupt.asked_by = None
        return interrupt

    return at


def train(folder, launch=None, interrupt=None, **changes):
    config = dataclasses.replace(CONFIG, workdir=folder, **changes)
    return loop.train(config, ONE_DEVICE, launch, interrupt)


def rows(folder):
    """All rows without the speeds."""
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    speeds = {"images_per_sec", "input_stall"}
    return [{k: v for k, v in row.items() if k not in speeds} for row in found]


def alarms(folder):
    return {row["nimg"]: row[ALARMS] for row in rows(folder) if ALARMS in row}


def saved(folder):
    return Checkpoints(folder / "checkpoints").all()


def assert_equal(found, expected):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert np.array_equal(one, other)


def test_figures_stand_in_rows_of_their_own_and_change_nothing_else(tmp_path, capsys):
    state = train(tmp_path / "run", probe_nimg=5 * BATCH)
    probed = [row for row in rows(tmp_path / "run") if ALARMS in row]
    assert [row["nimg"] for row in probed] == [80, 160]
    assert all(row.keys() == FIGURES | {"nimg"} for row in probed)
    assert all(row[ALARMS] == 0 for row in probed)
    assert f"coverage {probed[-1][COVERAGE]:.0%}" in capsys.readouterr().out
    assert_equal(train(tmp_path / "none", probe_nimg=1_000), state)
    others = [row for row in rows(tmp_path / "run") if ALARMS not in row]
    assert [row["nimg"] for row in others] == [48, 96, 144, 192]
    assert others == rows(tmp_path / "none")


def test_a_collapse_is_warned_of_once_and_shown_from_there_on(tmp_path, collapse, capsys):
    collapse(COLLAPSE)
    state = train(tmp_path / "run")
    assert state.step == 12
    assert [nimg for nimg, raised in alarms(tmp_path / "run").items() if raised] == [
        *range(128, 193, 16)
    ]
    out = " ".join(capsys.readouterr().out.split())
    warning = (
        "128 images seen: mode collapse: probe/duplicates = 1, must be at most 0.5, "
        "beyond it since 112 images; the newest checkpoint is at 96 images"
    )
    assert out.count("mode collapse") == out.count(warning) == 1
    assert "COLLAPSE duplicates 100%" in out


def test_the_end_of_a_collapse_is_said_too(tmp_path, collapse, capsys):
    collapse([7, 8, 9])
    train(tmp_path / "run")
    assert [nimg for nimg, raised in alarms(tmp_path / "run").items() if raised] == [128, 144, 160]
    out = " ".join(capsys.readouterr().out.split())
    assert re.search(r"176 images seen: probe/duplicates = 0[.\d]*, healthy again", out)
    assert "COLLAPSE" not in out.rpartition("healthy again")[2]


def test_stop_ends_the_run_with_the_checkpoint_before_the_collapse(tmp_path, collapse):
    collapse(COLLAPSE)
    warned = train(tmp_path / "warned")
    folder = tmp_path / "run"
    for _ in range(2):  # the same command comes there again
        with pytest.raises(CollapseError) as ended:
            train(folder, STOP)
        assert ended.value.exit_code == 3
        assert str(ended.value).startswith(
            "mode collapse: probe/duplicates = 1, must be at most 0.5, beyond it since 112 images; "
            "the newest checkpoint is at 96 images; the same command would come here again: "
            "--on-collapse warn goes on past it"
        )
        assert saved(folder)[-1] == 96
        assert max(alarms(folder)) == 144  # the dispatch that told all processes
    assert_equal(train(folder), warned)
    assert rows(folder) == rows(tmp_path / "warned")


def test_a_checkpoint_waits_while_a_collapse_is_suspected(tmp_path, collapse, monkeypatch):
    """Due at 128 images, it is taken at the first healthy probe after that."""
    written, save = [], Checkpoints.save

    def noted(self, nimg, *others):
        written.append(nimg)
        save(self, nimg, *others)

    monkeypatch.setattr(Checkpoints, "save", noted)
    collapse([8])
    train(tmp_path / "run", STOP)
    assert written == [32, 64, 96, 144, 160, 192]
    written.clear()
    train(tmp_path / "warned")
    assert written == list(range(32, 193, 32))


@pytest.mark.parametrize(("steps", "last"), [([11, 12], 160), ([12], 192)])
def test_the_last_state_is_saved_unless_it_is_a_collapse(steps, last, tmp_path, collapse):
    collapse(steps)
    if len(steps) == CONFIG.alarm.patience:
        with pytest.raises(CollapseError, match="beyond it since 176 images"):
            train(tmp_path / "run", STOP)
    else:
        assert train(tmp_path / "run", STOP).step == 12
    assert saved(tmp_path / "run")[-1] == last


@pytest.mark.parametrize("cut_nimg", [112, 176])
def test_a_run_that_was_cut_raises_the_same_alarms(cut_nimg, tmp_path, collapse, monkeypatch):
    """Cut in the middle of streaks: one alarm follows after the cut, another is over by then."""
    collapse([6, 7, 8, 11, 12])
    changes = {"checkpoint_nimg": 3 * BATCH}
    whole = train(tmp_path / "whole", **changes)
    original = JsonLines.scalars

    def scalars(self, nimg, row):
        original(self, nimg, row)
        if nimg == cut_nimg and ALARMS in row:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(JsonLines, "scalars", scalars)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut", **changes)
    assert_equal(train(tmp_path / "cut", **changes), whole)
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    assert set(alarms(tmp_path / "whole").values()) == {0, 1}


def test_a_signal_saves_though_a_collapse_is_suspected(tmp_path, collapse, signaled):
    collapse([8])
    with pytest.raises(StoppedError, match="saved after 128 images"):
        train(tmp_path / "run", STOP, signaled(7))
    assert saved(tmp_path / "run")[-1] == 128


def test_a_signal_that_comes_with_a_collapse_saves_nothing(tmp_path, collapse, signaled):
    collapse(COLLAPSE)
    with pytest.raises(CollapseError):
        train(tmp_path / "run", STOP, signaled(8))
    assert saved(tmp_path / "run")[-1] == 96


@pytest.mark.usefixtures("two_in_flight")
def test_a_checkpoint_that_waits_does_not_change_where_a_run_ends(tmp_path, collapse, signaled):
    """Who holds one back has read all votes: the other processes, which do not, end there too."""
    ends = []
    for name, suspected_after in (("waits", [8]), ("does not", [])):
        collapse(suspected_after)
        with pytest.raises(StoppedError):
            train(tmp_path / name, STOP, signaled(8))
        ends.append(saved(tmp_path / name)[-1])
    assert ends == [BATCH * 10] * 2  # step 9 took the vote, and one more was in flight


@pytest.mark.usefixtures("two_in_flight")
def test_with_two_in_flight_a_collapse_ends_one_dispatch_later(tmp_path, collapse):
    collapse(COLLAPSE)
    with pytest.raises(CollapseError):
        train(tmp_path / "run", STOP)
    assert saved(tmp_path / "run")[-1] == 96
    assert max(alarms(tmp_path / "run")) == 160


def test_a_collapse_that_is_over_before_the_run_has_ended_ends_it(tmp_path, collapse):
    collapse([7])
    judges = Alarm(captured=0.0, effective=0.0, duplicates=0.5, patience=1)
    with pytest.raises(CollapseError, match=r"since 112 images; the newest checkpoint is at 96"):
        train(tmp_path / "run", STOP, alarm=judges)
    assert list(alarms(tmp_path / "run").values())[-2:] == [1, 0]
    assert saved(tmp_path / "run")[-1] == 96


@pytest.mark.parametrize("probe_nimg", [0, 193])
def test_a_stop_that_no_probe_can_ask_for_is_refused(probe_nimg, tmp_path):
    changes = {"alarm": Alarm(), "probe_nimg": probe_nimg}
    with pytest.raises(ConfigError, match=r"^on_collapse = 'stop': must be warn with probe_nimg"):
        train(tmp_path / "run", STOP, **changes)
    assert not (tmp_path / "run").exists()


def test_too_few_reals_are_told_and_refused_where_a_stop_needs_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reals, "AT_LEAST", 361)  # one more than are held out
    with pytest.raises(ConfigError, match=r"^on_collapse = 'stop': .* too few to probe"):
        train(tmp_path / "run", STOP)
    assert not (tmp_path / "run").exists()
    train(tmp_path / "run", total_nimg=2 * BATCH)
    assert "no probe for mode collapse" in capsys.readouterr().out
    assert not alarms(tmp_path / "run")
