"""What a study runs next, from what its results hold."""

import dataclasses

import pytest

from configs import CONFIGS
from eval.study.declare import SEEDS_AT_MOST, Figure, change
from eval.study.plan import Job, choices, missing, reported
from eval.study.results import Task
from eval.study.session import narrowed
from eval.study.studies import STUDIES
from eval.study.studies.ablation import DEFAULT
from tests.study.toy import TOY, at_budgets, bare, row, tuning, whole

FIRST = [
    Job("ring8", None, None, (), ()),
    Job("ring8", "tuned", "0.5", (64,), (100, 101)),
    Job("ring8", "tuned", "2", (64,), (100, 101)),
    Job("ring8", "plain", None, (64,), (0, 1, 2)),
]


def test_tuning_and_what_needs_none_come_first():
    assert missing(TOY, []) == FIRST


def test_the_chosen_penalty_is_run_and_no_other():
    rows = [*bare(), *tuning()]
    assert missing(TOY, rows) == [FIRST[-1], Job("ring8", "tuned", "0.5", (64,), (0, 1, 2))]
    rows = [*bare(), *tuning(half=(0.3, 0.9))]
    assert missing(TOY, rows) == [FIRST[-1], Job("ring8", "tuned", "2", (64,), (0, 1, 2))]


def test_a_penalty_with_a_failed_run_is_not_chosen():
    rows = tuning(half=(0.0, None))
    assert choices(TOY, rows)["ring8", "tuned"].trial == "2"
    assert choices(TOY, rows)["ring8", "tuned"].means == {"0.5": float("inf"), "2": 0.45}


def test_nothing_is_chosen_before_all_is_tried():
    assert choices(TOY, tuning()[:-1]) == {}
    assert all(job.variant != "tuned" or job.trial == "2" for job in missing(TOY, tuning()[:-1]))


def test_only_what_is_missing_is_run():
    rows = whole()
    assert missing(TOY, rows) == []
    assert missing(TOY, rows[:-1]) == [Job("ring8", "tuned", "0.5", (64,), (2,))]
    assert missing(narrowed(TOY, seeds=5), rows) == [
        Job("ring8", "plain", None, (64,), (3, 4)),
        Job("ring8", "tuned", "0.5", (64,), (3, 4)),
    ]
    assert missing(TOY, [one for one in rows if one["variant"] != "uniform noise"]) == FIRST[:1]


def test_a_failed_run_is_a_result_and_not_run_again():
    rows = [*bare(), *tuning(), *(row("plain", seed) for seed in range(3))]
    assert {job.variant for job in missing(TOY, rows)} == {"tuned"}


def test_a_run_lacks_the_budgets_that_it_was_not_measured_at():
    """One training serves both; a run that was killed between them lacks the second alone."""
    study = at_budgets(TOY)
    both = Job("ring8", "plain", None, (32, 64), (0, 1, 2))
    assert both in missing(study, bare())
    rows = [*bare(), row("plain", 0, 0.4, nimg=32), row("plain", 1, 0.4, nimg=32)]
    found = [job for job in missing(study, rows) if job.variant == "plain"]
    assert found == [both._replace(nimgs=(64,), seeds=(0, 1)), both._replace(seeds=(2,))]


@pytest.mark.parametrize(("tuned_at", "nimg"), [(None, 64), (32, 32)])
def test_trials_are_chosen_at_one_budget_and_run_no_further(tuned_at, nimg):
    study = at_budgets(TOY, tuned_at=tuned_at)
    jobs = [job for job in missing(study, bare()) if job.trial is not None]
    assert [(job.trial, job.nimgs) for job in jobs] == [("0.5", (nimg,)), ("2", (nimg,))]
    other = [one | {"nimg": 96 - nimg, "reverse_kl_nats": 0.0} for one in tuning()]
    assert choices(study, other) == {}
    rows = [*other, *(one | {"nimg": nimg} for one in tuning())]
    assert choices(study, rows)["ring8", "tuned"].means == {"0.5": 0.2, "2": 0.45}


def test_a_slower_variant_is_measured_where_it_took_the_baselines_time_too():
    """Of 64 and 32 images, at 1.5 times a step's time, 42.7 and 21.3: 2 and 1 dispatches of 16."""
    study = at_budgets(TOY, step_time={"tuned": 1.5})
    assert study.nimgs("ring8", "tuned") == (16, 32, 64)
    assert study.nimgs("ring8", "plain") == (32, 64)
    assert study.nimgs("ring8", "tuned", seed=100) == (64,)
    assert at_budgets(TOY, step_time={"tuned": 0.5}).nimgs("ring8", "tuned") == (32, 64)
    assert at_budgets(TOY, step_time={"tuned": 9.0}).nimgs("ring8", "tuned") == (16, 32, 64)


def test_benchmarks_have_their_own_seeds_and_may_leave_variants_out():
    """2 runs on one; on the other 3 of each variant, and 2 trials on 2 seeds."""
    own = dataclasses.replace(TOY.benchmarks["ring8"], seeds=2, without=("tuned",))
    study = dataclasses.replace(TOY, benchmarks={"grid25": own} | TOY.benchmarks)
    jobs = [job for job in missing(study, []) if job.variant is not None]
    assert jobs == [Job("grid25", "plain", None, (64,), (0, 1)), *FIRST[1:]]
    assert study.runs == 2 + 2 * 3 + 2 * 2
    assert narrowed(study, seeds=1).runs == 1 + 2 * 1 + 2 * 2


def on_two_sets(**other):
    """The toy study on `ring8`, and as `rings` on the same experiment with the other's trials."""
    settings = {"experiment": "ring8", "tuned_on": "ring8", "seeds": 1} | other
    rings = dataclasses.replace(TOY.benchmarks["ring8"], **settings)
    return dataclasses.replace(TOY, benchmarks=TOY.benchmarks | {"rings": rings})


def test_a_benchmark_may_take_the_trials_of_another_and_its_experiment():
    study = on_two_sets()
    assert study.runs == TOY.runs + 2
    assert study.experiment("rings", "tuned", "2") == study.experiment("ring8", "tuned", "2")
    jobs = [job for job in missing(study, bare()) if job.benchmark == "rings" and job.variant]
    assert jobs == [Job("rings", "plain", None, (64,), (0,))]
    jobs = missing(study, whole())
    assert Job("rings", "tuned", "0.5", (64,), (0,)) in jobs
    assert {job.benchmark for job in jobs} == {"rings"}
    assert choices(study, whole())["rings", "tuned"].means == {"0.5": 0.2, "2": 0.45}
    assert set(narrowed(study, ["rings"]).benchmarks) == {"ring8", "rings"}
    assert set(narrowed(study, ["ring8"]).benchmarks) == {"ring8"}


def test_a_benchmark_without_seeds_chooses_trials_alone():
    """It has no baselines and no reported runs; and another has to take its trials."""
    study = on_two_sets()
    unseen = study.benchmarks | {"ring8": dataclasses.replace(study.benchmarks["ring8"], seeds=0)}
    study = dataclasses.replace(study, benchmarks=unseen)
    jobs = [job for job in missing(study, []) if job.benchmark == "ring8"]
    assert [(job.variant, job.trial, job.seeds) for job in jobs] == [
        ("tuned", "0.5", (100, 101)),
        ("tuned", "2", (100, 101)),
    ]
    chosen = choices(study, tuning())
    assert {task.benchmark for task in reported(study, chosen)} == {"rings"}
    assert chosen["rings", "tuned"].trial == "0.5"
    assert narrowed(study, seeds=2).seeds_of("ring8") == 0
    alone = {"ring8": study.benchmarks["ring8"]}
    with pytest.raises(AssertionError):
        dataclasses.replace(study, benchmarks=alone)


def test_what_takes_long_is_measured_of_finished_runs_alone():
    slow = Figure("high_quality_share_3sigma", "quality", at_the_end=True)
    figures = (*TOY.benchmarks["ring8"].figures, slow)
    study = at_budgets(TOY, figures=figures)
    assert study.figures("ring8") == study.figures("ring8", 64) == figures
    assert study.figures("ring8", 32) == figures[:2]
    assert study.figures("ring8", 64, seed=100) == (figures[1],)


@pytest.mark.parametrize(
    "wrong",
    [{"tuned_at": 64}, {"experiment": "ring80"}],
)
def test_a_benchmark_tuned_elsewhere_has_no_images_of_its_own_for_it_and_an_experiment(wrong):
    with pytest.raises(AssertionError):
        on_two_sets(**wrong)


def test_a_benchmark_is_tuned_where_trials_are_run():
    """Not on one that is tuned elsewhere itself, nor on one that leaves the variant out."""
    study = on_two_sets()
    chained = dataclasses.replace(study.benchmarks["rings"], tuned_on="rings")
    with pytest.raises(AssertionError):
        dataclasses.replace(study, benchmarks=study.benchmarks | {"more": chained})
    bare_there = dataclasses.replace(study.benchmarks["ring8"], without=("tuned",))
    with pytest.raises(AssertionError):
        dataclasses.replace(study, benchmarks=study.benchmarks | {"ring8": bare_there})


@pytest.mark.parametrize(
    "wrong",
    [
        {"tuning": dataclasses.replace(TOY.tuning, trials=3)},
        {"tuning": dataclasses.replace(TOY.tuning, seeds=(9,))},
        {"contender": "other"},
        {"baseline": "other"},
        {"seeds": 0},
    ],
)
def test_a_study_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(AssertionError):
        dataclasses.replace(TOY, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tuned_at": 65},
        {"step_time": {"other": 1.5}},
        {"step_time": {"tuned": 0.0}},
        {"without": ("plain",)},
        {"total_nimg": 32},
        {"seeds": 101},
    ],
)
def test_a_benchmark_that_contradicts_its_study_is_refused(wrong):
    with pytest.raises(AssertionError):
        at_budgets(TOY, **wrong)


def test_an_equal_number_of_trials_can_be_required():
    two = dataclasses.replace(TOY.tuning, trials=2)
    assert dataclasses.replace(TOY, tuning=two).tuning.trials == 2


def test_a_trial_may_be_any_change():
    more = change(objective={"temperature": 0.5}, penalty={"r1": 0.0})
    tuned = dataclasses.replace(TOY.variants["tuned"], trials={"cold": more})
    study = dataclasses.replace(TOY, variants=TOY.variants | {"tuned": tuned})
    config = study.experiment("ring8", "tuned", "cold")
    assert (config.objective.loss, config.objective.temperature) == ("pairwise", 0.5)
    assert (config.penalty.r1, config.penalty.r2) == (0.0, CONFIGS["ring8"].penalty.r2)


def test_no_run_of_tuning_is_reported():
    tasks = reported(TOY, choices(TOY, whole()))
    assert {task.seed for task in tasks} == {0, 1, 2}
    assert Task("ring8", "tuned", "0.5", 0, 64) in tasks
    for study in STUDIES.values():
        assert study.seeds <= SEEDS_AT_MOST <= min(study.tuning.seeds)


def test_a_factor_scales_both_penalties_and_the_budget_is_the_benchmarks():
    config = TOY.experiment("ring8", "tuned", "0.5")
    base = CONFIGS["ring8"].penalty
    assert (config.penalty.r1, config.penalty.r2) == (0.5 * base.r1, 0.5 * base.r2)
    assert (config.objective.loss, config.total_nimg) == ("pairwise", 64)
    assert TOY.experiment("ring8", "plain", None).penalty == base


@pytest.mark.parametrize("name", STUDIES)
def test_each_variant_of_a_study_is_an_experiment_of_its_own(name):
    study = STUDIES[name]
    for benchmark in study.benchmarks:
        variants = study.variants_of(benchmark)
        found = [study.experiment(benchmark, name, None) for name in variants]
        assert len(set(found)) == len(found)
        for name, variant in variants.items():
            tried = [study.experiment(benchmark, name, trial) for trial in variant.trials]
            assert len(set(tried)) == len(tried)


@pytest.mark.parametrize("name", ["collapse_2d", "collapse_digits", "starved", "collapse_mnist"])
def test_trials_of_penalties_are_factors_on_the_experiments_own(name):
    study = STUDIES[name]
    for benchmark in study.benchmarks:
        own = CONFIGS[benchmark].penalty
        for variant, of in study.variants.items():
            for trial in of.trials:
                penalty = study.experiment(benchmark, variant, trial).penalty
                assert penalty.r1 == penalty.r2 == float(trial) * own.r1


def test_the_groups_of_the_ablation_hold_each_variant_once_under_the_default():
    study = STUDIES["ablation"]
    names = [name for variants in study.groups.values() for name in variants]
    assert sorted(names) == sorted(study.variants)
    assert all(variants[0] == DEFAULT for variants in study.tables.values())
