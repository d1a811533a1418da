"""The alarm as a function of figures: when it is armed, raised and over."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgan.config import Alarm, Experiment
from cgan.probe.alarm import CollapseAlarm, limits
from cgan.probe.columns import COVERAGE, DUPLICATES, HELD_OUT_GAP, SCORE_GAP

EVERY = 100


def experiment(total_nimg=10_000, **alarm):
    limits = {"captured": 0.6, "effective": 0.5, "duplicates": 0.2, "patience": 3} | alarm
    return Experiment(Path("x"), batch_size=1, total_nimg=total_nimg, alarm=Alarm(**limits))


def judged(values, config=None, figure=COVERAGE):
    """What the alarm is after each of these values of one figure: `.`, suspicious `?` or raised."""
    alarm, told = CollapseAlarm(config or experiment()), ""
    for number, value in enumerate(values, 1):
        alarm.update(number * EVERY, {figure: value})
        told += "!" if alarm.raised else "?" if alarm.suspected else "."
    return told


GOOD, BAD = 0.9, 0.3


def values(pattern):
    return [{"+": GOOD, "-": BAD}[letter] for letter in pattern]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("----------", ".........."),  # a run that is not healthy yet
        ("--++-----", "........."),  # two healthy probes do not arm it
        ("--+++-----", ".....??!!!"),
        ("+++--+--+-", "...??.??.?"),  # never three in a row
        ("+++---+-++-+++", "...??!!!!!!!!."),  # over after three healthy ones in a row
        ("+++---+++---", "...??!!!.??!"),  # and raised again
    ],
)
def test_a_few_in_a_row_arm_raise_and_end_it(given, expected):
    assert judged(values(given)) == expected


def test_a_run_that_was_never_healthy_is_judged_after_half_of_it():
    assert judged(values("-" * 8), experiment(total_nimg=1_000)) == "....!!!!"
    assert judged(values("-" * 8), experiment(arm_nimg=600)) == ".....!!!"
    assert judged(values("-" * 8), experiment(arm_nimg=100)) == "??!!!!!!"


def test_a_limit_itself_is_healthy_and_each_side_is_the_right_one():
    config = experiment(patience=1, captured=0.6, duplicates=0.2)
    assert judged([0.6, 0.59, 0.6], config) == ".!."
    assert judged([0.2, 0.21, 0.2], config, DUPLICATES) == ".!."


def test_limits_on_scores_are_off_unless_given():
    assert not {SCORE_GAP, HELD_OUT_GAP} & {limit.figure for limit in limits(experiment())}
    config = experiment(score_gap=2.0, held_out_gap=0.5, patience=1)
    assert judged([1.0, 2.5], config, SCORE_GAP) == ".!"
    assert judged([0.1, 0.6], config, HELD_OUT_GAP) == ".!"


def test_a_crossing_says_what_since_when_and_what_would_be_right():
    alarm = CollapseAlarm(experiment())
    for number, value in enumerate([0.9, 0.9, 0.9, 0.9, 0.123456, 0.2, 0.25], 1):
        alarm.update(number * 1_000, {COVERAGE: value, DUPLICATES: 0.0})
    (crossing,) = alarm.raised
    assert crossing.since_nimg == 5_000
    expected = "probe/coverage = 0.25, must be at least 0.6, beyond it since 5,000 images"
    assert str(crossing) == expected


def test_each_figure_is_judged_by_itself():
    alarm = CollapseAlarm(experiment())
    for number in range(1, 11):
        figures = {COVERAGE: 0.1, DUPLICATES: 0.0 if number < 6 else 0.9}
        alarm.update(number * EVERY, figures)
    assert [crossing.limit.figure for crossing in alarm.raised] == [DUPLICATES]


def test_rows_without_figures_change_nothing():
    alarm = CollapseAlarm(experiment(patience=1))
    alarm.update(100, {COVERAGE: 0.9})
    alarm.update(200, {"generator/loss": 3.0})
    assert not alarm.raised
    alarm.update(300, {COVERAGE: 0.1})
    assert alarm.raised


@settings(max_examples=60, deadline=None)
@given(st.text("+-", min_size=1, max_size=40), st.integers(1, 5), st.integers(1, 5_000))
def test_what_is_told_follows_from_streaks(pattern, patience, arm_nimg):
    """The same rules written plainly, over the whole pattern at once."""

    def streak(until, letter):
        return len(pattern[:until]) - len(pattern[:until].rstrip(letter))

    armed = raised = False
    expected = ""
    for number in range(1, len(pattern) + 1):
        armed |= streak(number, "+") >= patience or number * EVERY >= arm_nimg
        if streak(number, "+") >= patience:
            raised = False
        if armed and streak(number, "-") >= patience:
            raised = True
        suspicious = armed and pattern[number - 1] == "-"
        expected += "!" if raised else "?" if suspicious else "."
    config = experiment(patience=patience, arm_nimg=arm_nimg)
    assert judged(values(pattern), config) == expected
