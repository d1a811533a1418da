"""The forms of the 3x3 convolution side by side: `python -m benchmarks.convolution`.

Two layers with a leaky ReLU between, the gradient of a loss with an exact gradient penalty: what a
step of a discriminator asks of them, once by itself and once inside `lax.scan`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Form, quartiles, ratios
from cgan.config import positive, require
from cgan.networks.convolution import backend_convolution, convolve
from cgan.networks.layers import leaky_relu
from cgan.system import cli, compile_options
from cgan.system.arguments import parse

OURS = "ours"
SCANNED = 2
"""Steps of the scan that a convolution is timed in."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times the forms of the convolution, in turns."""

    batch: int = 64
    """Images in the batch."""
    side: int = 32
    """Side of the square images, in pixels."""
    channels: int = 32
    """Channels of the maps, of all groups together."""
    groups: int = 1
    """Groups of channels, each convolved by itself."""
    rounds: int = 10
    """Rounds in which each form takes its turn once."""
    backend_in_scan: bool = False
    """Time the backend's own form inside a scan too: a hundred times slower on CPUs."""

    def __post_init__(self) -> None:
        positive(self, "", "batch", "side", "channels", "groups", "rounds")
        divisor = f"a divisor of the {self.channels} channels"
        require(self.channels % self.groups == 0, "groups", self.groups, divisor)


def ours(x: jax.Array, kernel: jax.Array, groups: int) -> jax.Array:
    """The 3x3 convolution in the form that the networks call."""
    return convolve(x, kernel.reshape(-1, kernel.shape[-1]), groups)


def compiled(
    form: Callable[..., jax.Array], arguments: Arguments, scanned: bool, options: dict[str, Any]
) -> Form:
    """Compile the gradient of a loss over one form of the convolution."""
    groups, channels = arguments.groups, arguments.channels
    for_x, for_kernels = jax.random.split(jax.random.key(0))
    x = jax.random.normal(for_x, (arguments.batch, arguments.side, arguments.side, channels))
    shape = (2, 3, 3, channels // groups, channels)
    kernels = jax.random.normal(for_kernels, shape) * (9 * channels // groups) ** -0.5

    def score(kernels: jax.Array, x: jax.Array) -> jax.Array:
        for kernel in kernels:
            x = leaky_relu(form(x, kernel, groups))
        return jnp.sum(x) / arguments.batch

    def loss(kernels: jax.Array, x: jax.Array) -> jax.Array:
        return score(kernels, x) + jnp.sum(jax.grad(score, argnums=1)(kernels, x) ** 2)

    def step(kernels: jax.Array, x: jax.Array) -> jax.Array:
        return kernels - 1e-6 * jax.grad(loss)(kernels, x)

    def dispatch(kernels: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        if scanned:
            kernels = jax.lax.fori_loop(0, SCANNED, lambda _, kernels: step(kernels, x), kernels)
        else:
            for _ in range(SCANNED):
                kernels = step(kernels, x)
        return kernels, jnp.sum(kernels)

    program = jax.jit(dispatch).lower(kernels, x).compile(compiler_options=options)
    return Form(program, x, kernels)


def main() -> None:
    """Time all forms of the convolution in turns, and print a table."""
    arguments = parse(Arguments, prog="python -m benchmarks.convolution", description=__doc__)
    chosen = compile_options.options()
    forms = {
        OURS: compiled(ours, arguments, True, chosen),
        "ours, without a scan": compiled(ours, arguments, False, chosen),
        "ours, no options": compiled(ours, arguments, True, {}),
        "the backend's, without a scan": compiled(backend_convolution, arguments, False, chosen),
        "the backend's, without a scan, no options": compiled(
            backend_convolution, arguments, False, {}
        ),
    }
    if arguments.backend_in_scan:
        forms["the backend's, in a scan"] = compiled(backend_convolution, arguments, True, chosen)
    found = ratios(forms, OURS, arguments.rounds)
    table = Table("form", "time, of ours in a scan", box=box.MARKDOWN)
    for name, values in found.items():
        table.add_row(name, quartiles(values))
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}, options {chosen}")
    Console(width=120).print(table)


if __name__ == "__main__":
    cli.run(main)
