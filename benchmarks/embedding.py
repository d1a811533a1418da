"""Why the embedding comparison alone stalls, and where it trains: `python -m benchmarks.embedding`.

Unit vectors that are nearly alike give margins that are quadratic in their spread, and so is the
penalty on their Jacobian. So the collapsed discriminator, one vector for everything, is a fixed
point. An embedding that is linear in its input leaves it where `tau (r1 + r2) < L` and not above;
`L` is half the largest eigenvalue of `Cov(x - fake) - Cov(x - other view)`. The table scans both
sides. `docs/objectives.md` has the derivation.
"""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Prepared, compile_step
from cgan import parallel
from cgan.assemble import Parts, assemble
from cgan.augment import augment
from cgan.config import Augment, Embedding, Experiment, Objective, Penalty, require, require_known
from cgan.data.pipeline import load_batches
from cgan.datasets import named
from cgan.rng import row_keys, stream_key
from cgan.sampling.sampler import Sampler
from cgan.state import TrainState
from cgan.system import cli
from cgan.system.arguments import parse
from cgan.types import Samples, present
from configs import CONFIGS
from eval.dataset.protocol import Evaluation, load_evaluation
from eval.measuring.measure import figures

FIGURES = (
    "modes_captured_at_1",
    "modes_captured_at_20",
    "high_quality_share_3sigma",
    "mode_width_ratio_3sigma",
    "reverse_kl_nats",
    "frechet_distance",
)
"""Metrics that are measured, as far as the data set has them."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that scans temperature and penalty of an embedding alone."""

    source: str = "stacked_digits"
    """Experiment whose networks and data are used."""
    temperatures: tuple[float, ...] = (0.1, 1.0)
    """Temperatures of the embedding's margins."""
    ratios: tuple[float, ...] = (0.0, 0.01, 0.1, 0.5, 2.0)
    """Weights of the penalties, as `tau (r1 + r2) / L`."""
    strength: float = 0.3
    """Strength of the views."""
    steps: int = 2000
    """Training steps of each run."""

    def __post_init__(self) -> None:
        require_known("source", (self.source,), (*named(from_files=False), "stacked_mnist"))
        require(len(self.temperatures) > 0, "temperatures", self.temperatures, "one or more")


def alone(source: str, temperature: float, strength: float) -> Experiment:
    """The experiment with the embedding comparison alone, and no score."""
    return dataclasses.replace(
        CONFIGS[source],
        objective=Objective(weight=0.0),
        penalty=Penalty(r1=0.0, r2=0.0),
        embedding=Embedding(weight=1.0, game="mirrored", temperature=temperature),
        augment=Augment(strength),
    )


def views(parts: Parts, name: str, count: int) -> tuple[Samples, Samples]:
    """Two views each of `count` reals, the same reals for the same name."""
    source, strength = parts.source, parts.config.augment.strength
    order = np.random.default_rng([len(name), *name.encode()]).permutation(len(source))[:count]
    reals = jnp.asarray(source.encode(np.asarray(source[order].x)))
    one, other = (
        augment(
            row_keys(stream_key(0, f"{name}/{view}"), jnp.arange(count)),
            reals,
            strength,
            source.kind,
        )
        for view in ("one", "other")
    )
    return one, other


def threshold(parts: Parts, at_most: int = 4096) -> float:
    """The constant `L` of the real data, for fakes distributed as the reals."""
    count = min(at_most, len(parts.source))

    def spread(difference: Samples) -> Float[Array, "d d"]:
        flat = difference.reshape(count, -1)
        return flat.T @ flat / count

    one, other = views(parts, "reals", count)
    stranger, _ = views(parts, "fakes", count)
    return float(jnp.linalg.eigvalsh(spread(one - stranger) - spread(one - other))[-1] / 2)


def cosines(compiled: Prepared, state: TrainState, count: int = 512) -> dict[str, float]:
    """Mean cosines between views of one real, of two reals, and of a real and a fake."""
    parts, networks = compiled.parts, compiled.parts.networks

    def embed(samples: Samples) -> Float[Array, "n dimensions"]:
        output = networks.discriminate(state.discriminator, state.discriminator_stats, samples)
        return present(output.embedding)

    one, other = (embed(view) for view in views(parts, "reals", count))
    stranger = embed(views(parts, "fakes", count)[0])
    latents = networks.draw_latents(row_keys(stream_key(0, "latents/cosines"), jnp.arange(count)))
    fake = embed(networks.generate(state.generator_ema, latents))
    return {
        "own view": float(jnp.mean(jnp.sum(one * other, axis=1))),
        "other real": float(jnp.mean(one @ stranger.T)),
        "fake": float(jnp.mean(one @ fake.T)),
    }


def figures_of(
    compiled: Prepared, state: TrainState, evaluation: Evaluation
) -> dict[str, float | None]:
    """Metrics of generated samples, by the experiment's evaluation protocol."""
    sampler = Sampler(compiled.parts)
    latents = sampler.latents(evaluation.protocol.n, 0, "latents/samples")
    samples = sampler.generate(parallel.fetch(state.generator_ema), latents)
    known = evaluation.metrics
    metrics = {name: known[name] for name in FIGURES if name in known}
    found = figures(evaluation, samples, metrics)
    return {metrics[name].label: value for name, value in found.items()}


def train(compiled: Prepared, steps: int) -> tuple[TrainState, float]:
    """Train for some steps: the state, and the discriminator's mean loss in the last dispatch."""
    config, devices = compiled.parts.config, jax.local_devices()[:1]
    state, loss = compiled.start(), float("nan")
    for step in range(0, steps, config.steps_per_dispatch):
        host = load_batches(
            compiled.parts.source, config.batch_size, 0, step, config.steps_per_dispatch
        )
        state, outcome = compiled.dispatch(state, parallel.shard(host, devices))
        names = ("embedding/real_vs_fakes", "embedding/fake_vs_reals")
        loss = float(sum(outcome.metrics[f"discriminator/{name}"].mean() for name in names))
    return state, loss


def main() -> None:
    """Train with each temperature and penalty, and print a row for each."""
    arguments = parse(Arguments, prog="python -m benchmarks.embedding", description=__doc__)
    console = Console(width=200)
    table = Table("tau", "tau (r1 + r2) / L", "r1 = r2", "loss", box=box.MARKDOWN)
    evaluation = load_evaluation(CONFIGS[arguments.source].data)
    headed = False
    for temperature in arguments.temperatures:
        base = alone(arguments.source, temperature, arguments.strength)
        base = dataclasses.replace(base, total_nimg=arguments.steps * base.batch_size)
        limit = threshold(assemble(base))
        for ratio in arguments.ratios:
            penalty = ratio * limit / temperature / 2
            embedding = dataclasses.replace(base.embedding, r1=penalty, r2=penalty)
            compiled = compile_step(dataclasses.replace(base, embedding=embedding))
            state, loss = train(compiled, arguments.steps)
            seen = cosines(compiled, state) | figures_of(compiled, state, evaluation)
            if not headed:
                for name in seen:
                    table.add_column(name)
                headed = True
            cells = [f"{temperature:g}", f"{ratio:g}", f"{penalty:.3g}", f"{loss:.4f}"]
            values = ("" if value is None else f"{value:.3g}" for value in seen.values())
            table.add_row(*cells, *values)
            console.print(*cells, seen)
    console.print(f"{arguments.source}: L = {limit:.3g}; log 2 = 0.6931", highlight=False)
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
