"""Federated training: clients' steps, their average, what they send, and that a run goes on."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.communication import OPERATION, SHAPE, collectives
from cgan import parallel
from cgan.assemble import Parts, assemble
from cgan.axis import ONE_DEVICE
from cgan.bank import NEVER, Ring
from cgan.config import (
    Augment,
    Bank,
    ConfigError,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Federated,
    Generator,
    Penalty,
    from_json,
    to_json,
)
from cgan.federated import averaging, traffic
from cgan.federated.clients import AVERAGED, average_of, client_of, client_seed, spread
from cgan.multi_seed import SeedTrainer
from cgan.sampling.runs import draw_samples, load_run
from cgan.state import TrainState
from cgan.training import loop
from tests.test_loop import ONE_DEVICE as DEVICE
from tests.test_loop import rows, train_until
from tests.test_step import relative_error

CLIENTS, LOCAL, EACH, STEPS = 4, 2, 4, 6
CONFIG = Experiment(
    workdir=Path("replaced"),
    data=Data("digits"),
    generator=Generator(latent_dim=4, width=8, depth=1),
    discriminator=Discriminator(width=8, depth=1, spectral_norm=True),
    penalty=Penalty(r1=0.0, r2=0.0),
    embedding=Embedding(weight=0.5, dimensions=4, temperature_bounds=(0.05, 0.5)),
    augment=Augment(0.3),
    bank=Bank(3 * CLIENTS * EACH),
    batch_size=CLIENTS * EACH,
    steps_per_dispatch=STEPS,
    total_nimg=2 * STEPS * CLIENTS * EACH,
    log_nimg=STEPS * CLIENTS * EACH,
    snapshot_nimg=10**6,
    checkpoint_nimg=STEPS * CLIENTS * EACH,
    probe_nimg=0,
    federated=Federated(CLIENTS, LOCAL, classes=3, dropout=0.4),
)
ROUNDS = 2 * STEPS // LOCAL


@pytest.fixture(scope="module")
def parts() -> Parts:
    return assemble(CONFIG)


@pytest.fixture(scope="module")
def programs(parts: Parts) -> dict[int, Any]:
    """The compiled dispatch on one device and on as many as there are clients."""
    found = {}
    for count in (1, CLIENTS):
        devices = jax.local_devices()[:count]
        step = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), devices)
        state = parallel.replicate(parts.init_state(), devices)
        batches = parallel.shard(parts.dispatches()[0], devices)
        found[count] = (step.compile(state, batches), devices)
    return found


@pytest.fixture(scope="module")
def trained(parts: Parts, programs: dict[int, Any]) -> dict[int, tuple[TrainState, Any]]:
    """State and metrics after two dispatches, by the number of devices."""
    found = {}
    for count, (program, devices) in programs.items():
        state, told = parallel.replicate(parts.init_state(), devices), []
        for number in range(2):
            state, outcome = program(state, parallel.shard(parts.dispatches()[number], devices))
            told.append(parallel.fetch(outcome))
        metrics = jax.tree.map(lambda *of: np.concatenate(of), *told)
        found[count] = (parallel.fetch(state), metrics)
    return found


def who_takes_part(number: int) -> np.ndarray:
    return np.asarray(
        averaging.taking_part(CONFIG.seed, jnp.int32(number), CLIENTS, CONFIG.federated.dropout)
    )


def test_clients_that_drop_out_are_drawn_anew_for_each_round() -> None:
    drawn = np.array([who_takes_part(number) for number in range(400)])
    assert drawn.mean() == pytest.approx(0.6, abs=0.04)
    assert len({tuple(of) for of in drawn}) == 2**CLIENTS
    some = drawn[:ROUNDS]
    assert not some.all()
    assert some.any(axis=0).all()  # who drops out comes back


class Plain:
    """All clients one after another on one device, and their averages in NumPy."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        start = client_of(jax.device_get(parts.init_state()), 0)
        self.states = [start] * CLIENTS
        self.alone = jax.jit(self.of_client)
        self.lost: list[tuple[int, int]] = []

    def of_client(self, client: Any, state: TrainState, batch: Any) -> TrainState:
        axis = ONE_DEVICE._replace(clients=CLIENTS, client=client)
        return self.parts.single_step(client_seed(CONFIG.seed, client), axis)(state, batch)[0]

    def step(self, number: int) -> None:
        whole = self.parts.dispatches()[number // STEPS]
        batch = jax.tree.map(lambda leaf: leaf[number % STEPS][None], whole)
        for k in range(CLIENTS):
            mine = jax.tree.map(lambda leaf, k=k: leaf[:, EACH * k : EACH * k + EACH], batch)
            self.states[k] = jax.device_get(self.alone(k, self.states[k], mine))
        if (number + 1) % LOCAL == 0:
            self.end_round(number // LOCAL)

    def end_round(self, number: int) -> None:
        sends = who_takes_part(number)
        self.lost += [(number, int(k)) for k in np.flatnonzero(~sends)]
        if not sends.any():
            return
        shares = self.parts.shards.shares * sends / (self.parts.shards.shares * sends).sum()

        def mean(*leaves: np.ndarray) -> np.ndarray:
            if not np.issubdtype(leaves[0].dtype, np.floating):
                return leaves[0]
            return sum(s * leaf.astype(np.float64) for s, leaf in zip(shares, leaves, strict=True))

        banks = [state.bank for state in self.states]
        newest = [bank.written[k * 3 * EACH : (k + 1) * 3 * EACH] for k, bank in enumerate(banks)]
        for name in AVERAGED:
            each = [getattr(state, name) for state in self.states]
            average = jax.tree.map(mean, *each)
            same = jax.tree.map(lambda new, old: np.asarray(new, old.dtype), average, each[0])
            self.states = [state._replace(**{name: same}) for state in self.states]
        for k in range(CLIENTS):
            bank = jax.tree.map(np.copy, banks[k])
            for other in np.flatnonzero(sends):
                fresh = newest[other] > number * LOCAL - 1
                slots = other * 3 * EACH + np.flatnonzero(fresh)
                theirs = banks[other]
                bank.written[slots] = theirs.written[slots]
                for entry, ring in bank.entries.items():
                    ring[slots] = theirs.entries[entry][slots]
            self.states[k] = self.states[k]._replace(bank=Ring(bank.written, bank.entries))


def test_clients_take_ordinary_steps_and_their_average_is_that_of_those_who_take_part(
    parts: Parts, trained: dict[int, tuple[TrainState, Any]]
) -> None:
    """Against the ordinary step on one client after another, from round to round in NumPy."""
    plain = Plain(parts)
    for number in range(2 * STEPS):
        plain.step(number)
    assert plain.lost
    state, _ = trained[1]
    assert state.step == 2 * STEPS
    for k in range(CLIENTS):
        found = client_of(state, k)
        for name in AVERAGED:
            error = relative_error(getattr(found, name), getattr(plain.states[k], name))
            assert error < 2e-4, (k, name)
        np.testing.assert_array_equal(found.bank.written, plain.states[k].bank.written)
        assert relative_error(found.bank.entries, plain.states[k].bank.entries) < 2e-4


def test_the_result_is_the_same_on_one_device_and_on_as_many_as_clients(
    trained: dict[int, tuple[TrainState, Any]],
) -> None:
    (one, told), (many, told_by_many) = trained[1], trained[CLIENTS]
    for name in TrainState._fields:
        if jax.tree.leaves(getattr(one, name)):
            assert relative_error(getattr(many, name), getattr(one, name)) < 1e-4, name
    assert told.metrics.keys() == told_by_many.metrics.keys()
    for name, values in told.metrics.items():
        np.testing.assert_allclose(told_by_many.metrics[name], values, rtol=1e-3, atol=1e-4)


def test_metrics_are_of_each_client_and_their_mean(
    trained: dict[int, tuple[TrainState, Any]],
) -> None:
    metrics, finite = trained[1][1]
    assert finite.shape == (2 * STEPS, CLIENTS, 5)
    for name in ("discriminator/loss", "generator/loss", "discriminator/score_gap"):
        each = [metrics[f"client_{k}/{name}"] for k in range(CLIENTS)]
        assert np.ptp(each, axis=0).min() > 0
        np.testing.assert_allclose(np.mean(each, axis=0), metrics[name], rtol=1e-5, atol=1e-6)
    expected = [who_takes_part(number).mean() for number in range(ROUNDS) for _ in range(LOCAL)]
    np.testing.assert_allclose(metrics["federated/taking_part"], expected, rtol=1e-6)


def test_no_collective_carries_samples_and_what_is_sent_is_what_is_said(
    parts: Parts, programs: dict[int, Any]
) -> None:
    """Read from the compiled program on as many devices as clients.

    Bytes leave no room for more than a round's average, its embeddings, and, at the end of a
    dispatch, the state and metrics that are to be saved.
    """
    text = programs[CLIENTS][0].as_text()
    sample = parts.source.sample_shape
    sent = collectives(text, CLIENTS)
    shapes = [
        tuple(int(side) for side in sides.split(",") if side)
        for result, *_ in OPERATION.findall(text)
        for _, sides in SHAPE.findall(result)
    ]
    assert shapes
    for shape in shapes:
        assert not any(shape[at : at + len(sample)] == sample for at in range(len(shape))), shape
    state, batch = parts.abstract_state(), parts.dispatches()[0]
    single = jax.eval_shape(lambda: client_of(parts.init_state(), 0))
    banked = LOCAL * EACH * (8 * CONFIG.embedding.dimensions + 8)
    of_round = traffic.of_round(CONFIG, single)
    reduced = sum(one.size for one in sent if one.kind == "all-reduce")
    assert reduced == of_round - banked
    whole = sum(
        leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state._replace(step=None))
    )
    told = jax.eval_shape(parts.train_step(), state, batch)[1]
    plain = {name for name in told.metrics if not name.startswith(("client_", "federated/"))}
    flags = CLIENTS * STEPS * (4 * len(plain) + 5)
    gathered = sum(one.size for one in sent if one.kind != "all-reduce")
    assert gathered == CLIENTS * banked + whole + flags


def test_a_round_sends_more_than_a_central_step_and_less_than_many(parts: Parts) -> None:
    single = jax.eval_shape(lambda: client_of(parts.init_state(), 0))
    of_step, of_round = traffic.of_central_step(single), traffic.of_round(CONFIG, single)
    assert of_step < of_round
    isolated = dataclasses.replace(
        CONFIG, federated=dataclasses.replace(CONFIG.federated, local_steps=0, dropout=0.0)
    )
    assert traffic.of_round(isolated, single) == 0
    bare = traffic.of_round(CONFIG, single._replace(bank=None))
    assert bare < 4 * of_step
    assert of_round - bare == LOCAL * EACH * (8 * 4 + 8)


def test_nobody_is_changed_where_all_drop_out() -> None:
    state = spread(assemble(dataclasses.replace(CONFIG, federated=Federated())).init_state(), 3)
    moved = state._replace(
        generator=jax.tree.map(
            lambda x: x + jnp.arange(3.0).reshape(-1, *[1] * (x.ndim - 1)), state.generator
        )
    )
    found = averaging.averaged(moved, jnp.zeros(3), jnp.arange(3), ONE_DEVICE)
    jax.tree.map(np.testing.assert_array_equal, found, moved)
    alone = averaging.averaged(moved, jnp.array([0.0, 0.2, 0.0]), jnp.arange(3), ONE_DEVICE)
    for k in range(3):
        got, expected = client_of(alone, k).generator, client_of(moved, 1).generator
        jax.tree.map(np.testing.assert_array_equal, got, expected)


def test_the_average_is_weighted_by_samples_on_the_host_and_on_devices(parts: Parts) -> None:
    state = parts.init_state()
    rng = np.random.default_rng(0)
    host = jax.device_get(state)
    host = host._replace(
        generator_ema=jax.tree.map(
            lambda x: rng.normal(size=x.shape).astype(np.float32), host.generator_ema
        )
    )
    found = average_of(host, parts.shards.shares)
    on_devices = average_of(jax.device_put(host), parts.shards.shares)
    for got, each, other in zip(
        *(jax.tree.leaves(tree.generator_ema) for tree in (found, host, on_devices)), strict=True
    ):
        np.testing.assert_allclose(got, np.tensordot(parts.shards.shares, each, 1), atol=1e-6)
        np.testing.assert_allclose(got, other, atol=1e-6)
    assert jax.tree.structure(found) == jax.tree.structure(client_of(host, 0))


def test_a_run_cut_within_a_round_goes_on_bit_for_bit_and_is_judged_by_its_average(
    one_step: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dispatches of 3 steps, rounds of 2: the checkpoint at step 3 is in the middle of one."""
    nimg = 3 * CONFIG.batch_size
    config = dataclasses.replace(
        CONFIG,
        workdir=tmp_path / "whole",
        steps_per_dispatch=3,
        total_nimg=3 * nimg,
        log_nimg=nimg,
        checkpoint_nimg=nimg,
        probe_nimg=nimg,
    )
    expected = loop.train(config, DEVICE)
    again = dataclasses.replace(config, workdir=tmp_path / "cut")
    train_until(again, 2 * nimg, monkeypatch)
    assert {path.name for path in (again.workdir / "checkpoints").iterdir()} == {str(nimg)}
    state = loop.train(again, DEVICE)
    jax.tree.map(np.testing.assert_array_equal, state, expected)
    assert rows(again) == rows(config)
    told = [json.loads(x) for x in (config.workdir / "metrics.jsonl").read_text().splitlines()]
    assert any("probe/alarms" in row for row in told)
    assert "client_3/generator/loss" in told[-1] or "client_3/generator/loss" in told[-2]
    parts = assemble(config)
    run = load_run(config.workdir)
    average = parts.judged(expected)
    jax.tree.map(np.testing.assert_array_equal, run.params, average.generator_ema)
    assert draw_samples(run, 5, 0).shape == (5, 8, 8, 1)
    second = load_run(config.workdir, client=1)
    jax.tree.map(np.testing.assert_array_equal, second.params, client_of(expected, 1).generator_ema)
    with pytest.raises(ConfigError, match=r"client = 4: must be from 0 to 3"):
        load_run(config.workdir, client=4)
    other = dataclasses.replace(config.federated, local_steps=3)
    with pytest.raises(ConfigError, match=r"federated\.local_steps is 2 there, not 3"):
        loop.train(dataclasses.replace(again, federated=other), DEVICE)
    found = SeedTrainer(parts, DEVICE[0]).train([config.seed])[0]
    assert found.failure is None
    assert relative_error(found.state.generator, expected.generator) < 1e-4


def test_isolated_clients_never_meet_and_have_no_average(tmp_path: Path) -> None:
    config = dataclasses.replace(
        CONFIG,
        workdir=tmp_path / "run",
        bank=Bank(),
        embedding=Embedding(),
        augment=Augment(),
        steps_per_dispatch=1,
        total_nimg=2 * CONFIG.batch_size,
        snapshot_nimg=CONFIG.batch_size,
        federated=Federated(2, 0),
    )
    state = loop.train(config, DEVICE)
    first, second = (jax.tree.leaves(client_of(state, k).generator) for k in range(2))
    assert not any(np.array_equal(*pair) for pair in zip(first, second, strict=True))
    with pytest.raises(
        ConfigError, match=r"its 2 clients never averaged .*cgan\.sample RUN --client 0"
    ):
        load_run(config.workdir)
    images = [draw_samples(load_run(config.workdir, client=k), 3, 0) for k in range(2)]
    assert not np.array_equal(*images)
    assert len(list((config.workdir / "samples").iterdir())) == 3


def test_a_device_holds_whole_clients(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, workdir=tmp_path / "run", batch_size=24, bank=Bank(72))
    with pytest.raises(ConfigError, match=r"federated\.clients = 4: must be a multiple of the 3"):
        loop.train(config, jax.devices()[:3])
    parts = assemble(CONFIG)
    batch = jax.tree.map(lambda leaf: leaf[:, : 2 * EACH], parts.dispatches()[0])
    with pytest.raises(ValueError, match="the rows of 2 of 4 clients"):
        jax.eval_shape(parts.train_step(), parts.abstract_state(), batch)


def test_a_bank_must_be_shorter_than_each_clients_own_data() -> None:
    smallest = min(map(len, assemble(CONFIG).shards.rows))
    longest = (CLIENTS * smallest - CONFIG.batch_size - 1) // CONFIG.batch_size
    longest *= CONFIG.batch_size
    assemble(dataclasses.replace(CONFIG, bank=Bank(longest)))
    longer = dataclasses.replace(CONFIG, bank=Bank(longest + CONFIG.batch_size))
    with pytest.raises(ConfigError, match=rf"at most {longest} with 4 times the samples"):
        assemble(longer)


def test_a_config_of_before_there_were_clients_is_read() -> None:
    config = dataclasses.replace(CONFIG, federated=Federated())
    written = json.loads(to_json(config))
    assert written.pop("federated")["clients"] == 0
    assert from_json(json.dumps(written)) == config
    assert from_json(to_json(CONFIG)) == CONFIG
    assert (assemble(CONFIG).init_state().bank.written == NEVER).all()
