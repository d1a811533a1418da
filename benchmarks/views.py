"""What random views cost beside the step that they are in: `python -m benchmarks.views`.

A batch of views in both forms of their interpolation, and its gradient, each inside `lax.scan`; and
a training step with views of reals, fakes and an embedding's other view, as a ratio to the same
step on the samples themselves.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from unittest import mock

import jax
import jax.numpy as jnp
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Form, Prepared, compile_parts, quartiles, ratios
from benchmarks.noise import Noise
from cgan.assemble import Parts, assemble_on
from cgan.augment import augment, views
from cgan.axis import Axis
from cgan.config import (
    Augment,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    positive,
    require_known,
)
from cgan.kinds import IMAGE
from cgan.rng import Seed, row_keys, stream_key
from cgan.step import TrainStep
from cgan.system import cli, compile_options
from cgan.system.arguments import parse
from cgan.types import RowKeys, Samples
from configs.images import images_experiment

SHAPES = {
    "8x8x1": (8, 8, 1),
    "28x28x1": (28, 28, 1),
    "28x28x3": (28, 28, 3),
    "32x32x3": (32, 32, 3),
}
PAIRS = ("conv", "mlp")
FORMS = {"reads": views.by_reads, "products": views.by_products}
SCANNED = 20
"""Batches of views in one timing."""
WITH, WITHOUT = "views", "samples"


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times views, and steps with and without them, in turns."""

    shapes: tuple[str, ...] = tuple(SHAPES)
    """Shapes of the images."""
    pairs: tuple[str, ...] = PAIRS
    """Pairs of networks whose step is timed: the small convolutional one, or perceptrons."""
    strength: float = 0.3
    """Strength of the views."""
    batch: int = 64
    """Images in the batch."""
    width: int = 16
    """Channels of the convolutional pair at full resolution."""
    steps: int = 5
    """Steps in one timing."""
    rounds: int = 20
    """Rounds in which each form takes its turn once."""

    def __post_init__(self) -> None:
        positive(self, "", "strength", "batch", "width", "steps", "rounds")
        require_known("shapes", self.shapes, SHAPES)
        require_known("pairs", self.pairs, PAIRS)


class Unseen(Parts):
    """Parts of an experiment whose step passes the samples themselves where it would pass views."""

    def single_step(self, seed: Seed, axis: Axis) -> TrainStep:
        """The step, whose views are the samples."""
        step = super().single_step(seed, axis)
        step.augment = _untouched
        return step


def _untouched(keys: RowKeys, samples: Samples, probability: jax.Array | float) -> Samples:
    """The samples but for their rounding: XLA would merge two passes over the very same ones."""
    told_apart = 1e-16 * jax.random.key_data(keys)[:, 0].astype(samples.dtype)
    return samples + told_apart.reshape(-1, *(1,) * (samples.ndim - 1))


def experiment(pair: str, shape: tuple[int, int, int], arguments: Arguments) -> Experiment:
    """The small pair on images of this shape, with views and an embedding beside the score."""
    base = images_experiment("views", Data(), shape[0], arguments.width)
    depth = max(base.generator.depth, 1)
    networks = {
        "conv": (
            dataclasses.replace(base.generator, depth=depth),
            dataclasses.replace(base.discriminator, depth=depth),
        ),
        "mlp": (Generator("mlp"), Discriminator("mlp")),
    }
    generator, discriminator = networks[pair]
    return dataclasses.replace(
        base,
        generator=generator,
        discriminator=discriminator,
        augment=Augment(arguments.strength),
        embedding=Embedding(weight=1.0),
        batch_size=arguments.batch,
        steps_per_dispatch=arguments.steps,
    )


def steps_of(pair: str, shape: tuple[int, int, int], arguments: Arguments) -> dict[str, Prepared]:
    """Compile the step with views and the one without."""
    parts = assemble_on(experiment(pair, shape, arguments), Noise(shape))
    return {WITH: compile_parts(parts), WITHOUT: compile_parts(Unseen(*parts))}


def batches_of(shape: tuple[int, int, int], arguments: Arguments) -> dict[str, Form]:
    """Compile batches of views, and their gradients, with each form of the interpolation."""
    samples = jax.random.normal(jax.random.key(0), (arguments.batch, *shape))

    def seen(samples: Samples, step: jax.Array) -> Samples:
        keys = row_keys(stream_key(0, "views", step), jnp.arange(arguments.batch))
        return augment(keys, samples, arguments.strength, IMAGE)

    def back(samples: Samples, step: jax.Array) -> Samples:
        return jax.vjp(lambda samples: seen(samples, step), samples)[1](samples)[0]

    def compiled(one: Callable[[Samples, jax.Array], Samples]) -> Form:
        def dispatch(start: Samples, steps: jax.Array) -> tuple[Samples, jax.Array]:
            last, _ = jax.lax.scan(lambda x, step: (one(x, step), None), start, steps)
            return start, jnp.sum(last)

        steps = jnp.arange(SCANNED)
        lowered = jax.jit(dispatch).lower(samples, steps)
        return Form(lowered.compile(compile_options.options()), steps, samples)

    forms: dict[str, Form] = {}
    for name, form in FORMS.items():
        with mock.patch.object(views, "resample", form):
            forms[name] = compiled(seen)
    forms["back"] = compiled(back)
    return forms


def main() -> None:
    """Time everything in turns, and print a table of views and one of steps."""
    arguments = parse(Arguments, prog="python -m benchmarks.views", description=__doc__)
    of_views = Table("images", "products / reads", "gradient / reads", box=box.MARKDOWN)
    of_steps = Table("images", *arguments.pairs, box=box.MARKDOWN)
    for name in arguments.shapes:
        shape = SHAPES[name]
        found = ratios(batches_of(shape, arguments), "reads", arguments.rounds)
        of_views.add_row(name, quartiles(found["products"]), quartiles(found["back"]))
        cells = []
        for pair in arguments.pairs:
            steps = steps_of(pair, shape, arguments)
            cells.append(quartiles(ratios(steps, WITHOUT, arguments.rounds)[WITH]))
            jax.clear_caches()
        of_steps.add_row(name, *cells)
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}, batch {arguments.batch}")
    console = Console(width=120)
    console.print("a batch of views, and the way back of one, as ratios to views by reads")
    console.print(of_views)
    console.print("a step with views as a ratio to one on the samples themselves")
    console.print(of_steps)


if __name__ == "__main__":
    cli.run(main)
