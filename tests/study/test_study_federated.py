"""A study of clients: whose figures a row has, each client's own, and what is sent."""

import dataclasses

import jax
import numpy as np
import pytest

from cgan.assemble import assemble
from cgan.config import Experiment, Federated
from cgan.federated import traffic
from cgan.federated.clients import client_of
from cgan.networks import count_parameters
from eval.study import clients, runs
from eval.study.declare import Benchmark, Variant, change
from eval.study.plan import missing
from eval.study.studies.federated import (
    CENTRAL,
    ISOLATED,
    LOCAL_STEPS,
    SENT,
    STUDY,
    averaged,
    central,
    every,
    isolated,
)
from eval.study.summary import tables
from eval.study.table import markdown
from tests.study.toy import KL, MODES, PLAIN, bare, small


def two_clients(config: Experiment) -> Experiment:
    """Eight modes of a ring, four a client."""
    return dataclasses.replace(config, federated=Federated(2, classes=4))


tiny = change(small, **PLAIN)
TOY = dataclasses.replace(
    STUDY,
    variants={
        CENTRAL: Variant(change(tiny, central)),
        ISOLATED: Variant(change(tiny, isolated)),
        averaged(8): Variant(change(tiny, every(8))),
    },
    benchmarks={"ring8": Benchmark(total_nimg=64, figures=(MODES, KL, *SENT), change=two_clients)},
    seeds=1,
    pairs=(),
    pairs_by=(),
)


@pytest.fixture(scope="module")
def rows():
    jobs = {job.variant: job for job in missing(TOY, bare()) if job.variant is not None}
    return {name: next(runs.rows_of(TOY, job)) for name, job in jobs.items()}


def test_isolated_clients_have_the_mean_of_their_figures_and_each_its_own(rows) -> None:
    each = rows[ISOLATED][clients.CLIENTS]
    assert len(each) == 2
    for figure in (MODES, KL):
        values = [of[figure.key] for of in each]
        assert rows[ISOLATED][figure.key] == pytest.approx(np.mean(values))
    assert clients.CLIENTS not in rows[CENTRAL] | rows[averaged(8)]


def test_what_is_sent_stands_beside_central_training(rows) -> None:
    of_round, of_step = (figure.key for figure in SENT)
    config = TOY.experiment("ring8", averaged(8), None)
    single = jax.eval_shape(lambda: client_of(assemble(config).init_state(), 0))
    found = rows[averaged(8)]
    assert found[of_round] == pytest.approx(traffic.of_round(config, single) / 1e6)
    assert found[of_step] == pytest.approx(found[of_round] / 8)
    assert rows[ISOLATED][of_round] == rows[ISOLATED][of_step] == 0
    state = client_of(assemble(config).init_state(), 0)
    players = count_parameters(state.generator) + count_parameters(state.discriminator)
    assert rows[CENTRAL][of_round] == rows[CENTRAL][of_step] == pytest.approx(4e-6 * players)


def test_a_table_prints_each_client_under_the_mean(rows) -> None:
    (table,) = tables(TOY, [*bare(), *rows.values()])
    text = markdown(TOY, [table])
    each = rows[ISOLATED][clients.CLIENTS]
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(f"| {ISOLATED} |"))
    for client, of in enumerate(each):
        assert lines[at + 1 + client].startswith(f"| *{ISOLATED}, client {client}* |  | ")
        assert f"| {of[KL.key]:.2f} |" in lines[at + 1 + client]


def test_a_figure_that_one_client_leaves_undefined_has_no_mean() -> None:
    assert clients.mean([{"a": 1.0, "b": 2.0}, {"a": None, "b": 4.0}])["a"] is None
    assert clients.mean([{"a": 1.0, "b": 2.0}, {"a": None, "b": 4.0}])["b"] == 3


def test_arms_differ_in_nothing_else_and_shards_are_the_same() -> None:
    for benchmark in STUDY.benchmarks:
        of = {name: STUDY.experiment(benchmark, name, None) for name in STUDY.variants}
        assert of[CENTRAL].federated == Federated()
        shards = {dataclasses.replace(one.federated, local_steps=8) for one in of.values()}
        assert len(shards) == 2  # none, and those of all other arms
        assert {one.batch_size for one in of.values()} == {80}
        for steps in LOCAL_STEPS:
            plain, bank = of[averaged(steps)], of[averaged(steps, bank=True)]
            assert plain.federated.local_steps == steps
            assert dataclasses.replace(bank, bank=plain.bank) == plain
