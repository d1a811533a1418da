"""20,000 steps: memory and open files stay as they are, and the step is traced once."""

import os
from pathlib import Path

import jax
import numpy as np
import pytest

from cgan.config import Data, Discriminator, Experiment, Generator
from cgan.step import TrainStep
from cgan.training import loop

STEPS, A_DISPATCH, BATCH = 20_000, 5, 8


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
def test_memory_and_open_files_do_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traces, memory, files = [], [], []
    one_step, advance = TrainStep.one_step, loop.TrainingProgress.advance

    def counted(self, state, batch):
        traces.append(state)
        return one_step(self, state, batch)

    def watched(self, nimg, losses, stall=0.0):
        if nimg % (BATCH * 100) == 0:
            memory.append(resident_mib())
            files.append(len(list(Path("/proc/self/fd").iterdir())))
        return advance(self, nimg, losses, stall)

    monkeypatch.setattr(TrainStep, "one_step", counted)
    monkeypatch.setattr(loop.TrainingProgress, "advance", watched)
    loop.train(
        Experiment(
            tmp_path / "run",
            Data("digits"),
            generator=Generator(latent_dim=4, width=8, depth=1),
            discriminator=Discriminator(width=8, depth=1),
            batch_size=BATCH,
            steps_per_dispatch=A_DISPATCH,
            total_nimg=STEPS * BATCH,
            log_nimg=100 * BATCH,
            snapshot_nimg=2_000 * BATCH,
            checkpoint_nimg=1_000 * BATCH,
        ),
        jax.devices()[:1],
    )
    quarter = len(memory) // 4
    first, last = np.median(memory[:quarter]), np.median(memory[-quarter:])
    print(f"{first:.1f} MiB in the first quarter, {last:.1f} in the last; {files[-1]} open files")
    assert len(memory) == STEPS // 100
    assert last - first < 16
    assert max(files[-quarter:]) <= max(files[:quarter])
    assert len(traces) == 1
