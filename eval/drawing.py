"""Looks of all figures: one colour for each set of samples, and a plain style."""

from typing import Any

GENERATED, MATCHED, REAL = "#c2402b", "#e0a79c", "#3b6ea8"
FAINT, INK = "#9aa0a6", "#202124"
STYLE: Any = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "font.size": 9,
    "legend.frameon": False,
    "svg.hashsalt": "cgan",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
