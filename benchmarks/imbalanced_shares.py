"""What skewed stacked digits ask of a generator: `python -m benchmarks.imbalanced_shares`.

The shares of `stacked_digits_imbalanced` are drawn without regard to the digits, so that which
digits go together is a table of 1,000 numbers. A generator may know the shares of each channel's
digits alone, or those of each two channels too, and be perfect in all else: the table says what
such generators score. Of those that have the same shares of two channels it takes the one of
largest entropy, by iterative proportional fitting (Deming & Stephan 1940).
"""

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from rich import box
from rich.console import Console
from rich.table import Table

from cgan.config import positive
from cgan.data.shares import power_law
from cgan.system import cli
from cgan.system.arguments import parse
from eval.metrics.reverse_kl import reverse_kl

DIGITS, CHANNELS = 10, 3
ROUNDS = 3_000
"""Rounds of fitting, after which shares of two channels are right to eight digits."""
RANKS = ((0, 100), (100, 300), (300, 500), (500, 1_000))
"""Groups of modes by rank, from the commonest on."""
SAMPLES = 10**9
"""Samples as which shares are counted: so many that their own noise does not show."""

Shares = Float[np.ndarray, "digits digits digits"]


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that scores generators which know a part of the shares."""

    alpha: float = 1.0
    """Power of the law of the shares, as `data.imbalance`."""

    def __post_init__(self) -> None:
        positive(self, "", "alpha")


def fitted(true: Shares, together: int) -> Shares:
    """The shares of largest entropy with the true ones of each so many channels, 1 to 3."""
    found = np.full_like(true, 1 / true.size)
    for _ in range(ROUNDS if together == 2 else 1):
        for kept in itertools.combinations(range(CHANNELS), together):
            others = tuple(set(range(CHANNELS)) - set(kept))
            found *= true.sum(others, keepdims=True) / found.sum(others, keepdims=True)
    return found


def by_rank(shares: Shares, true: Shares) -> list[float]:
    """Shares over true ones of each group of `RANKS`."""
    order = np.argsort(-true.ravel())
    return [
        float(shares.ravel()[order[low:high]].sum() / true.ravel()[order[low:high]].sum())
        for low, high in RANKS
    ]


def main() -> None:
    """Print the reverse Kullback-Leibler divergence of each, and what it makes too much of."""
    arguments = parse(Arguments, prog="python -m benchmarks.imbalanced_shares", description=__doc__)
    true = power_law(DIGITS**CHANNELS, arguments.alpha).reshape((DIGITS,) * CHANNELS)
    table = Table(box=box.MARKDOWN)
    for heading in ("the generator knows", "reverse KL", *(f"{a + 1} to {b}" for a, b in RANKS)):
        table.add_column(heading)
    known = {
        "no shares": np.full_like(true, 1 / true.size),
        "those of each channel": fitted(true, 1),
        "those of each two channels": fitted(true, 2),
        "all": true,
    }
    for name, shares in known.items():
        counts = np.rint(shares.ravel() * SAMPLES).astype(np.int64)
        ratios = (f"{ratio:.2f}" for ratio in by_rank(shares, true))
        table.add_row(name, f"{reverse_kl(counts, true.ravel()):.3f}", *ratios)
    Console(width=200).print(table)


if __name__ == "__main__":
    cli.run(main)
