"""The ablation's results as Markdown tables: `python -m benchmarks.ablation_table`.

With `--page docs/objectives.md` the tables replace what stands on that page between its markers.
Figures are means over seeds and, after the sign, standard deviations over seeds.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.ablation import RESULTS
from benchmarks.variants import DEFAULT, GROUPS, SOURCES
from cgan import cli, files
from cgan.config import ConfigError

BEGIN, END = "<!-- ablation: begin -->", "<!-- ablation: end -->"
COLUMNS: dict[str, dict[str, tuple[str, str]]] = {
    "grid25": {
        "modes_captured_at_1": ("modes at 1", "{:.1f}"),
        "modes_captured_at_20": ("modes at 20", "{:.1f}"),
        "high_quality_share_3sigma": ("high quality", "{:.3f}"),
        "reverse_kl_nats": ("reverse KL", "{:.3f}"),
        "mode_width_ratio_3sigma": ("width", "{:.2f}"),
    },
    "stacked_digits": {
        "modes_captured_at_1": ("modes", "{:.1f}"),
        "reverse_kl_nats": ("reverse KL", "{:.4f}"),
        "frechet_distance": ("Frechet distance", "{:.1f}"),
    },
}
"""For each data set: a metric, its heading and how it prints."""


@dataclass(frozen=True)
class Arguments:
    """Print the tables, or write them into a page."""

    results: Path = RESULTS
    """File that `benchmarks/ablation.py` wrote."""
    page: Path | None = None
    """Page whose tables to replace; None prints them."""


def tables(rows: Iterable[dict[str, Any]]) -> str:
    """A table for each group and data set; the first row of each is the default."""
    runs: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        runs[row["group"], row["source"], row["variant"]].append(row)
    parts = []
    for group, variants in GROUPS.items():
        for source in SOURCES:
            names = [("losses", DEFAULT)] + [(group, name) for name in variants if name != DEFAULT]
            lines = [
                _line(name, runs[of, source, name], source)
                for of, name in names
                if runs[of, source, name]
            ]
            if len(lines) > 1:
                parts.append("\n".join([f"**{source}: {group}**", "", *_head(source), *lines]))
    return "\n\n".join(parts)


def _head(source: str) -> list[str]:
    headings = ["variant", "seeds", *(heading for heading, _ in COLUMNS[source].values())]
    return ["| " + " | ".join(headings) + " |", "|---" * len(headings) + "|"]


def _line(name: str, runs: list[dict[str, Any]], source: str) -> str:
    finished = [run for run in runs if "failed" not in run]
    seeds = f"{len(runs)}" + (f" ({len(runs) - len(finished)} diverged)" * (finished != runs))
    cells = [name, seeds]
    for metric, (_, text) in COLUMNS[source].items():
        values = [run[metric] for run in finished if run[metric] is not None]
        cells.append(_mean_and_spread(values, text))
    return "| " + " | ".join(cells) + " |"


def _mean_and_spread(values: list[float], text: str) -> str:
    if not values:
        return "undefined"
    mean = text.format(np.mean(values))
    return f"{mean} ± {text.format(np.std(values, ddof=1))}" if len(values) > 1 else mean


def main() -> None:
    """Read, summarise, print or write."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.ablation_table", description=__doc__)
    text = tables(json.loads(line) for line in arguments.results.read_text().splitlines())
    if arguments.page is None:
        print(text)
        return
    page = arguments.page.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ConfigError(f"{arguments.page}: must hold the markers {BEGIN} and {END}")
    files.replace(arguments.page, f"{before}{BEGIN}\n\n{text}\n\n{END}{after}".encode())


if __name__ == "__main__":
    cli.run(main)
