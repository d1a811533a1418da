"""The studies of few samples, of views and of transfer: what each run learns, and how long."""

import pytest

from cgan.config import Experiment, Pretraining
from eval.study import representation
from eval.study.studies import STUDIES, few_samples, transfer, view_strength

NAMES = ("few_samples", "transfer", "view_strength")


def runs_of(study):
    """Every benchmark, variant and trial that may be run, untuned ones with None."""
    for benchmark in study.benchmarks:
        for name, variant in study.variants_of(benchmark).items():
            for trial in variant.trials or (None,):
                yield benchmark, name, trial


@pytest.mark.parametrize("name", NAMES)
def test_all_arms_of_a_benchmark_see_as_many_images_in_whole_dispatches(name):
    study = STUDIES[name]
    for benchmark, variant, trial in runs_of(study):
        config = study.experiment(benchmark, variant, trial)
        donor = study.donor(benchmark, variant, 0)
        before = 0 if donor is None else donor.final_nimg
        assert before + config.final_nimg == study.benchmarks[benchmark].total_nimg
        assert (donor is None) == (config.init_from is None)


def test_a_pretraining_of_few_samples_learns_those_of_its_run_alone():
    study = few_samples.STUDY
    for benchmark, variant, trial in runs_of(study):
        config, donor = (
            study.experiment(benchmark, variant, trial),
            study.donor(benchmark, variant, 0),
        )
        n = benchmark.rpartition("_")[2]
        assert config.data.limit == (100 if n == "tuning" else int(n))
        if donor is not None:
            assert isinstance(donor, Pretraining)
            assert donor.data == config.data
            assert (donor.generator, donor.discriminator) == (
                config.generator,
                config.discriminator,
            )


def test_a_gan_that_transfer_starts_from_learns_all_of_the_other_digits():
    study = transfer.STUDY
    for benchmark, variant, _ in runs_of(study):
        donor, config = (
            study.donor(benchmark, variant, 0),
            study.experiment(benchmark, variant, None),
        )
        if donor is not None:
            assert isinstance(donor, Experiment)
            assert donor.data.limit is None
            assert "digits" in {donor.data.source, config.data.source}
            assert donor.data.source in {"digits", "mnist_8x8"} - {config.data.source}
            up = config.data.source == "mnist_5k"
            which = ("generator", "trunk") if up else ("both", "all")
            assert (config.init_players, config.init_parts) == which
            if config.prior.pre is not None:
                pulled = ("discriminator", "trunk") if variant == transfer.TRUNK else which
                assert (config.prior.players, config.prior.parts) == pulled


@pytest.mark.parametrize("name", ["few_samples", "transfer"])
def test_trials_are_chosen_on_nothing_that_is_reported(name):
    """On other seeds, another choice of digits than the reported one, not against held-out ones."""
    study = STUDIES[name]
    tuning = study.benchmarks["digits_tuning"]
    assert study.seeds_of("digits_tuning") == 0
    assert not tuning.held_out
    chosen = study.experiment("digits_tuning", "scratch", None).data
    for benchmark, declared in study.benchmarks.items():
        if benchmark != "digits_tuning":
            assert declared.held_out
            assert declared.tuned_on == "digits_tuning"
            assert study.experiment(
                benchmark, "scratch", None
            ).data.limit_seed != chosen.limit_seed or (
                study.experiment(benchmark, "scratch", None).data.limit is None
            )
    assert {len(variant.trials) for variant in study.variants.values()} == {3}


def test_few_samples_draws_a_curve_of_each_arm_against_the_number_of_reals():
    placed = {
        benchmark: few_samples.points(benchmark, "scratch")
        for benchmark in few_samples.STUDY.benchmarks
    }
    assert placed["digits_tuning"] == ()
    assert placed["digits_50"] == (("digits: number of reals", "scratch", 50.0),)
    assert placed["mnist_1000"] == (("mnist: number of reals", "scratch", 1_000.0),)


def test_view_strength_moves_one_thing_at_a_time_and_shares_the_middle():
    at = {name: view_strength.points("digits", name) for name in view_strength.STUDY.variants}
    assert at[view_strength.WITHOUT] == ()
    assert [len(points) for points in at.values()].count(2) == 1
    assert len(at[view_strength.MIDDLE]) == 2
    drawn = [point for points in at.values() for point in points]
    assert {point.panels for point in drawn} == {"strength of views", "temperature"}
    assert len(drawn) == len(view_strength.STRENGTHS) + len(view_strength.TEMPERATURES)
    keys = {figure.metric for figure in view_strength.FIGURES}
    assert keys >= representation.MEASURES.keys()
    for name, (strength, temperature) in view_strength.SETTINGS.items():
        config = view_strength.STUDY.experiment("digits", name, None)
        assert (config.augment.strength, config.embedding.temperature) == (strength, temperature)
