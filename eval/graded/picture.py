"""The picture of learnt distances: all pairs as a matrix, and held-out ones against the known."""

import io

import numpy as np
from matplotlib.figure import Figure

from eval.graded.measure import GROUPS, Asked, Square, figures, scale_of

DPI = 100


def draw(asked: Asked, learnt: Square, order: list[str], title: str) -> bytes:
    """Draw known and learnt distances as a PNG file.

    Args:
        asked: the samples, and how far apart they are.
        learnt: distances between them, in any unit.
        order: their names from one side of the tree to the other.
        title: what the distances are of.
    """
    scaled = learnt * scale_of(asked, learnt)
    at = [asked.names.index(name) for name in order if name in asked.names]
    known, found = (of[np.ix_(at, at)] for of in (asked.distances, scaled))
    both = np.where(np.tri(len(at), dtype=bool), found, known)
    figure = Figure(figsize=(11.5, 6.2), dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    shown = left.imshow(both, cmap="viridis", vmin=0, vmax=float(known.max()))
    left.set_xticks([])
    left.set_yticks(range(len(at)), [asked.names[n] for n in at], fontsize=5.5)
    for label, number in zip(left.get_yticklabels(), at, strict=True):
        label.set_color("tab:red" if asked.is_held_out[number] else "black")
    left.set_title("above the diagonal known, below learnt; red: held out", fontsize=9)
    figure.colorbar(shown, ax=left, shrink=0.8)
    told = figures(asked, learnt)
    for group, color in zip(GROUPS, ("lightgrey", "tab:blue", "tab:red"), strict=True):
        pairs = asked.pairs(group)
        said = f"{group}: Spearman {told[group].spearman:.2f}, RMSE {told[group].relative_rmse:.2f}"
        right.scatter(asked.distances[pairs], scaled[pairs], s=7, color=color, label=said)
    most = float(max(asked.distances.max(), scaled.max()))
    right.plot([0, most], [0, most], color="black", linewidth=0.8)
    right.set_xlabel("known distance")
    right.set_ylabel("learnt distance")
    right.legend(fontsize=7.5, loc="upper left")
    right.set_title(title, fontsize=9)
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png")
    return encoded.getvalue()
