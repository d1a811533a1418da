"""The picture of clients: whose data and whose samples stand where, and what is refused."""

import dataclasses
import io
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from cgan.assemble import assemble
from cgan.config import ConfigError, Data, Discriminator, Experiment, Federated, Generator
from cgan.data.abilities import content_in
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sampling.runs import draw_samples, load_run
from eval.clients.picture import draw
from eval.clients.shown import Shown, shown
from eval.commands import clients

SHARDS = Federated(3, 4, classes=4)
RUNS = {
    "isolated": dataclasses.replace(SHARDS, local_steps=0),
    "averaged": SHARDS,
    "central": Federated(),
    "elsewhere": dataclasses.replace(SHARDS, shard_seed=1),
}


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs whose clients' generators differ, without any training."""
    found = {}
    for name, federated in RUNS.items():
        root = tmp_path_factory.mktemp("runs") / name
        config = Experiment(
            workdir=root,
            data=Data("digits"),
            generator=Generator(latent_dim=2, width=4, depth=1),
            discriminator=Discriminator(width=2, depth=1),
            batch_size=12,
            probe_nimg=0,
            federated=federated,
        )
        state = jax.device_get(assemble(config).init_state())
        rng = np.random.default_rng(0)
        moved = jax.tree.map(
            lambda leaf, rng=rng: leaf + rng.normal(size=leaf.shape).astype(np.float32),
            state.generator_ema,
        )
        Workdir(root).create(config)
        with Checkpoints(root / "checkpoints") as checkpoints:
            checkpoints.save(12, state._replace(generator_ema=moved))
        found[name] = root
    return found


@pytest.fixture(scope="module")
def found(roots: dict[str, Path]) -> Shown:
    return shown([roots[name] for name in ("isolated", "averaged", "central")], 30, 5)


def test_each_client_shows_its_own_data_and_what_its_own_generator_draws(
    found: Shown, roots: dict[str, Path]
) -> None:
    labels = np.asarray(content_in(found.source).labels)
    whole = np.asarray(found.source[np.arange(len(labels))].x)
    for client, reals in enumerate(found.reals):
        assert len(reals) == 10
        own = whole[found.shards.rows[client]]
        assert all((own == real).all(axis=(1, 2, 3)).any() for real in reals)
        drawn = draw_samples(load_run(roots["isolated"], client=client), 10, 5)
        np.testing.assert_array_equal(found.arms[0].drawn[client], drawn)
    assert [len(arm.drawn) for arm in found.arms] == [3, 1, 1]
    for arm, name in zip(found.arms[1:], ("averaged", "central"), strict=True):
        np.testing.assert_array_equal(arm.drawn[0], draw_samples(load_run(roots[name]), 30, 5))
    assert [arm.told for arm in found.arms] == [
        "each client alone",
        "the clients' average",
        "all data",
    ]


def test_the_picture_is_drawn_by_the_command_into_the_first_runs_folder(
    found: Shown, roots: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [str(roots[name]) for name in ("isolated", "averaged", "central")]
    clients.main([*chosen, "--n", "30", "--seed", "5"])
    written = roots["isolated"] / "clients.png"
    assert str(written) in capsys.readouterr().out
    assert written.read_bytes() == draw(found)
    image = np.asarray(Image.open(io.BytesIO(written.read_bytes())).convert("L"))
    assert image.std() > 20
    few = found._replace(arms=found.arms[:1])
    assert Image.open(io.BytesIO(draw(few))).size[1] < image.shape[0]


def test_runs_of_other_shards_or_data_or_without_clients_are_refused(
    roots: dict[str, Path],
) -> None:
    with pytest.raises(ConfigError, match="must be of the same shards as"):
        shown([roots["averaged"], roots["elsewhere"]], 9, 0)
    with pytest.raises(ConfigError, match="of which one at least has clients"):
        shown([roots["central"]], 9, 0)
