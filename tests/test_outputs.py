"""What a run leaves on disk is made of the state that it says, and of no other part of it."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from cgan.assemble import assemble
from cgan.config import Data, Discriminator, Experiment, Generator
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sampling import runs, sampler
from cgan.sinks import Sinks
from cgan.state import TrainState
from cgan.training.gan import Gan
from cgan.training.outputs import DiskOutputs
from cgan.training.procedure import Sources
from tests.recorder import Recorder


def told_apart(state: TrainState) -> TrainState:
    """The same form, every number another one: each says where it stands."""
    leaves, tree = jax.tree.flatten(state)
    start = np.cumsum([0, *(np.size(leaf) for leaf in leaves)])
    numbered = [
        (first + np.arange(np.size(leaf))).reshape(np.shape(leaf)).astype(leaf.dtype)
        for first, leaf in zip(start, leaves, strict=False)
    ]
    return jax.tree.unflatten(tree, numbered)


def test_snapshots_show_the_average_and_checkpoints_keep_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Experiment(
        tmp_path / "run",
        Data("ring8"),
        generator=Generator(latent_dim=2, width=3, depth=1),
        discriminator=Discriminator(width=3, depth=1, spectral_norm=True),
    )
    parts, workdir, shown = assemble(config), Workdir(config.workdir), []
    workdir.create(config)

    def snapshot(self: Any, params: Any, path: Path, title: str) -> None:
        shown.append(params)
        path.write_bytes(title.encode())

    monkeypatch.setattr(sampler.Sampler, "snapshot", snapshot)
    state = told_apart(jax.device_get(parts.init_state()))
    drawn = Gan(parts, Sources(parts.source, parts.source)).snapshot
    sink = Recorder()
    with Checkpoints(workdir.checkpoints) as checkpoints, Sinks([sink]) as sinks:
        outputs = DiskOutputs(drawn, workdir, sinks, checkpoints)
        outputs.snapshot(state, 64)
        outputs.row(64, {"loss": 1.0})
        outputs.checkpoint(state, 64, {})
    assert sink.seen == [
        (64, "samples", b"64 images seen"),
        (64, {"loss": 1.0}),
        "flushed",
        "closed",
    ]
    jax.tree.map(np.testing.assert_array_equal, shown, [state.generator_ema])
    restored = runs.restore_run(config.workdir)
    jax.tree.map(np.testing.assert_array_equal, restored.state, state)
    assert restored.nimg == 64
    drawn_from = runs.load_run(config.workdir).params
    jax.tree.map(np.testing.assert_array_equal, drawn_from, state.generator_ema)
