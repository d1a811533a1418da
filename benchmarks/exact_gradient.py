"""The exact penalties' gradient with one backward pass less: `python -m benchmarks.exact_gradient`.

The gradient of a discriminator's loss with R1 on random images of 32x32, once as `penalties.exact`
has it and once as the textbook: the scores' gradient, its square, and the gradient of both through
everything.
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import tyro
from jax.flatten_util import ravel_pytree
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Form, quartiles, ratios
from cgan import networks
from cgan.config import Discriminator, positive, require_known
from cgan.objectives import penalties
from cgan.system import cli, compile_options
from cgan.types import DiscriminatorOutput, Factors, Params, RowKeys, Samples, present
from configs import CONFIGS

SHAPE, WEIGHT = (32, 32, 3), 0.1
DISCRIMINATORS = {
    "mlp": Discriminator("mlp", width=512, depth=3),
    "conv": Discriminator("conv", width=32, depth=3),
    "sngan": Discriminator("sngan", width=32, max_width=128),
    "r3gan": Discriminator("r3gan", width=32, max_width=128, depth=1, group_size=16),
    "stylegan2": Discriminator("stylegan2", width=32, max_width=128),
}
OURS, TEXTBOOK = "ours", "textbook"
CLOSE = 1e-4
"""Largest distance of equal gradients, as a share of their length: sums in another order."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times both forms of the gradient, in turns."""

    discriminators: tuple[str, ...] = tuple(DISCRIMINATORS)
    """Names of the discriminators to time."""
    batch: int = 64
    """Images in the batch."""
    rounds: int = 10
    """Rounds in which each form takes its turn once."""

    def __post_init__(self) -> None:
        require_known("discriminators", self.discriminators, DISCRIMINATORS)
        positive(self, "", "batch", "rounds")


def textbook(
    discriminate: penalties.BoundDiscriminate,
    samples: Samples,
    keys: RowKeys,
    heads: penalties.HeadNames,
) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    """The score's squared norms by differentiating twice, as an `Estimator`."""
    slopes = jax.grad(lambda inputs: present(discriminate(inputs).score).sum())(samples)
    squares = jnp.square(slopes).sum(axis=range(1, samples.ndim))
    return discriminate(samples), DiscriminatorOutput(squares, None)


FORMS: dict[str, penalties.Estimator] = {OURS: penalties.exact, TEXTBOOK: textbook}


def compiled(name: str, estimate: penalties.Estimator, batch: int) -> Form:
    """Compile the gradient of `mean softplus(-D) + WEIGHT / 2 |grad D|^2` in one of the forms."""
    config = replace(CONFIGS["digits"], discriminator=DISCRIMINATORS[name])
    pair = networks.build(config, SHAPE)
    key = jax.random.key(0)
    params, stats = pair.init_discriminator(key)
    samples, keys = jax.random.normal(key, (batch, *SHAPE)), jax.random.split(key, batch)

    def loss(params: Params, samples: Samples) -> jax.Array:
        def discriminate(samples: Samples, factors: Factors | None = None) -> DiscriminatorOutput:
            return pair.discriminate(params, stats, samples, factors=factors)

        output, squares = estimate(discriminate, samples, keys, ("score",))
        losses = jax.nn.softplus(-present(output.score)) + WEIGHT / 2 * present(squares.score)
        return losses.mean()

    def dispatch(params: Params, samples: Samples) -> tuple[Params, Params]:
        return params, jax.grad(loss)(params, samples)

    lowered = jax.jit(dispatch).lower(params, samples)
    return Form(lowered.compile(compile_options.options()), samples, params)


def require_same(forms: dict[str, Form]) -> None:
    """Raise unless both forms return the same gradient.

    Raises:
        AssertionError: by how much they differ.
    """
    ours, textbook = (
        ravel_pytree(form.dispatch(form.start(), form.batches)[1])[0]
        for form in (forms[OURS], forms[TEXTBOOK])
    )
    apart = float(jnp.linalg.norm(ours - textbook) / jnp.linalg.norm(textbook))
    assert apart < CLOSE, f"gradients differ by {apart:.1e}"


def main() -> None:
    """Compile both forms, compare their gradients, time them in turns, print."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.exact_gradient", description=__doc__)
    table = Table(
        "discriminator", "textbook / ours", "MiB, textbook", "MiB, ours", box=box.MARKDOWN
    )
    for name in arguments.discriminators:
        forms = {form: compiled(name, FORMS[form], arguments.batch) for form in FORMS}
        require_same(forms)
        found = ratios(forms, OURS, arguments.rounds)
        memory = {
            form: forms[form].dispatch.memory_analysis().temp_size_in_bytes / 2**20
            for form in (TEXTBOOK, OURS)
        }
        told = (f"{used:,.0f}" for used in memory.values())
        table.add_row(name, quartiles(found[TEXTBOOK]), *told)
        jax.clear_caches()
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}")
    Console(width=100).print(table)


if __name__ == "__main__":
    cli.run(main)
