"""What a lattice's symmetry teaches: `python -m benchmarks.lattice RUN [RUN ...]`.

Runs are pretrainings on simulated MoS2, told apart by their views (`docs/lattice.md` has them). Of
the embedding of each, and of each one's weights before training, the first table says how well the
nearest neighbour names defects with few labels, beside the magnitude of the Fourier transform,
which no move changes, and how much of the defect's site a ridge regression finds in it. Runs that
differ by their seed alone are one row: its errors are over seeds then, each with draws of its own.
With `--picture` the embeddings of held-out pictures are drawn in two dimensions.

With `--micrograph` runs are pretrainings on the windows of that picture instead, and the table says
how like the embeddings are of windows that lie a lattice vector apart, and half of one, against
windows that have nothing to do with each other.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import jax
import numpy as np
import tyro
from jaxtyping import Float, Int, UInt8
from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import RidgeCV
from sklearn.manifold import TSNE

from cgan.config import Discriminator, Pretraining, positive, require
from cgan.data import micrograph
from cgan.data.crystal import CLASS_NAMES, HEIGHT, LATTICE, SITES, WIDTH
from cgan.data.lattice import SimulatedLattice, simulate
from cgan.pretext.parts import PretextParts
from cgan.pretext.runs import Pretrained, restore_pretraining
from cgan.system import cli, files
from cgan.system.arguments import parse
from cgan.types import Params, present
from eval.few_labels import classifiers, draws
from eval.few_labels.draws import Labeled
from eval.few_labels.representations import COMPONENTS
from eval.records.spread import mean_and_error

AT_ONCE = 256
DRAWN = 1_000
"""Pictures of the map."""
FIXED = ("Fourier magnitude", "pixels", "PCA")
"""Features that no seed moves."""
PENALTIES = np.logspace(-3, 4, 8)
MARGIN = 40.0
"""Pixels around a micrograph's windows, so that those a vector on lie in the picture too."""

Rows = Float[np.ndarray, "n d"]
Pictures = UInt8[np.ndarray, "n height width 1"]
Embed = Callable[[Pictures], Rows]


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that asks what a lattice's symmetry teaches."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of contrastive pretrainings on `lattice`."""
    labels: int = 5
    """Labels a class."""
    draws: int = 20
    """Draws of the labels."""
    train_n: int = 4_000
    """Train pictures, among which labels are drawn, and from which sites are learnt."""
    held_out_n: int = 2_000
    """Held-out pictures, or windows of the micrograph."""
    picture: Path | None = None
    """File to draw the maps of all runs and of the first one untrained into: .png."""
    micrograph: Path | None = None
    """File of the picture that the runs learnt: .dm3, .dm4 or .npy."""

    def __post_init__(self) -> None:
        require(bool(self.runs), "runs", self.runs, "one or more folders of runs")
        positive(self, "", "labels", "draws", "train_n", "held_out_n")
        if self.picture is not None:
            cli.require_out(self.picture, ".png")


class Embedding(NamedTuple):
    """Functions from stored pictures to unit vectors, learnt alike but for their seeds."""

    name: str
    seeds: list[Embed]


def embeddings_of(roots: Sequence[Path]) -> list[Embedding]:
    """The embeddings of the runs, those of one kind together, and those of no training."""
    found: dict[Pretraining | Discriminator, Embedding] = {}
    known: set[tuple[int, Discriminator]] = set()
    for root in roots:
        pretrained = restore_pretraining(files.at_home(root))
        parts, config = pretrained.parts, pretrained.parts.config
        task, network = config.pretext.task, config.discriminator
        require(task == "contrastive", "runs", str(root), "contrastive pretrainings")
        if (config.seed, network) not in known:
            known.add((config.seed, network))
            start = parts.init_state()
            untrained = found.setdefault(network, Embedding(f"{root.name}, untrained", []))
            stats = start.discriminator_stats
            untrained.seeds.append(_embed(parts, start.discriminator, stats))
        kind = dataclasses.replace(config, seed=0, workdir=Path("any"))
        alike = found.setdefault(kind, Embedding(root.name, []))
        alike.seeds.append(_trained(pretrained))
    return list(found.values())


def _trained(of: Pretrained) -> Embed:
    return _embed(of.parts, of.state.discriminator, of.state.discriminator_stats)


def _embed(parts: PretextParts, params: Params, stats: Params) -> Embed:
    @jax.jit
    def read(stored: jax.Array) -> jax.Array:
        samples = parts.source.encode(stored)
        return present(parts.networks.discriminate(params, stats, samples).embedding)

    def embed(pictures: Pictures) -> Rows:
        padding = -len(pictures) % AT_ONCE
        whole = np.pad(pictures, [(0, padding), (0, 0), (0, 0), (0, 0)])
        found = [np.asarray(read(whole[at : at + AT_ONCE])) for at in range(0, len(whole), AT_ONCE)]
        return np.concatenate(found)[: len(pictures)]

    return embed


def magnitudes(pictures: Pictures) -> Rows:
    """Magnitudes of each picture's Fourier transform, the same wherever the defect is."""
    transformed = np.fft.rfft2(pictures[..., 0].astype(np.float64))
    return np.abs(transformed).reshape(len(pictures), -1).astype(np.float32)


def pixels(pictures: Pictures) -> Rows:
    """Pixels as networks see them."""
    return (pictures / np.float32(127.5) - 1).reshape(len(pictures), -1).astype(np.float32)


def components(train: Rows, held_out: Rows) -> tuple[Rows, Rows]:
    """Principal components of both splits, those of the train pictures."""
    mean = train.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(train.T))
    first = axes[:, -COMPONENTS:]
    return (train - mean) @ first, (held_out - mean) @ first


class Both(NamedTuple):
    """Simulated pictures of both splits, and the sites of their defects."""

    train: Labeled
    held_out: Labeled
    train_sites: Int[np.ndarray, " n"]
    held_out_sites: Int[np.ndarray, " m"]


def first_of(source: SimulatedLattice, n: int) -> tuple[Labeled, Int[np.ndarray, " n"]]:
    """The first pictures of a split, whose order is random, and their sites."""
    return Labeled(source.images[:n], source.labels[:n]), source.sites[:n]


def angles(sites: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n 4"]:
    """Sites as places on the torus: sine and cosine of the angle down and of that across."""
    places = np.array(SITES)[sites] @ np.array(LATTICE) / (HEIGHT, WIDTH)
    turns = 2 * np.pi * places
    return np.concatenate([np.sin(turns), np.cos(turns)], axis=1)


def site_in(train: Rows, held_out: Rows, both: Both) -> float:
    """R^2 of the defect's site from features, by ridge regression, on held-out pictures."""
    with_defect, asked = both.train.labels > 0, both.held_out.labels > 0
    rows, rows_asked = classifiers.standardized(train, train[with_defect], held_out[asked])
    sites = angles(both.train_sites[with_defect])
    model = RidgeCV(PENALTIES).fit(rows, sites)
    return float(model.score(rows_asked, angles(both.held_out_sites[asked])))


def neighbors(
    train: Rows, held_out: Rows, both: Both, rows: Int[np.ndarray, "draws rows"]
) -> list[float]:
    """The nearest neighbour's accuracy of each draw of labels."""
    truth = both.held_out.labels
    return [
        float(
            np.mean(classifiers.nearest_neighbor(train[r], both.train.labels[r], held_out) == truth)
        )
        for r in rows
    ]


def over_seeds(of_seeds: Sequence[Sequence[float]]) -> list[float]:
    """The values that a mean's error is over: each seed's mean, or one seed's draws."""
    return [float(np.mean(one)) for one in of_seeds] if len(of_seeds) > 1 else list(of_seeds[0])


def told(values: Sequence[float], sign: str = "") -> str:
    """A mean and its standard error in words."""
    mean, error = mean_and_error(list(values))
    return f"{mean:{sign}.3f}" + ("" if error is None else f" ± {error:.3f}")


def of_defects(arguments: Arguments, embeddings: Sequence[Embedding]) -> Table:
    """The table of simulated pictures; draws the maps if there is a file for them."""
    train, train_sites = first_of(simulate("train"), arguments.train_n)
    held_out, held_out_sites = first_of(simulate("test"), arguments.held_out_n)
    both = Both(train, held_out, train_sites, held_out_sites)
    most = max(len(one.seeds) for one in embeddings)
    rows = [
        draws.balanced(train.labels, len(CLASS_NAMES), arguments.labels, arguments.draws, seed)
        for seed in range(most)
    ]
    sides = train.samples, held_out.samples
    flat = pixels(train.samples)
    features: dict[str, list[tuple[Rows, Rows]]] = {
        "Fourier magnitude": [(magnitudes(sides[0]), magnitudes(sides[1]))] * most,
        "pixels": [(flat, pixels(sides[1]))] * most,
        "PCA": [components(flat, pixels(sides[1]))] * most,
    }
    for name, of_seeds in embeddings:
        features[name] = [(embed(sides[0]), embed(sides[1])) for embed in of_seeds]
    baseline = [
        neighbors(*pair, both, of)
        for pair, of in zip(features["Fourier magnitude"], rows, strict=True)
    ]
    table = Table("features", f"{arguments.labels} labels a class", box=box.MARKDOWN)
    for heading in ("less Fourier magnitude's", "R^2 of the site"):
        table.add_column(heading)
    for name, pairs in features.items():
        accuracies = [neighbors(*pair, both, of) for pair, of in zip(pairs, rows, strict=False)]
        over = [
            np.subtract(*both_of).tolist() for both_of in zip(accuracies, baseline, strict=False)
        ]
        seeds = 1 if name in FIXED else len(pairs)
        sites = [site_in(*pair, both) for pair in pairs[:seeds]]
        table.add_row(name, told(over_seeds(accuracies)), told(over_seeds(over), "+"), told(sites))
    if arguments.picture is not None:
        maps = {name: features[name][0][1] for name, _ in embeddings}
        draw(arguments.picture, maps, both)
    return table


def draw(out: Path, maps: dict[str, Rows], both: Both) -> None:
    """Draw each embedding in two dimensions by t-SNE, coloured by defect and by site."""
    figure = Figure(figsize=(3.2 * len(maps), 6.6), layout="constrained")
    panels = figure.subplots(2, len(maps), squeeze=False)
    labels, sites = both.held_out.labels[:DRAWN], both.held_out_sites[:DRAWN]
    for (name, rows), (by_class, by_site) in zip(maps.items(), panels.T, strict=True):
        places = TSNE(init="pca", random_state=0).fit_transform(rows[:DRAWN])
        for label, known in enumerate(CLASS_NAMES):
            by_class.scatter(*places[labels == label].T, s=4, label=known, color=f"C{label}")
        some = labels > 0
        by_site.scatter(*places[~some].T, s=4, color="lightgrey", label="no defect")
        by_site.scatter(*places[some].T, s=4, c=sites[some], cmap="twilight")
        by_class.set_title(name, fontsize=9)
        for panel in (by_class, by_site):
            panel.set_xticks([])
            panel.set_yticks([])
    panels[0, 0].set_ylabel("by defect")
    panels[1, 0].set_ylabel("by site")
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=5, markerscale=3, fontsize=8)
    figure.savefig(files.at_home(out), dpi=90)


def of_windows(arguments: Arguments, path: Path, embeddings: Sequence[Embedding]) -> Table:
    """The table of a micrograph's held-out windows."""
    try:
        found = micrograph.read(files.at_home(path))
        wide = found.picture.shape[1]
        columns = (wide * (1 - micrograph.HELD_OUT), wide - 1.0)
        rng = np.random.default_rng(0)
        corners = found.corners(arguments.held_out_n, columns, rng, MARGIN)
    except micrograph.NoMicrographError as error:
        require(False, "micrograph", str(path), f"a micrograph of a lattice; it {error}")
        raise
    first, second = found.vectors
    shifts = {
        "a vector on": (first, second, first - second),
        "half a vector on": (first / 2, second / 2, (first - second) / 2),
    }
    read = {name: [found.windows(corners + shift) for shift in of] for name, of in shifts.items()}
    here = found.windows(corners)
    table = Table("features", *(f"cosine {name}" for name in shifts), "any two", box=box.MARKDOWN)
    for name, seeds in [Embedding("pixels, less their mean", [_centered]), *embeddings]:
        for embed in seeds:
            rows = embed(here)
            cells = [
                " / ".join(told(cosines(rows, embed(windows)).tolist()) for windows in of)
                for of in read.values()
            ]
            table.add_row(name, *cells, told(cosines(rows, np.roll(rows, 1, axis=0)).tolist()))
    return table


def _centered(pictures: Pictures) -> Rows:
    rows = pixels(pictures)
    return np.asarray(rows - rows.mean(axis=1, keepdims=True))


def cosines(one: Rows, other: Rows) -> Float[np.ndarray, " n"]:
    """The cosine of each row with the other's of the same number."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / lengths)


def main() -> None:
    """Read the runs, measure, print."""
    arguments = parse(Arguments, prog="python -m benchmarks.lattice", description=__doc__)
    embeddings = embeddings_of(arguments.runs)
    if arguments.micrograph is None:
        table = of_defects(arguments, embeddings)
    else:
        table = of_windows(arguments, arguments.micrograph, embeddings)
    Console(width=120).print(table)


if __name__ == "__main__":
    cli.run(main)
