"""Where each game leads free particles in frozen features.

Features are unit vectors about ten modes, drawn anew at every step. 64 fakes are free vectors on
the sphere, all about one mode at the start, and follow a game's gradient by each of them. A mode is
held where a fake lies within `NEAR` of its centre, by cosine. Run it as
`python -m benchmarks.neighbor_particles`; `docs/neighbours.md` has the table.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.neighbor_bias import batch_of
from cgan.config import positive, require
from cgan.objectives import Game
from cgan.objectives.comparisons import EmbeddingComparison
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES
from cgan.objectives.neighbor import NeighborGame
from cgan.system import cli
from cgan.system.arguments import parse
from cgan.types import Embeddings, RandomKey

DIMENSIONS, MODES, PARTICLES = 16, 10, 64
NOISE = 0.1
"""Standard deviation of each coordinate about a mode, before a vector is brought to length 1."""
NEAR = 0.8
"""Cosine to a mode's centre from which on a fake is of this mode; reals have 0.93 on average."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that moves particles by each game."""

    temperatures: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5)
    """Temperatures of the games."""
    steps: int = 500
    """Steps of gradient descent."""
    rate: float = 0.1
    """Length of a step for a gradient of 1."""
    starts: int = 3
    """Draws of the modes, each with its own start."""

    def __post_init__(self) -> None:
        positive(self, "", "steps", "rate", "starts")
        for temperature in self.temperatures:
            require(temperature > 0, "temperatures", temperature, "more than 0")


class Held(NamedTuple):
    """What the particles hold at the end."""

    modes: int
    """Modes with a particle near them."""
    variation: float
    """Total variation between shares of modes, those near none for a mode more, and even ones."""


def unit(vectors: Embeddings) -> Embeddings:
    """The vectors at length 1."""
    return vectors / jnp.linalg.norm(vectors, axis=-1, keepdims=True)


def about(key: RandomKey, centers: Embeddings) -> Embeddings:
    """A sample about each of these centres."""
    return unit(centers + NOISE * jax.random.normal(key, centers.shape))


def moved(
    game: Game, start: int, steps: int = 500, rate: float = 0.1
) -> tuple[Embeddings, Embeddings]:
    """Centres of the modes, and the particles after some steps along a game's gradient."""
    of_centers, of_start, of_steps = jax.random.split(jax.random.key(start), 3)
    centers = unit(jax.random.normal(of_centers, (MODES, DIMENSIONS)))
    particles = about(of_start, jnp.broadcast_to(centers[0], (PARTICLES, DIMENSIONS)))

    def step(particles: Embeddings, key: RandomKey) -> tuple[Embeddings, None]:
        of_modes, of_reals = jax.random.split(key)
        mode = jax.random.randint(of_modes, (PARTICLES,), 0, MODES)
        reals = about(of_reals, centers[mode])

        def loss(particles: Embeddings) -> Float[Array, ""]:
            terms = game.generator_terms({}, batch_of(reals, unit(particles)))
            return sum(map(jnp.sum, terms.values()), start=jnp.zeros(()))

        return unit(particles - rate * jax.grad(loss)(particles)), None

    return centers, jax.lax.scan(step, particles, jax.random.split(of_steps, steps))[0]


def held(centers: Embeddings, particles: Embeddings) -> Held:
    """How many modes have a particle near them, and how even their shares are."""
    cosines = np.asarray(particles) @ np.asarray(centers).T
    near = cosines.max(axis=1) > NEAR
    counts = np.bincount(cosines.argmax(axis=1)[near], minlength=MODES)
    off = np.abs(counts / len(cosines) - 1 / MODES).sum() + np.mean(~near)
    return Held(int((counts > 0).sum()), float(off / 2))


def games(temperature: float) -> dict[str, Game]:
    """The games that are compared."""
    mirrored = {
        "mirrored, softmax": ("softmax", False),
        "mirrored, softmax and dual": ("softmax", True),
        "mirrored, pairwise and dual": ("pairwise", True),
    }
    found: dict[str, Game] = {
        name: Contrastive(EmbeddingComparison(), CURVES[curve, "mean"], temperature, dual=dual)
        for name, (curve, dual) in mirrored.items()
    }
    return found | {
        "covering alone": NeighborGame(temperature, halves="covering"),
        "realism alone": NeighborGame(temperature, halves="realism"),
        "both halves": NeighborGame(temperature),
        "both halves, tolerance 2": NeighborGame(temperature, tolerance=2.0),
        "two-sided coupling": NeighborGame(temperature, coupling="two_sided"),
    }


def main() -> None:
    """Move particles by each game at each temperature, and print a row for each game."""
    arguments = parse(
        Arguments, prog="python -m benchmarks.neighbor_particles", description=__doc__
    )
    headings = (f"tau = {temperature:g}" for temperature in arguments.temperatures)
    table = Table("modes of 10, total variation", *headings, box=box.MARKDOWN)
    rows: dict[str, list[str]] = {}
    for temperature in arguments.temperatures:
        for name, game in games(temperature).items():
            steps, rate = arguments.steps, arguments.rate
            move = jax.jit(lambda start, game=game: moved(game, start, steps, rate))  # noqa: B023
            ends = [held(*move(start)) for start in range(arguments.starts)]
            modes = " ".join(str(end.modes) for end in ends)
            worst = max(end.variation for end in ends)
            rows.setdefault(name, []).append(f"{modes}, {worst:.2f}")
    for name, cells in rows.items():
        table.add_row(name, *cells)
    Console(width=140).print(table)


if __name__ == "__main__":
    cli.run(main)
