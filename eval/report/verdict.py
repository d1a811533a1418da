"""The report's section of the verdict: in a sentence, with its evidence, and what is dropped."""

from eval.records.words import notes
from eval.report.html import escape, paragraph, picture, section, table
from eval.verdict.judged import Judged
from eval.verdict.picture import draw
from eval.verdict.rows import FOOTNOTE, HEADINGS, MODE_HEADINGS, evidence_rows, mode_rows
from eval.verdict.words import cautions, sentence


def verdict(judged: Judged | None) -> str:
    """The section with the verdict of `python -m eval collapse`; empty where there is none."""
    if judged is None:
        return ""
    found = judged.verdict
    told = f'<p class="verdict {found.kind}">{escape(sentence(found))}</p>'
    dropped = mode_rows(found)
    what, evidence = f"dropped {found.evidence.modes.kind}", found.evidence
    measured = [*evidence.generated.values(), *evidence.real.values()]
    return section(
        "Verdict",
        told,
        *map(paragraph, cautions(found)),
        table("", HEADINGS, evidence_rows(found, judged.metrics)),
        table(what, MODE_HEADINGS, dropped) if dropped else "",
        *(
            f'<p class="facts">{escape(each)}</p>'
            for each in (FOOTNOTE, *notes(judged.metrics, measured))
        ),
        "" if judged.shown is None else picture(draw(found, judged.shown), "modes and samples"),
    )
