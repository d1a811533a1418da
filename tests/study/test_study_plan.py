"""What a study runs next, from what its results hold."""

import pytest

from configs import CONFIGS
from eval.study.declare import SEEDS_AT_MOST
from eval.study.plan import Job, choices, missing, reported
from eval.study.results import Task
from eval.study.studies import STUDIES
from eval.study.studies.ablation import DEFAULT
from tests.study.toy import TOY, bare, row, tuning, whole

FIRST = [
    Job("ring8", None, None, ()),
    Job("ring8", "tuned", 0.5, (100, 101)),
    Job("ring8", "tuned", 2.0, (100, 101)),
    Job("ring8", "plain", None, (0, 1, 2)),
]


def test_tuning_and_what_needs_none_come_first():
    assert missing(TOY, [], 3) == FIRST


def test_the_chosen_penalty_is_run_and_no_other():
    rows = [*bare(), *tuning()]
    assert missing(TOY, rows, 3) == [FIRST[-1], Job("ring8", "tuned", 0.5, (0, 1, 2))]
    rows = [*bare(), *tuning(half=(0.3, 0.9))]
    assert missing(TOY, rows, 3) == [FIRST[-1], Job("ring8", "tuned", 2.0, (0, 1, 2))]


def test_a_penalty_with_a_failed_run_is_not_chosen():
    rows = tuning(half=(0.0, None))
    assert choices(TOY, rows)["ring8", "tuned"].factor == 2.0
    assert choices(TOY, rows)["ring8", "tuned"].means == {0.5: float("inf"), 2.0: 0.45}


def test_nothing_is_chosen_before_all_is_tried():
    assert choices(TOY, tuning()[:-1]) == {}
    assert all(
        job.variant != "tuned" or job.factor == 2.0 for job in missing(TOY, tuning()[:-1], 3)
    )


def test_only_what_is_missing_is_run():
    rows = whole()
    assert missing(TOY, rows, 3) == []
    assert missing(TOY, rows[:-1], 3) == [Job("ring8", "tuned", 0.5, (2,))]
    assert missing(TOY, rows, 5) == [
        Job("ring8", "plain", None, (3, 4)),
        Job("ring8", "tuned", 0.5, (3, 4)),
    ]
    assert missing(TOY, [one for one in rows if one["variant"] != "uniform noise"], 3) == FIRST[:1]


def test_a_failed_run_is_a_result_and_not_run_again():
    rows = [*bare(), *tuning(), *(row("plain", seed) for seed in range(3))]
    assert {job.variant for job in missing(TOY, rows, 3)} == {"tuned"}


def test_no_run_of_tuning_is_reported():
    tasks = reported(TOY, choices(TOY, whole()), 3)
    assert {task.seed for task in tasks} == {0, 1, 2}
    assert Task("ring8", "tuned", 0.5, 0) in tasks
    for study in STUDIES.values():
        assert study.seeds <= SEEDS_AT_MOST <= min(study.tuning.seeds)


def test_a_factor_scales_both_penalties_and_the_budget_is_the_benchmarks():
    config = TOY.experiment("ring8", "tuned", 0.5)
    base = CONFIGS["ring8"].penalty
    assert (config.penalty.r1, config.penalty.r2) == (0.5 * base.r1, 0.5 * base.r2)
    assert (config.objective.loss, config.total_nimg) == ("pairwise", 64)
    assert TOY.experiment("ring8", "plain", None).penalty == base


@pytest.mark.parametrize("name", STUDIES)
def test_each_variant_of_a_study_is_an_experiment_of_its_own(name):
    study = STUDIES[name]
    for benchmark in study.benchmarks:
        for tuned, factor in ((True, 5.0), (False, None)):
            found = [
                study.experiment(benchmark, variant, factor)
                for variant, of in study.variants.items()
                if of.tuned == tuned
            ]
            assert len(set(found)) == len(found)
            if tuned:
                assert all(config.penalty.r1 == config.penalty.r2 > 0 for config in found)


def test_the_groups_of_the_ablation_hold_each_variant_once_under_the_default():
    study = STUDIES["ablation"]
    names = [name for variants in study.groups.values() for name in variants]
    assert sorted(names) == sorted(study.variants)
    assert all(variants[0] == DEFAULT for variants in study.tables.values())
