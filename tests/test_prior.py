"""Pulls towards other runs: the closed form, the step, what is pulled, what is refused."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cgan import parallel
from cgan.assemble import assemble
from cgan.config import (
    ConfigError,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Penalty,
    Prior,
)
from cgan.data.pipeline import load_batches
from cgan.multi_seed import SeedTrainer
from cgan.prior import Anchor, energy, pull, pulled_updates
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.state import TrainState
from cgan.training import loop, pretrained, start
from tests.other_runs import BATCH, assert_same, begun, saved, small
from tests.plain_step import plain_step
from train import parse

ONE_DEVICE = jax.devices()[:1]
CONFIG = small(
    "digits",
    penalty=Penalty(r1=0.1, r2=0.0),
    total_nimg=4 * BATCH,
    checkpoint_nimg=2 * BATCH,
    log_nimg=2 * BATCH,
)
N = 1_437
"""Training samples of the digits."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, TrainState]]:
    """Two runs' folders, and what is saved in them."""
    folder = tmp_path_factory.mktemp("prior")
    return {name: (folder / name, saved(folder / name, CONFIG, by)) for name, by in BY.items()}


BY = {"pre": 0.05, "par": -0.1}


DIMENSIONS = 5
THETA, W_PAR, W_PRE = np.random.default_rng(0).normal(size=(3, DIMENSIONS))
QUADRATIC: dict[str, tuple[float, float, float]] = {
    "all three": (100.0, 30.0, 50.0),
    "no prior to speak of, n to infinity": (1e9, 1.0, 2.0),
    "nothing but the prior, n to 0": (1.0, 3e7, 1e7),
    "one checkpoint": (20.0, 0.0, 40.0),
}
"""n, lambda, mu."""


def rest(
    optimizer: optax.GradientTransformation,
    n: float,
    lam: float,
    mu: float,
    rate: Callable[[int], float] | None,
    steps: int,
) -> np.ndarray:
    """Where the mean loss `|w - theta|^2 / 2` with pulls comes to rest under an optimizer."""
    center = (lam * W_PAR + mu * W_PRE) / (lam + mu)
    anchor = Anchor({"w": jnp.asarray(center, jnp.float32)}, {"w": jnp.float32((lam + mu) / n)})
    params = {"w": jnp.zeros(DIMENSIONS)}

    def step(carried: Any, number: Any) -> tuple[Any, None]:
        params, state = carried
        gradients = jax.grad(lambda p: 0.5 * jnp.sum((p["w"] - jnp.float32(THETA)) ** 2))(params)
        decoupled = None if rate is None else rate(number)
        towards = pull(anchor, params)
        updates, state = pulled_updates(optimizer, gradients, state, params, towards, decoupled)
        return (optax.apply_updates(params, updates), state), None

    start = (params, optimizer.init(params))
    (params, _), _ = jax.jit(lambda carried: jax.lax.scan(step, carried, jnp.arange(steps)))(start)
    return np.asarray(params["w"], np.float64)


def closed_form(n: float, lam: float, mu: float) -> np.ndarray:
    return (n * THETA + lam * W_PAR + mu * W_PRE) / (n + lam + mu)


@pytest.mark.parametrize("name", QUADRATIC)
@pytest.mark.parametrize("decoupled", [False, True])
def test_gradient_descent_comes_to_rest_at_the_closed_form(name: str, decoupled: bool) -> None:
    """Within the loss and beside it alike; both corners of n are among the cases."""
    n, lam, mu = QUADRATIC[name]
    lr = 1 / (1 + (lam + mu) / n)
    found = rest(
        optax.sgd(lr), n, lam, mu, (lambda _: jnp.float32(lr)) if decoupled else None, steps=50
    )
    expected = closed_form(n, lam, mu)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    if name.startswith("no prior"):
        np.testing.assert_allclose(expected, THETA, atol=1e-6)
    if name.startswith("nothing but"):
        np.testing.assert_allclose(expected, 0.75 * W_PAR + 0.25 * W_PRE, atol=1e-6)


def test_adam_comes_to_rest_there_within_the_loss_and_not_beside_it() -> None:
    n, lam, mu = QUADRATIC["all three"]
    steps = 4_000

    def rate(number: Any) -> Any:
        return 0.05 * 0.5 ** (number / 150)

    adam = optax.adam(rate, b1=0.0, b2=0.9)
    within = rest(adam, n, lam, mu, None, steps)
    np.testing.assert_allclose(within, closed_form(n, lam, mu), atol=1e-6)
    beside = rest(adam, n, lam, mu, rate, steps)
    assert np.abs(beside - closed_form(n, lam, mu)).max() > 0.05


def test_the_pull_is_the_slope_of_the_energy_and_two_runs_pull_as_their_sum() -> None:
    n, lam, mu = QUADRATIC["all three"]
    center = (lam * W_PAR + mu * W_PRE) / (lam + mu)
    anchor = Anchor({"w": jnp.float32(center)}, {"w": jnp.float32((lam + mu) / n)})
    w = {"w": jnp.arange(DIMENSIONS, dtype=jnp.float32)}
    both = lam / n * (w["w"] - W_PAR) + mu / n * (w["w"] - W_PRE)
    np.testing.assert_allclose(pull(anchor, w)["w"], both, rtol=1e-5)
    np.testing.assert_allclose(jax.grad(energy, argnums=1)(anchor, w)["w"], both, rtol=1e-5)


def with_prior(runs: dict[str, tuple[Path, TrainState]], **changes: Any) -> Experiment:
    prior = Prior(pre=runs["pre"][0], mu=300.0, par=runs["par"][0], lam=100.0)
    return dataclasses.replace(CONFIG, prior=dataclasses.replace(prior, **changes))


RATE = 0.3


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize(
    ("devices", "micro_batches"),
    [(2, 4), *(pytest.param(*split, marks=pytest.mark.slow) for split in ((8, 1), (1, 4)))],
)
def test_a_step_is_that_of_the_loss_with_both_terms_written_plainly(
    runs: dict[str, tuple[Path, TrainState]], decoupled: bool, devices: int, micro_batches: int
) -> None:
    """On several devices, and in micro-batches; from weights that are at neither run."""
    optim = dataclasses.replace(CONFIG.optim, lr=RATE, final_lr_fraction=1.0)
    config = dataclasses.replace(with_prior(runs, decoupled=decoupled), optim=optim)
    parts, state, _ = begun(dataclasses.replace(config, micro_batches=micro_batches))
    parts = parts._replace(optimizer=optax.sgd(RATE))
    state = state._replace(discriminator_optim=(), generator_optim=())
    fresh = parts.init_state()
    state = state._replace(
        discriminator_optim=fresh.discriminator_optim, generator_optim=fresh.generator_optim
    )
    plain = plain_step(parts._replace(config=dataclasses.replace(parts.config, prior=Prior())))

    def term(params: Any, player: str) -> Any:
        of = {"generator": "generator_ema"}.get(player, player)
        squares = [
            strength
            / (2 * N)
            * sum(jnp.sum((w - v) ** 2) for w, v in zip(*map(jax.tree.leaves, pair), strict=True))
            for name, strength in (("pre", 300.0), ("par", 100.0))
            for pair in [(params, getattr(runs[name][1], of))]
        ]
        return sum(squares)

    def of_discriminator(params: Any) -> Any:
        return plain.discriminator_loss((params, state.learnt), state) + term(
            params, "discriminator"
        )

    def moved(loss: Any, params: Any) -> Any:
        slopes = jax.jit(jax.grad(loss))(params)
        return jax.tree.map(lambda w, slope: w - RATE * slope, params, slopes)

    discriminator = moved(of_discriminator, state.discriminator)
    after = state._replace(discriminator=discriminator)
    generator = moved(
        lambda params: plain.generator_loss(params, after) + term(params, "generator"),
        state.generator,
    )
    placed = jax.devices()[:devices]
    step = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), placed)
    batches = parallel.shard(load_batches(parts.source, BATCH, 0, 0, 1), placed)
    found, outcome = parallel.fetch(step(parallel.replicate(state, placed), batches))
    for name, expected in (("discriminator", discriminator), ("generator", generator)):
        for leaf, other in zip(
            jax.tree.leaves(getattr(found, name)), jax.tree.leaves(expected), strict=True
        ):
            np.testing.assert_allclose(leaf, other, rtol=1e-4, atol=1e-5)
        constant = term(getattr(state, name), name) - outcome.metrics[f"{name}/prior"][0]
        at_center = term(state.prior[name].center, name)
        np.testing.assert_allclose(constant, at_center, rtol=1e-4)
    assert_same(found.prior, jax.device_get(state.prior))


def test_what_is_pulled_by_whom_is_said(
    runs: dict[str, tuple[Path, TrainState]], capsys: pytest.CaptureFixture[str]
) -> None:
    _, state, _ = begun(with_prior(runs))
    said = capsys.readouterr().err.splitlines()
    of_both = "generator trunk, generator head, discriminator trunk, discriminator head"
    for name, strength in (("pre", 300), ("par", 100)):
        head = f"pulled by {strength} / 1,437 towards {runs[name][0]} after 32 images"
        assert any(f"{head}, the generator's average: {of_both}" in line for line in said)
    assert not any("not pulled" in line for line in said)
    kernel = ("trunk", "layer_0", "kernel")
    centers = [run[1].discriminator[kernel[0]][kernel[1]][kernel[2]] for run in runs.values()]
    anchor = state.prior["discriminator"]
    np.testing.assert_allclose(
        anchor.center["trunk"]["layer_0"]["kernel"],
        0.75 * centers[0] + 0.25 * centers[1],
        rtol=1e-6,
        atol=1e-8,
    )
    assert {float(leaf) for leaf in jax.tree.leaves(anchor.strength)} == {np.float32(400 / N)}
    ema = runs["pre"][1].generator_ema["head"]["out"]["bias"]
    other = runs["par"][1].generator_ema["head"]["out"]["bias"]
    np.testing.assert_allclose(
        state.prior["generator"].center["head"]["out"]["bias"], 0.75 * ema + 0.25 * other, rtol=1e-6
    )


def test_players_parts_and_what_only_one_run_has(
    runs: dict[str, tuple[Path, TrainState]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The trunk of a deeper discriminator with another head; one of the runs has as deep a one."""
    deeper = dataclasses.replace(CONFIG, discriminator=Discriminator(width=4, depth=3))
    saved(tmp_path / "deep", deeper)
    config = with_prior(runs, players="discriminator", parts="trunk", par=tmp_path / "deep")
    config = dataclasses.replace(
        config,
        discriminator=deeper.discriminator,
        embedding=Embedding(weight=1.0, dimensions=3),
    )
    _, state, _ = begun(config)
    assert list(state.prior) == ["discriminator"]
    strength = state.prior["discriminator"].strength
    assert strength["trunk"]["layer_1"]["kernel"] == np.float32(400 / N)
    assert strength["trunk"]["layer_2"]["kernel"] == np.float32(100 / N)
    assert not any(jax.tree.leaves(strength["head"]))
    said = capsys.readouterr().err
    assert ": discriminator trunk/layer_0, discriminator trunk/layer_1\n" in said
    assert "not pulled: generator trunk, generator head, discriminator head\n" in said


def test_a_run_that_starts_from_one_and_is_pulled_to_it_reads_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is written; what is read then is what it begins with."""
    saved(tmp_path / "pre", CONFIG)
    asked = []
    read = pretrained.read
    monkeypatch.setattr(pretrained, "read", lambda root: asked.append(root) or read(root))
    config = dataclasses.replace(
        CONFIG,
        workdir=tmp_path / "new",
        init_from=tmp_path / "pre",
        prior=Prior(pre=tmp_path / "pre", mu=300.0),
        total_nimg=2 * BATCH,
    )
    final = loop.train(config, ONE_DEVICE)
    assert asked == [tmp_path / "pre"]
    _, begin, _ = begun(config)
    assert_same(final.prior, begin.prior)


def rows(root: Path) -> list[str]:
    speeds = ("images_per_sec", "input_stall")
    lines = (root / "metrics.jsonl").read_text().splitlines()
    return [
        ",".join(part for part in line.split(",") if not any(name in part for name in speeds))
        for line in lines
    ]


def test_a_run_goes_on_bit_for_bit_whatever_becomes_of_the_others(tmp_path: Path) -> None:
    """One is deleted on the way, the other has gone on training."""
    there = {name: saved(tmp_path / name, CONFIG, by) for name, by in BY.items()}
    prior = Prior(pre=tmp_path / "pre", mu=300.0, par=tmp_path / "par", lam=100.0)
    config = dataclasses.replace(
        CONFIG, prior=prior, init_from=tmp_path / "pre", ramp_nimg=4 * BATCH
    )
    whole = loop.train(dataclasses.replace(config, workdir=tmp_path / "whole"), ONE_DEVICE)
    cut = dataclasses.replace(config, workdir=tmp_path / "cut")
    loop.train(dataclasses.replace(cut, total_nimg=2 * BATCH), ONE_DEVICE)
    shutil.rmtree(tmp_path / "pre")
    further = jax.tree.map(lambda leaf: (leaf + 1).astype(leaf.dtype), there["par"])
    with Checkpoints(tmp_path / "par" / "checkpoints") as checkpoints:
        checkpoints.save(64, further)
    assert_same(loop.train(cut, ONE_DEVICE), whole)
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    assert '"generator/prior"' in rows(tmp_path / "whole")[-1]
    weaker = dataclasses.replace(cut, prior=dataclasses.replace(prior, mu=1.0))
    with pytest.raises(ConfigError, match=r"prior\.mu is 300\.0 there, not 1\.0"):
        loop.train(weaker, ONE_DEVICE)


def refusals(runs: dict[str, tuple[Path, TrainState]], tmp_path: Path) -> dict[str, Any]:
    points = dataclasses.replace(CONFIG, data=Data("ring8"))
    saved(tmp_path / "points", points)
    Workdir(tmp_path / "empty").create(dataclasses.replace(CONFIG, workdir=tmp_path / "empty"))
    conv = Discriminator("conv", width=4, depth=1)
    return {
        "no run": ({"pre": tmp_path / "none"}, {}, "prior.pre = .*not a run, config.json is miss"),
        "no checkpoint": ({"par": tmp_path / "empty"}, {}, "prior.par = .*no checkpoints yet"),
        "another kind": (
            {"pre": tmp_path / "points"},
            {},
            "prior.pre = .*learnt points, and this run learns images; must be a run on images",
        ),
        "another architecture": (
            {"players": "discriminator"},
            {"discriminator": conv},
            r"prior.pre = .*discriminator head/score/kernel has the shape \(4, 1\) there, and "
            r"\(128, 1\) in this config; must be the same, or be left out by prior.players or",
        ),
        "nothing shared": (
            {"players": "discriminator", "parts": "trunk"},
            {"discriminator": conv},
            "prior.pre = .*nothing there has a place here: its networks are 'mlp' and 'mlp', these "
            "'mlp' and 'conv', with prior.players = 'discriminator' and prior.parts = 'trunk'",
        ),
        "too strong": (
            {"decoupled": True, "mu": 1e7},
            {},
            r"prior.mu = 10000000.0: must be such that mu \+ lam = 1.00001e\+07 is below n / "
            r"optim.lr = 1.437e\+06 with prior.decoupled",
        ),
    }


@pytest.mark.parametrize(
    "name",
    [
        "no run",
        "no checkpoint",
        "another kind",
        "another architecture",
        "nothing shared",
        "too strong",
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    name: str, runs: dict[str, tuple[Path, TrainState]], tmp_path: Path
) -> None:
    changes, others, message = refusals(runs, tmp_path)[name]
    config = dataclasses.replace(with_prior(runs, **changes), workdir=tmp_path / "new", **others)
    with pytest.raises(ConfigError, match=f"^{message}"):
        loop.train(config, ONE_DEVICE)
    assert not (tmp_path / "new").exists()


def test_strengths_and_runs_need_each_other() -> None:
    for run, strength in (("pre", "mu"), ("par", "lam")):
        with pytest.raises(ConfigError, match=rf"^prior\.{strength} = 2\.0: must be 0\.0 with pri"):
            Prior(**{strength: 2.0})
        with pytest.raises(ConfigError, match=rf"^prior\.{strength} = 0\.0: must be more than 0 w"):
            Prior(**{run: Path("runs/other")})
        with pytest.raises(ConfigError, match=rf"^prior\.{strength} = -1\.0: must be 0 or more"):
            Prior(**{run: Path("runs/other"), strength: -1.0})
        with pytest.raises(ConfigError, match=rf"^prior\.{run} = '\.': must be the folder of a"):
            Prior(**{run: Path(), strength: 1.0})
    with pytest.raises(ConfigError, match=r"^prior\.decoupled = True: must be False where prior"):
        Prior(decoupled=True)


def test_a_run_of_many_seeds_is_given_the_start_or_refused(
    runs: dict[str, tuple[Path, TrainState]],
) -> None:
    parts = assemble(with_prior(runs))
    with pytest.raises(ConfigError, match=r"^prior\.pre = .*: must be None here, or start="):
        SeedTrainer(parts, jax.devices()[0])
    trainer = SeedTrainer(parts, jax.devices()[0], start.begin)
    _, states = parallel.fetch(trainer.begin([3]))
    expected = start.begin(parts, jax.device_get(parts.init_state(3)))
    jax.tree.map(
        lambda found, one: np.testing.assert_array_equal(found[0], one),
        states.prior,
        expected.prior,
    )


def test_the_command_line_says_what_to_be_pulled_to() -> None:
    words = "digits --prior.pre runs/other --prior.mu 100 --prior.decoupled --prior.parts trunk"
    found = parse(words.split()).experiment.prior
    assert found == Prior(pre=Path("runs/other"), mu=100.0, decoupled=True, parts="trunk")
    assert parse(["digits"]).experiment.prior.is_off
