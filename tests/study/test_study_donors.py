"""Runs that take weights of others: what those learn, whose images they are, and what fails."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from cgan import multi_seed
from cgan.assemble import assemble
from cgan.config import ConfigError, Data, Pretraining, Prior
from cgan.pretext.runs import restore_pretraining
from cgan.system.errors import NonFiniteError
from cgan.training import loop
from eval.study import donor as donors
from eval.study import runs
from eval.study.declare import Benchmark, Figure, Study, Variant, change, settings
from eval.study.donor import A_DONOR, Donor, pretraining, same_run, start_from, start_near
from eval.study.plan import Job, missing
from eval.study.table import how_to_read
from tests.study.toy import PLAIN

FRECHET = Figure("frechet_distance", "Frechet distance", "{:.1f}", n=40)
SMALL = {"width": 8, "depth": 1}
"""Widths of networks that compile in a second or two."""


def small(config):
    config = change(generator=SMALL, discriminator=SMALL, **PLAIN)(config)
    return dataclasses.replace(config, batch_size=8, steps_per_dispatch=2)


STUDY = Study(
    summary="a run alone, one after a pretraining, one pulled to it, one after a GAN on all",
    variants={
        "scratch": Variant(change()),
        "pretrained": Variant(
            change(), donor=Donor(pretraining(task="masked"), 0.25, start_from())
        ),
        "prior": Variant(
            change(),
            {"1": change(prior={"mu": 1.0}), "3": change(prior={"mu": 3.0})},
            donor=Donor(pretraining(task="masked"), 0.25, start_near(2.0)),
        ),
        "transfer": Variant(
            change(),
            donor=Donor(same_run(change(data={"limit": None, "limit_seed": 0})), 0.5, start_from()),
        ),
    },
    benchmarks={
        "digits": Benchmark(
            total_nimg=64,
            figures=(FRECHET,),
            change=change(small, data={"limit": 20, "limit_seed": 3}),
            held_out=True,
        )
    },
    baseline="scratch",
    seeds=2,
    decides_by="frechet_distance@40",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that a study is run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_runs_see_as_many_images_with_those_of_their_donors():
    lengths = {
        name: (STUDY.donor_nimg("digits", name), STUDY.experiment("digits", name, None).total_nimg)
        for name in STUDY.variants
    }
    assert lengths == {
        "scratch": (0, 64),
        "pretrained": (16, 48),
        "prior": (16, 48),
        "transfer": (32, 32),
    }
    for name in ("pretrained", "prior", "transfer"):
        assert STUDY.donor("digits", name, 1).total_nimg == lengths[name][0]


def test_a_pretraining_learns_the_reals_that_the_run_will_and_no_others():
    donor, run = STUDY.donor("digits", "pretrained", 1), STUDY.experiment("digits", "prior", "3")
    assert isinstance(donor, Pretraining)
    assert donor.data == run.data == Data("digits", limit=20, limit_seed=3)
    assert (donor.seed, donor.generator, donor.discriminator) == (
        1,
        run.generator,
        run.discriminator,
    )
    assert (run.init_from, run.prior.pre, run.prior.mu) == (
        A_DONOR / "prior",
        A_DONOR / "prior",
        3.0,
    )
    assert STUDY.donor("digits", "transfer", 1).data == Data("digits")
    assert STUDY.donor("digits", "scratch", 1) is None


def test_a_run_is_pulled_to_what_is_asked_of_its_donor():
    take = start_near(2.0, "discriminator", "trunk", init_players="discriminator")
    config = take(A_DONOR)(STUDY.experiment("digits", "scratch", None))
    assert config.prior == Prior(pre=A_DONOR, mu=2.0, players="discriminator", parts="trunk")
    assert (config.init_from, config.init_players) == (A_DONOR, "discriminator")


def test_variants_share_a_donor_and_seeds_and_settings_do_not():
    folders = [STUDY.donor("digits", *of).workdir for of in (("pretrained", 0), ("prior", 0))]
    assert folders[0] == folders[1]
    others = [STUDY.donor("digits", *of).workdir for of in (("pretrained", 1), ("transfer", 0))]
    assert len({*folders, *others}) == 3


def test_a_run_starts_from_the_donor_of_its_own_seed(folder, monkeypatch):
    """Before step 0 its discriminator's trunk is that of the donor's checkpoint."""
    began = {}
    begin = multi_seed.SeedTrainer.begin

    def looked_at(self, seeds):
        placed = begin(self, seeds)
        states = jax.tree.map(lambda leaf: np.asarray(leaf)[0], placed[1])
        began[seeds[0]] = states.discriminator["trunk"]
        return placed

    monkeypatch.setattr(multi_seed.SeedTrainer, "begin", looked_at)
    job = Job("digits", "pretrained", None, (64,), (0, 1))
    rows = list(runs.rows_of(STUDY, job))
    assert [(one["seed"], one["nimg"], one["donor_nimg"]) for one in rows] == [
        (0, 64, 16),
        (1, 64, 16),
    ]
    assert {one["total_nimg"] for one in rows} == {64}
    assert all(one["frechet_distance@40"] > 0 for one in rows)
    for seed in (0, 1):
        donor = STUDY.donor("digits", "pretrained", seed)
        trained = restore_pretraining(folder / donor.workdir)
        assert trained.nimg == 16
        learnt = json.loads((folder / donor.workdir / "config.json").read_text())["data"]
        assert learnt["limit"] == 20
        there = trained.state.discriminator["trunk"]
        assert jax.tree.all(
            jax.tree.map(
                lambda a, b: np.array_equal(np.squeeze(a), np.squeeze(b)), began[seed], there
            )
        )
    assert not jax.tree.all(jax.tree.map(np.array_equal, began[0], began[1]))
    donor_of_0 = STUDY.donor("digits", "prior", 0)
    job = Job("digits", "prior", "3", (64,), (0,))
    trains = []
    take = loop.train
    monkeypatch.setattr(loop, "train", lambda config: trains.append(take(config)))
    checkpoints = sorted((folder / donor_of_0.workdir).rglob("*"))
    (again,) = runs.rows_of(STUDY, job)
    assert len(trains) == 1
    assert sorted((folder / donor_of_0.workdir).rglob("*")) == checkpoints
    assert again["frechet_distance@40"] != rows[0]["frechet_distance@40"]


def test_a_donor_that_fails_fails_its_run_alone(monkeypatch):
    def trained(config):
        if config.seed == 0:
            raise NonFiniteError("step 3: the answers are not finite")
        return config.workdir

    monkeypatch.setattr(donors, "trained", trained)
    asked = []

    def course(trainer, seeds, nimgs):
        asked.append(seeds)
        return iter([[] for _ in nimgs])

    monkeypatch.setattr(runs, "_course", course)
    rows = list(runs.rows_of(STUDY, Job("digits", "pretrained", None, (64,), (0, 1))))
    assert [(one["seed"], one["failed"]) for one in rows] == [
        (0, "donor: step 3: the answers are not finite")
    ]
    assert [seed for seeds in asked for seed in seeds] == [1]


def test_a_donor_that_leaves_no_images_is_no_study():
    whole = Variant(change(), donor=Donor(pretraining(), 1.0, start_from()))
    with pytest.raises(AssertionError):
        dataclasses.replace(STUDY, variants=STUDY.variants | {"whole": whole})


def test_a_starting_function_sees_the_seed_of_each_run():
    seen = []

    def start(parts, state):
        seen.append(parts.config.seed)
        return state

    parts = assemble(STUDY.experiment("digits", "scratch", None))
    multi_seed.SeedTrainer(parts, jax.local_devices()[0], start).begin((4, 7))
    assert seen == [4, 7]


def test_settings_change_what_stands_in_no_section():
    config = settings(change(data={"limit": 30}), init_frozen=0, seed=5)(
        STUDY.experiment("digits", "scratch", None)
    )
    assert (config.seed, config.data.limit) == (5, 30)
    with pytest.raises(ConfigError):
        settings(init_frozen=1)(config)


def test_how_a_page_says_what_was_compared():
    told = how_to_read(STUDY)
    assert "Samples are compared with held-out ones" in told
    assert "counts that one's images" in told


def test_every_donor_of_a_study_is_missing_work_of_its_variant():
    assert {job.variant for job in missing(STUDY, [])} == {None, *STUDY.variants}
