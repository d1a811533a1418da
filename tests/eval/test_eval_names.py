"""Names that some medium would misread, through all that is printed and drawn."""

import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from cgan.system.legible import plain
from cgan.system.lettering import lettered
from eval.display import progress
from eval.extractors.given import Given
from eval.extractors.reader import Reader
from eval.files.records import to_json
from eval.measuring.measure import Origin, measure
from eval.metrics.base import Gathered, Inputs, Metric, Value
from eval.metrics.birthday import BIRTHDAY
from eval.metrics.precision_recall import PRECISION
from eval.records.record import Record
from eval.records.table import print_report
from eval.report import figures
from eval.report.table import footnotes, metrics_table
from eval.report.verdict import verdict as verdict_section
from eval.verdict.entry import entry
from eval.verdict.evidence import metrics_of_verdict
from eval.verdict.judge import Evidence, judge
from eval.verdict.judged import Judged
from eval.verdict.modes import ModeCounts
from eval.verdict.picture import _told
from eval.verdict.table import print_verdict
from tests.nasty import NASTY

NAMES = list(NASTY.values())
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.fixture
def console():
    return Console(width=300, file=io.StringIO())


def words(console):
    return " ".join(console.file.getvalue().split())


class Tags(HTMLParser):
    """Which tags a page has."""

    def __init__(self, text):
        super().__init__()
        self.found = set()
        self.feed(text)
        text.encode()

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)


def sets_of(rows):
    inputs = Inputs(Gathered(len(rows), features=rows), Gathered(len(rows), features=rows))
    return {"generated": inputs, "real": inputs}


ROWS = np.random.default_rng(0).normal(size=(30, 4)).astype("f4")
ORIGIN = Origin("a [set] of </td> $x$ \udce9", None, 0, Reader(Given()), "hash")


@pytest.mark.parametrize("name", NAMES, ids=NASTY.keys())
def test_tables_show_names_as_they_are(console, name):
    details = {"out_of": 9, "missing": [name], "missing_count": 1, "by_class": {name: 0.5}}
    captured = Metric(
        "modes_captured_at_1", "captured", frozenset(), lambda i, s: Value(8.0, details=details)
    )
    metrics = {captured.name: captured}
    records = measure(sets_of(ROWS), metrics, ORIGIN)
    assert [Record(**json.loads(to_json(record))) for record in records] == records
    print_report(f"runs/{name}", metrics, records, console)
    printed = words(console)
    for expected in (
        f"runs/{name}, seed 0",
        f"Missing: {plain(name)}.",
        f"captured {plain(name)} ",
    ):
        assert " ".join(plain(expected).split()) in printed
    assert not any(ord(sign) < 32 and sign != "\n" for sign in console.file.getvalue())
    page = metrics_table(metrics, records) + footnotes(metrics, records)
    assert Tags(page).found <= {*TABLE, "br", "span", "code", "p"}


def test_verdicts_name_modes_as_they_are(console):
    """Every mode but the last is dropped, and each is named."""
    count = len(NAMES) + 1
    counts = np.append(np.zeros(len(NAMES), int), 9_000)
    modes = ModeCounts(
        "classes", [*NAMES, "rest"], np.arange(count), np.full(count, 1 / count), counts, 9_000
    )
    metrics = metrics_of_verdict({metric.name: metric for metric in (PRECISION, BIRTHDAY)})
    found = {(r.samples, r.metric): r for r in measure(sets_of(ROWS), metrics, ORIGIN)}
    by_set = [{name: found[each, name] for name in metrics} for each in ("generated", "real")]
    verdict = judge(Evidence(modes, modes, *by_set), 0)
    assert set(json.loads(json.dumps(entry(verdict)))["modes"]["dropped"]["by_name"]) == set(NAMES)
    print_verdict("runs/[/]", verdict, metrics, console)
    printed = words(console)
    assert "runs/[/], seed 0" in printed
    for name in NAMES[:10]:
        assert " ".join(plain(name).split()) in printed
    section = verdict_section(Judged(verdict, metrics, None))
    assert Tags(section).found <= {*TABLE, "section", "h2", "p"}
    for index, name in enumerate(NAMES):
        assert _told(modes, index).startswith(lettered(name, 30) + "\n")


@pytest.mark.parametrize("repeats", [1, 3], ids=["bars", "map"])
def test_modes_are_drawn_by_their_names(repeats):
    names = NAMES * repeats
    counts, weights = np.arange(len(names)), np.full(len(names), 1 / len(names))
    figure = figures.mode_shares(counts, weights, names)
    assert figures.svg(figure).startswith(b"<?xml")
    axis = figure.axes[0].xaxis if repeats == 1 else figure.axes[0].yaxis
    shown = [label.get_text() for label in axis.get_ticklabels()]
    step = 1 if repeats == 1 else figures.MAP_COLUMNS[False]
    assert shown == [lettered(name, figures.NAME_AT_MOST) for name in names[::step]]


def test_terms_of_a_run_are_drawn_by_their_names():
    rows = [{"nimg": n, "d/loss": 1.0} | dict.fromkeys(NAMES, 0.5) for n in (8, 16)]
    figure = figures.training_curves(rows)
    assert [ax.get_title() for ax in figure.axes][1 : 1 + len(NAMES)] == list(map(lettered, NAMES))


def test_a_bar_of_progress_takes_any_name(monkeypatch):
    shown = io.StringIO()
    for name in NAMES:
        console = Console(file=shown, force_terminal=True, width=400)
        monkeypatch.setattr(progress, "Terminal", lambda console=console, **_: console)
        with progress.reading(name, 3) as advance:
            advance(2)
        assert plain(name)[:20] in shown.getvalue()
