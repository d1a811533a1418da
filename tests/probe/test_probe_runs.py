"""Whole runs: those of the embedded sets raise no alarm, and one that can't go well does."""

import dataclasses
import json

import jax
import pytest

from cgan.config import Alarm, Launch, Optim, Penalty
from cgan.probe.alarm import limits
from cgan.probe.columns import ALARMS
from cgan.run_folder.checkpoint import Checkpoints
from cgan.system.errors import CollapseError
from cgan.training import loop
from configs import CONFIGS

pytestmark = pytest.mark.slow

STOP = Launch(on_collapse="stop")
LENGTHS = {
    "digits": (64_000, 3_200),
    "stacked_digits": (256_000, 12_800),
    "ring8": (512_000, 25_600),
    "grid25": (512_000, 25_600),
}
"""Images that a run sees, and between two of its 20 probes."""


def probed(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if ALARMS in row]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", LENGTHS)
def test_a_healthy_run_raises_no_alarm(name, seed, tmp_path):
    total, every = LENGTHS[name]
    config = dataclasses.replace(
        CONFIGS[name], workdir=tmp_path / "run", seed=seed, total_nimg=total, probe_nimg=every
    )
    loop.train(config, jax.devices()[:1], STOP)
    rows = probed(config.workdir)
    assert len(rows) == 20
    assert not any(row[ALARMS] for row in rows)
    for limit in limits(config):
        values = [row[limit.figure] for row in rows[len(rows) // 4 :] if limit.figure in row]
        print(name, seed, limit, limit.figure, [round(value, 3) for value in values])
        assert all(map(limit.is_kept, values)), limit


def test_a_pair_without_penalties_and_with_large_steps_collapses(tmp_path):
    config = dataclasses.replace(
        CONFIGS["digits"],
        workdir=tmp_path / "run",
        penalty=Penalty(r1=0.0, r2=0.0),
        optim=Optim(lr=1e-2, ema_halflife_nimg=16_000),
        alarm=Alarm(arm_nimg=12_800),
        total_nimg=64_000,
        checkpoint_nimg=6_400,
        probe_nimg=3_200,
    )
    with pytest.raises(CollapseError, match="mode collapse: probe/coverage = 0"):
        loop.train(config, jax.devices()[:1], STOP)
    assert max(row["nimg"] for row in probed(config.workdir)) == 12_800
    assert Checkpoints(config.workdir / "checkpoints").latest() == 6_400
