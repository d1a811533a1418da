"""The neighbour game's mean gradient at equal distributions: `python -m benchmarks.neighbor_bias`.

Reals and fakes are drawn alike on the sphere, `h = (1, v) / |(1, v)|` with `v` normal of standard
deviation `spread`; the fakes' is `spread e^w`. Printed is the mean of the slope by `w` at 0, with
its standard error: a positive one narrows the fakes, a negative one widens them, and a fair game
has none. `docs/neighbours.md` says which parts of the game have which.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from rich import box
from rich.console import Console
from rich.table import Table

from cgan.config import positive, require
from cgan.objectives import BatchOutputs, PairedOutputs
from cgan.objectives.comparisons import products
from cgan.objectives.neighbor import excesses, log_mean_exp
from cgan.system import cli
from cgan.system.arguments import parse
from cgan.types import DiscriminatorOutput, Embeddings, PerSample, RandomKey

Losses = dict[str, Float[Array, ""]]
Slopes = dict[str, Float[np.ndarray, " draws"]]


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that measures the bias of a batch."""

    batch_sizes: tuple[int, ...] = (4, 8, 16, 32, 64, 128)
    """Reals in a batch, and as many fakes."""
    dimensions: int = 16
    """Length of the unit vectors."""
    spread: float = 0.25
    """Standard deviation of each coordinate across the mean direction."""
    temperature: float = 0.1
    """Tau, the width of the kernel."""
    samples: int = 200_000
    """Reals drawn for each batch size."""
    seed: int = 0
    """Seed of the draws."""

    def __post_init__(self) -> None:
        positive(self, "", "dimensions", "spread", "temperature", "samples")
        for size in self.batch_sizes:
            require(size > 1, "batch_sizes", size, "more than 1")


def on_sphere(normals: Embeddings, spread: Float[Array, ""] | float) -> Embeddings:
    """Unit vectors about the first axis."""
    vectors = jnp.concatenate([jnp.ones_like(normals[:, :1]), spread * normals[:, 1:]], axis=1)
    return vectors / jnp.linalg.norm(vectors, axis=1, keepdims=True)


def batch_of(real: Embeddings, fake: Embeddings) -> BatchOutputs:
    """A batch of embeddings on one device, every real with every fake."""
    of_real, of_fake = DiscriminatorOutput(None, real), DiscriminatorOutput(None, fake)
    outputs = PairedOutputs(of_real, of_fake, jnp.ones(len(real)))
    return BatchOutputs(outputs, outputs, jnp.arange(len(real)), jnp.arange(len(real)))


def losses(real: Embeddings, fake: Embeddings, temperature: float) -> Losses:
    """Each half with softplus, both as they are, tolerant, without it, and with own rows kept."""
    found = excesses(batch_of(real, fake), temperature)
    soft = {name: jnp.mean(jax.nn.softplus(excess)) for name, excess in found.items()}
    everyone = jnp.ones((len(real), len(real)), bool)

    def kept(rows: Embeddings) -> PerSample:
        """The densities of the other kind, with the fake or the real of the own row too."""
        other = fake if rows is real else real
        return log_mean_exp(products(rows, other) / temperature, everyone)

    def left_out(rows: Embeddings) -> PerSample:
        """The densities of its own kind, without the sample itself."""
        return log_mean_exp(products(rows, rows) / temperature, ~jnp.eye(len(rows), dtype=bool))

    with_own = [left_out(rows) - kept(rows) for rows in (real, fake)]
    return soft | {
        "both": sum(soft.values(), start=jnp.zeros(())),
        "both, tolerance 2": sum(
            (jnp.mean(jax.nn.softplus(excess - 2)) for excess in found.values()),
            start=jnp.zeros(()),
        ),
        "both, no softplus": sum(map(jnp.mean, found.values()), start=jnp.zeros(())),
        "both, own rows kept across": sum(
            (jnp.mean(jax.nn.softplus(excess)) for excess in with_own), start=jnp.zeros(())
        ),
        "both, own rows kept across, no softplus": sum(
            map(jnp.mean, with_own), start=jnp.zeros(())
        ),
    }


def slopes(
    size: int, draws: int, dimensions: int, spread: float, temperature: float, seed: int
) -> Slopes:
    """Slopes of all losses by the log of the fakes' spread where it is the reals', one a batch."""

    def of_batch(key: RandomKey) -> Losses:
        real, fake = jax.random.normal(key, (2, size, dimensions))

        def at(log_ratio: Float[Array, ""]) -> Losses:
            wide = spread * jnp.exp(log_ratio)
            return losses(on_sphere(real, spread), on_sphere(fake, wide), temperature)

        return jax.jvp(at, (jnp.zeros(()),), (jnp.ones(()),))[1]

    of_all: Callable[..., Losses] = jax.jit(lambda keys: jax.lax.map(of_batch, keys, batch_size=64))
    found = of_all(jax.random.split(jax.random.key(seed), draws))
    return {name: np.asarray(values, np.float64) for name, values in found.items()}


def mean_and_error(values: Float[np.ndarray, " draws"]) -> tuple[float, float]:
    """The mean, and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def fairest(found: Slopes) -> Float[np.ndarray, " draws"]:
    """Slopes of both halves less half of those without softplus, whose mean is 0: less noise."""
    return found["both"] - found["both, no softplus"] / 2


def main() -> None:
    """Measure the mean slopes for each batch size, and print a row for each loss."""
    arguments = parse(Arguments, prog="python -m benchmarks.neighbor_bias", description=__doc__)
    table = Table("loss", *map(str, arguments.batch_sizes), box=box.MARKDOWN)
    rows: dict[str, list[str]] = {}
    controlled = []
    for size in arguments.batch_sizes:
        found = slopes(
            size,
            max(2, arguments.samples // size),
            arguments.dimensions,
            arguments.spread,
            arguments.temperature,
            arguments.seed,
        )
        found["both, less noise"] = fairest(found)
        for name, values in found.items():
            mean, error = mean_and_error(values)
            rows.setdefault(name, []).append(f"{mean:+.5f} ± {error:.5f}")
        controlled.append(mean_and_error(found["both, less noise"])[0])
    for name, cells in rows.items():
        table.add_row(name, *cells)
    console = Console(width=200)
    console.print(table)
    order = np.polyfit(np.log(arguments.batch_sizes), np.log(np.abs(controlled)), 1)[0]
    console.print(f"order of the bias in the batch size: {order:.2f}", highlight=False)


if __name__ == "__main__":
    cli.run(main)
