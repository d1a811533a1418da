"""Names of others in each medium: nothing is interpreted, nothing is lost, nothing fails."""

import html
import io
import unicodedata

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from rich.console import Console
from rich.table import Table

from cgan.sampling import pictures
from cgan.system import terminal
from cgan.system.legible import plain, shortened
from cgan.system.lettering import lettered
from eval.display.console import Terminal, fit
from eval.report.html import escape
from tests.nasty import NASTY

names = pytest.mark.parametrize("name", NASTY.values(), ids=NASTY.keys())


@names
def test_a_name_is_one_visible_line(name):
    shown = plain(name)
    assert shown.strip()
    assert len(shown.splitlines()) == 1
    shown.encode()
    hidden = {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert hidden <= {"\N{ZERO WIDTH JOINER}"}


def test_what_can_be_seen_stays_and_different_names_stay_different():
    for name in ("cats", "[red]", "<b>", "$x$", "a b", "狗", "é", "C:\\x", "emoji \N{CAT FACE}"):
        assert plain(name) == name
    assert plain("a\x1b[2Jb\n") == r"a\x1b[2Jb\n"
    assert plain("caf\udce9") == r"caf\udce9"
    assert plain("  ") == "'  '"
    assert plain("") == ""
    assert len({plain(name) for name in NASTY.values()}) == len(NASTY)


def test_a_long_text_keeps_both_ends():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 6) == "abc…jk"


@names
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
def test_a_terminal_of_any_encoding_shows_it_and_reads_no_markup(name, encoding, monkeypatch):
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding=encoding, errors=terminal.LEGIBLE)
    monkeypatch.setattr("sys.stdout", stream)
    console, table = Terminal(), Table()
    table.add_column("class")
    for text in (name, "7 ± 0.3"):
        table.add_row(fit(console, text))
    console.print(table)
    console.print(fit(console, f"Missing: {plain(name)}.", "bold"), soft_wrap=True)
    stream.flush()
    printed = content.getvalue().decode(encoding)
    shown = plain(name).encode(encoding, terminal.LEGIBLE).decode(encoding)
    assert f"Missing: {shown}." in printed
    assert ("7 ± 0.3" if encoding != "ascii" else "7 +- 0.3") in printed
    assert "\x1b" not in printed
    widths = {len(line) for line in printed.splitlines() if line[:1] in "|+│┃├┡"}
    assert not shown.isascii() or len(widths) == 1


@names
def test_a_plain_console_reads_no_markup_either(name):
    console = Console(width=400, file=io.StringIO())
    console.print(fit(console, name), soft_wrap=True)
    assert console.file.getvalue() == plain(name) + "\n"


@names
def test_html_shows_it_as_it_is(name):
    escaped = escape(name)
    assert not set("<>\"'") & set(escaped)
    assert html.unescape(escaped) == plain(name)


@names
def test_pictures_set_it_as_it_is_written(name):
    """Drawn without a warning, and not as mathematics: Matplotlib itself says so."""
    shown = lettered(name)
    assert shown
    read, is_math = Text(text=shown)._preprocess_math(shown)
    assert is_math is False
    assert len(read) <= 48
    assert r"\$" not in read or r"\$" in name
    if name.isascii() and name.isprintable() and name.strip() and len(name) <= 48:
        assert read == name
    figure = Figure(figsize=(4, 3), layout="constrained")
    axes = figure.add_subplot(title=shown, ylabel=shown)
    axes.set_xticks([0, 1], [shown[:8], shown[-8:]])
    axes.text(0, 0, shown)
    figure.savefig(io.BytesIO(), format="png")


def test_a_scatter_sets_its_title_as_it_is_written():
    points = np.array([[0.0, 0.0], [1.0, 1.0]])
    for name in NASTY.values():
        title = f"{name}, 8 images seen"
        assert pictures.scatter(points, points, title).axes[0].get_title() == lettered(title)
