"""The picture of searches: the best so far against evaluations, and the best samples."""

import io
import textwrap

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgan.sampling.pictures import PICTURES, Scatter, Tiles, image_grid, in_plane
from cgan.system.lettering import lettered
from eval.display.drawing import FAINT, GENERATED, INK, REAL, STYLE
from eval.names import MethodName
from eval.search.measure import Outcome
from eval.search.record import BAR, Found
from eval.search.words import NAMES, title

DPI = 120
COLORS: dict[MethodName, str] = {
    "bayes": GENERATED,
    "random": FAINT,
    "sobol": REAL,
    "cmaes": "#c98a00",
}
COLUMNS = 10
"""Most seeds whose best sample is shown."""
TITLE_AT_MOST, CHARACTERS = 240, 150


def draw(outcome: Outcome, records: list[Found]) -> bytes:
    """Draw the picture of one command, as the content of a PNG file."""
    encoded = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.4), layout="constrained")
        curves, samples = figure.subplots(1, 2)
        _curves(curves, outcome)
        _samples(samples, outcome)
        told = lettered(title(outcome.space.score.meaning, records), TITLE_AT_MOST)
        figure.suptitle(textwrap.fill(told, CHARACTERS), fontsize=9, color=INK)
        figure.savefig(encoded, dpi=DPI, format="png")
    return encoded.getvalue()


def _curves(axes: Axes, outcome: Outcome) -> None:
    for method in outcome.methods:
        found = np.stack([search.best_so_far for search in outcome.of(method)])
        at, mean = np.arange(1, found.shape[1] + 1), found.mean(axis=0)
        axes.plot(at, mean, color=COLORS[method], label=NAMES[method])
        if len(found) > 1:
            error = found.std(axis=0, ddof=1) / len(found) ** 0.5
            axes.fill_between(
                at, mean - error, mean + error, color=COLORS[method], alpha=0.2, linewidth=0
            )
    if outcome.bar is not None and outcome.reference is not None:
        label = f"{BAR}th percentile of {len(outcome.reference):,} random latents"
        axes.axhline(outcome.bar, color=INK, linestyle="--", linewidth=1, label=label)
    axes.set_xlabel("evaluations")
    axes.set_ylabel(lettered(f"best {outcome.space.score.meaning}"))
    axes.set_title("best so far: mean over seeds, and its standard error")
    axes.grid(color=FAINT, alpha=0.3, linewidth=0.6)
    axes.legend(loc="lower right", fontsize=8)


def _samples(axes: Axes, outcome: Outcome) -> None:
    source = outcome.space.run.sampler.parts.source
    form = PICTURES[source.kind]
    rows = {NAMES[m]: outcome.samples(outcome.of(m)[:COLUMNS]) for m in outcome.methods}
    if isinstance(form, Scatter):
        axes.plot(*in_plane(form.real(source)).T, ".", color="0.8", markersize=3, label="real")
        for method, (name, found) in zip(outcome.methods, rows.items(), strict=True):
            axes.plot(*in_plane(found).T, "o", color=COLORS[method], markersize=4, label=name)
        axes.set_aspect("equal")
        axes.legend(loc="upper right", fontsize=8)
        axes.set_title("the best of each seed")
        return
    _grid(axes, form, {"unpicked": outcome.random_samples[:COLUMNS], **rows})


def _grid(axes: Axes, form: Tiles, rows: dict[str, np.ndarray]) -> None:
    tiles = np.concatenate([form.of(found) for found in rows.values()])
    columns = len(tiles) // len(rows)
    grid = image_grid(tiles, columns)
    shown = grid[..., 0] if grid.shape[-1] == 1 else grid
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    height = grid.shape[0] / len(rows)
    axes.set_yticks([height * (number + 0.5) for number in range(len(rows))], list(rows))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("the best of each seed, one a column; above, random ones")
