"""`--init-from RUN`: what is taken over, what starts afresh, what is refused."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest

from cgan.assemble import assemble
from cgan.config import (
    ConfigError,
    Data,
    Discriminator,
    Embedding,
    Penalty,
    Prior,
)
from cgan.data.pipeline import load_batches
from cgan.run_folder.workdir import Workdir
from cgan.state import TrainState
from cgan.training import loop
from tests.other_runs import BATCH, assert_same, begun, saved, small
from train import parse

ONE_DEVICE = jax.devices()[:1]
CONFIG = small(
    "ring8",
    discriminator={"spectral_norm": True},
    penalty=Penalty(r1=0.0, r2=0.0),
    total_nimg=2 * BATCH,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainState]:
    """A run's folder, and what is saved in it."""
    root = tmp_path_factory.mktemp("warm") / "run"
    return root, saved(root, CONFIG)


def test_a_run_starts_from_the_average_and_the_discriminator_with_its_stats(
    run: tuple[Path, TrainState], capsys: pytest.CaptureFixture[str]
) -> None:
    root, there = run
    _, state, fresh = begun(dataclasses.replace(CONFIG, init_from=root))
    assert_same(state.generator, there.generator_ema)
    assert_same(state.generator_ema, there.generator_ema)
    assert_same(state.discriminator, there.discriminator)
    assert_same(state.discriminator_stats, there.discriminator_stats)
    for name in ("step", "learnt", "adaptive", "generator_optim", "discriminator_optim"):
        assert_same(getattr(state, name), getattr(fresh, name))
    said = capsys.readouterr().err
    assert f"from {root} after 32 images" in said
    assert "generator trunk, generator head, discriminator trunk, discriminator head" in said
    assert "starting afresh: optimizers\n" in said


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("part", ["trunk", "head"])
def test_players_and_parts_can_be_chosen(
    run: tuple[Path, TrainState], player: Any, part: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    root, there = run
    config = dataclasses.replace(CONFIG, init_from=root, init_players=player, init_parts=part)
    _, state, fresh = begun(config)
    source = there.generator_ema if player == "generator" else there.discriminator
    other = {"trunk": "head", "head": "trunk"}[part]
    assert_same(getattr(state, player)[part], source[part])
    assert_same(getattr(state, player)[other], getattr(fresh, player)[other])
    idle = {"generator": "discriminator", "discriminator": "generator"}[player]
    assert_same(getattr(state, idle), getattr(fresh, idle))
    of_stats = there if player == "discriminator" else fresh
    assert_same(state.discriminator_stats[part], of_stats.discriminator_stats[part])
    assert_same(state.discriminator_stats[other], fresh.discriminator_stats[other])
    assert "starting afresh: " in (said := capsys.readouterr().err)
    assert f"{player} {other}" in said.partition("starting afresh")[2]


def test_what_only_one_of_both_has_starts_afresh_or_is_left(
    run: tuple[Path, TrainState], capsys: pytest.CaptureFixture[str]
) -> None:
    """A deeper generator, a shallower discriminator without spectral norm and with two heads."""
    root, there = run
    config = dataclasses.replace(
        CONFIG,
        init_from=root,
        generator=dataclasses.replace(CONFIG.generator, depth=3),
        discriminator=Discriminator(width=4, depth=1),
        embedding=Embedding(weight=1.0, dimensions=3),
    )
    _, state, fresh = begun(config)
    for layer in ("layer_0", "layer_1"):
        assert_same(state.generator["trunk"][layer], there.generator_ema["trunk"][layer])
    assert_same(state.generator["trunk"]["layer_2"], fresh.generator["trunk"]["layer_2"])
    head, of_fresh = state.discriminator["head"], fresh.discriminator["head"]
    assert_same(head["score"], there.discriminator["head"]["score"])
    assert_same(head["embedding"], of_fresh["embedding"])
    lines = capsys.readouterr().err.splitlines()
    assert "generator trunk/layer_0, generator trunk/layer_1, generator head" in lines[-3]
    assert lines[-2].endswith(
        "starting afresh: generator trunk/layer_2, discriminator head/embedding, optimizers"
    )
    assert lines[-1].endswith(f"left in {root}: discriminator trunk/layer_1")


CLASHES: dict[str, tuple[dict[str, Any], str]] = {
    "wider": (
        {"generator": dataclasses.replace(CONFIG.generator, width=5)},
        r"generator trunk/layer_0/bias has the shape \(4,\) there, and \(5,\) in this config",
    ),
    "images": (
        {"data": Data("digits")},
        r"generator head/out/bias has the shape \(2,\) there, and \(64,\) in this config",
    ),
    "nothing": (
        {
            "data": Data("digits"),
            "discriminator": Discriminator("conv", width=4, depth=1),
            "init_players": "discriminator",
            "init_parts": "trunk",
        },
        r"nothing there has a place here: its networks are 'mlp' and 'mlp', these 'mlp' and 'conv'",
    ),
}


@pytest.mark.parametrize("name", CLASHES)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    name: str, run: tuple[Path, TrainState], tmp_path: Path
) -> None:
    root, _ = run
    changes, message = CLASHES[name]
    config = dataclasses.replace(CONFIG, workdir=tmp_path / "new", init_from=root, **changes)
    with pytest.raises(ConfigError, match=rf"^init_from = .*: {message}"):
        loop.train(config, ONE_DEVICE)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("made", [False, True])
def test_a_run_that_is_not_there_or_has_no_checkpoint_is_refused(
    made: bool, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    if made:
        Workdir(other).create(dataclasses.replace(CONFIG, workdir=other))
    config = dataclasses.replace(CONFIG, workdir=tmp_path / "new", init_from=other)
    reason = "no checkpoints yet" if made else "not a run, config.json is missing"
    with pytest.raises(ConfigError, match=rf"^init_from = '{other}': {other}: .*{reason}"):
        loop.train(config, ONE_DEVICE)
    assert not (tmp_path / "new").exists()


def test_a_run_goes_on_without_the_one_that_it_started_from(tmp_path: Path) -> None:
    """And the setting is written down, and can't be changed on the way."""
    other = tmp_path / "other"
    there = saved(other, CONFIG)
    config = dataclasses.replace(CONFIG, workdir=tmp_path / "new", init_from=other)
    first = loop.train(config, ONE_DEVICE)
    apart = jax.tree.map(lambda a, b: np.abs(a - b).max(), first.generator, there.generator_ema)
    assert 0 < max(jax.tree.leaves(apart)) < 0.01  # two steps of Adam away from there
    assert Workdir(config.workdir).read_config().init_from == other
    other.rename(tmp_path / "away")
    longer = dataclasses.replace(config, total_nimg=4 * BATCH, ramp_nimg=2 * BATCH)
    assert loop.train(longer, ONE_DEVICE).step == 4
    with pytest.raises(ConfigError, match="init_from"):
        loop.train(dataclasses.replace(longer, init_from=None), ONE_DEVICE)


def test_the_command_line_says_what_to_start_from() -> None:
    arguments = ["ring8", "--init-from", "runs/other", "--init-players", "discriminator"]
    found = parse([*arguments, "--init-parts", "trunk"]).experiment
    assert found.init_from == Path("runs/other")
    assert (found.init_players, found.init_parts) == ("discriminator", "trunk")
    assert parse(["ring8"]).experiment.init_from is None


def test_players_and_parts_need_a_run_to_be_taken_from() -> None:
    with pytest.raises(ConfigError, match=r"^init_players = 'generator': must be 'both'"):
        dataclasses.replace(CONFIG, init_players="generator")
    with pytest.raises(ConfigError, match=r"^init_parts = 'trunk': must be 'all'"):
        dataclasses.replace(CONFIG, init_parts="trunk")
    with pytest.raises(ConfigError, match=r"^init_from = '\.': must be the folder of a run"):
        dataclasses.replace(CONFIG, init_from=Path())


def trained_with(frozen: int, run: Path, to: Path, **changes: Any) -> tuple[TrainState, TrainState]:
    """A run's state at its start and its end."""
    config = dataclasses.replace(
        CONFIG, workdir=to, init_from=run, init_frozen=frozen, penalty=Penalty(r1=0.1), **changes
    )
    return begun(config)[1], loop.train(config, ONE_DEVICE)


@pytest.mark.parametrize("micro_batches", [1, 2])
def test_frozen_layers_stay_to_the_bit_and_the_others_learn(
    run: tuple[Path, TrainState],
    tmp_path: Path,
    micro_batches: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Under a penalty, whose slopes go through the frozen layer, and a prior, which leaves it."""
    prior = Prior(pre=run[0], mu=1e5)
    began, ended = trained_with(
        1, run[0], tmp_path / "new", micro_batches=micro_batches, prior=prior
    )
    before, after = began.discriminator["trunk"], ended.discriminator["trunk"]
    assert_same(after["layer_0"], run[1].discriminator["trunk"]["layer_0"])
    assert_same(after["layer_0"], before["layer_0"])
    assert (after["layer_1"]["kernel"] != before["layer_1"]["kernel"]).all()
    assert (ended.discriminator["head"]["score"]["kernel"] != 0).all()
    said = capsys.readouterr().err
    assert "frozen as they are there: discriminator trunk/layer_0\n" in said
    assert "not pulled: discriminator trunk/layer_0\n" in said


def test_learning_of_the_free_layers_is_that_of_a_run_whose_gradient_is_cut(
    run: tuple[Path, TrainState],
) -> None:
    """The gradients of the layers that are free are those of a run that freezes nothing."""
    norms, found = {}, {}
    for frozen in (0, 1):
        config = dataclasses.replace(CONFIG, init_from=run[0], init_frozen=frozen)
        parts = assemble(config)._replace(optimizer=optax.sgd(1.0))
        _, state, _ = begun(config)
        fresh = parts.init_state()
        state = state._replace(
            generator_optim=fresh.generator_optim, discriminator_optim=fresh.discriminator_optim
        )
        step = jax.jit(parts.train_step())
        after, outcome = step(state, load_batches(parts.source, BATCH, 0, 0, 1))
        found[frozen], norms[frozen] = after.discriminator, outcome.metrics
    for path in (("trunk", "layer_1"), ("head", "score")):
        one, other = (found[frozen][path[0]][path[1]] for frozen in (0, 1))
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), one, other
        )
    assert_same(found[1]["trunk"]["layer_0"], run[1].discriminator["trunk"]["layer_0"])
    grown = found[0]["trunk"]["layer_0"]["kernel"] - found[1]["trunk"]["layer_0"]["kernel"]
    squares = [float(norms[frozen]["discriminator/grad_norm"][0]) ** 2 for frozen in (0, 1)]
    assert squares[0] > squares[1] > 0
    assert np.abs(grown).max() > 0


def test_layers_that_are_not_there_can_not_be_frozen(
    run: tuple[Path, TrainState], tmp_path: Path
) -> None:
    config = dataclasses.replace(CONFIG, workdir=tmp_path / "new", init_from=run[0], init_frozen=3)
    with pytest.raises(ConfigError, match=r"^init_frozen = 3: must be at most 2, the levels"):
        loop.train(config, ONE_DEVICE)
    deeper = dataclasses.replace(CONFIG.discriminator, depth=3)
    with pytest.raises(ConfigError, match=r"^init_frozen = 3: trunk/layer_2 would stay as drawn"):
        loop.train(dataclasses.replace(config, discriminator=deeper), ONE_DEVICE)
    assert not (tmp_path / "new").exists()
    for without in ({"init_players": "generator"}, {"init_parts": "head"}):
        with pytest.raises(ConfigError, match=r"^init_frozen = 3: must be 0 with init_p"):
            dataclasses.replace(config, **without)
    own = assemble(CONFIG).networks.with_discriminator(lambda key: {}, lambda params, x: x[:, 0])
    with pytest.raises(ConfigError, match=r"^init_frozen = 1: must be at most 0"):
        own.frozen_groups(1)
