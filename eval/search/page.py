"""The page of a search: one HTML file with the result, the curves and the best samples."""

import numpy as np

from cgan.sampling.pictures import PICTURES, Tiles
from eval.report.html import escape, paragraph, picture, section, small, table
from eval.report.page import HEAD
from eval.report.style import STYLE
from eval.search.measure import Outcome
from eval.search.record import Found
from eval.search.words import HEADINGS, NAMES, by_method, footnote, row, summary, title

SHOWN = 12
"""Most samples that stand alone on the page."""


def page(outcome: Outcome, records: list[Found], drawn: bytes) -> str:
    """Write the whole page, which asks nothing of any network.

    Args:
        outcome: the searches.
        records: what each found.
        drawn: their picture, as a PNG file.
    """
    name = escape(str(outcome.space.root))
    told = title(outcome.space.score.meaning, records)
    header = (
        f"<header><h1>Search of {name}</h1>\n"
        f'<p class="facts">{escape(told)}</p>\n'
        f'<p class="result">{escape(summary(records))}</p></header>\n'
    )
    rows = [(NAMES[method], *row(own)) for method, own in by_method(records).items()]
    sections = (
        _best(outcome),
        section("Against evaluations", picture(drawn, "best so far, and the best samples")),
        section("Methods", table("", HEADINGS, rows), paragraph(footnote(records))),
        _each(records),
    )
    head = HEAD.format(title=f"Search of {name}", style=STYLE)
    return head + header + "".join(sections) + "</body></html>"


def _best(outcome: Outcome) -> str:
    """The best samples of the first method, largest score first; empty where none can be shown."""
    form = PICTURES[outcome.space.run.sampler.parts.source.kind]
    if not isinstance(form, Tiles):
        return ""
    own = outcome.of(outcome.methods[0])
    order = np.argsort([-search.best_so_far[-1] for search in own], kind="stable")[:SHOWN]
    chosen = [own[number] for number in order]
    shown = "".join(
        f"<figure>{small(tile, f'seed {found.seed}')}<figcaption>"
        f"{found.best_so_far[-1]:.4g}, seed {found.seed}</figcaption></figure>\n"
        for tile, found in zip(form.of(outcome.samples(chosen)), chosen, strict=True)
    )
    return section("The best", f'<div class="strip">{shown}</div>')


def _each(records: list[Found]) -> str:
    """The section of a table with a row for each search."""
    headings = ("seed", "best", "evaluation", "percentile", "first at the bar", "latent's length")
    rows = [
        (
            NAMES[record.method],
            str(record.seed),
            f"{record.best:.6g}",
            str(record.at),
            "-" if record.percentile is None else f"{record.percentile:.2f}",
            "-" if record.reached_at is None else str(record.reached_at),
            f"{record.latent_length:.2f}",
        )
        for record in records
    ]
    return section("Each search", table("method", headings, rows))
