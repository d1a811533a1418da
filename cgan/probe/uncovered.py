"""Reals without a near fake, by the embedding that the discriminator itself compares them with.

Around a real the log-density of the other reals, `p`, is held against that of the fakes, `q`:

    p_i = lme_{k != i} s(x_i, x_k),  q_i = lme_k s(x_i, g_k),  s(a, b) = h(a) . h(b) / tau

with `lme` the log of the mean of exponentials, as in the neighbour game
(`cgan/objectives/neighbor.py`). A large margin `p_i - q_i` says that data lie around the real and
fakes do not. How large one is by chance, reals tell: twice as many held-out ones as there are fakes
are halved at random, some times over, and each half stands for the fakes once. The bound is what
these margins keep to but for one in a hundred. So a perfect sampler leaves about 1 % of the reals
without a near fake, however the embedding is. Of all held-out reals at once it would leave more:
they may hold more of a class than the fakes by chance, in all places at which the bound looks.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from cgan.objectives.comparisons import products
from cgan.objectives.neighbor import log_mean_exp
from cgan.types import PerSample

Rows = Float[Array | np.ndarray, "n dimensions"]

QUANTILE, HALVES = 0.99, 16
"""Share of the margins over halves of the held-out reals within the bound, and how many halves."""
BLOCK = 512
"""Rows whose products with all others are in memory at once."""
HALF, AT_LEAST = 0.5, 3
"""Share of a class's reals, and number of them: more without a near fake, and nobody imitates it.

As many at least. By chance a class of five loses three once in 100,000 times.
"""


class Uncovered(NamedTuple):
    """Margins of some reals over fakes, and which of them have no near fake."""

    margins: PerSample
    """Log-density of the other reals around each real, less that of the fakes."""
    bound: Float[Array, ""]
    """Margin that one in a hundred has where held-out reals stand for the fakes."""
    floor: Float[Array, "n halves"]
    """Margins with halves of the held-out reals in the fakes' place."""

    @property
    def which(self) -> Bool[Array, " n"]:
        """Whether each real has no near fake."""
        return self.margins > self.bound

    @property
    def share(self) -> Float[Array, ""]:
        """Share of the reals without a near fake; about 0.01 for a perfect sampler."""
        return self.which.mean()


def stand_ins(fakes: int, held_out: int) -> int:
    """Number of fakes that half of so many held-out reals can stand in for."""
    return min(fakes, held_out // 2)


@jax.jit
def uncovered(
    reals: Rows,
    fakes: Float[Array | np.ndarray, "m dimensions"],
    held_out: Float[Array | np.ndarray, "k dimensions"],
    temperature: Float[Array, ""] | float,
) -> Uncovered:
    """Find which reals have no near fake.

    Args:
        reals: embeddings of two reals or more.
        fakes: embeddings; the first of them are taken, as many as `stand_ins`.
        held_out: embeddings of two held-out reals or more; the first of them, twice as many.
        temperature: tau of the run, which the cosines are divided by.
    """
    count = stand_ins(len(fakes), len(held_out))
    own = log_density(reals, reals, temperature, leave_out=True)
    margins = own - log_density(reals, fakes[:count], temperature)
    density = log_density(reals, held_out[: 2 * count], temperature, subsets=halves(2 * count))
    floor = own[:, None] - density
    return Uncovered(margins, jnp.quantile(floor, QUANTILE), floor)


def halves(n: int) -> Bool[np.ndarray, "n halves"]:
    """Random halves of so many rows, the same ones always: whether a row is in each of them."""
    ranks = np.arange(n)[:, None].repeat(HALVES, axis=1)
    return np.asarray(np.random.default_rng(0).permuted(ranks, axis=0) < n // 2)


def log_density(
    around: Rows,
    samples: Float[Array | np.ndarray, "m dimensions"],
    temperature: Float[Array, ""] | float,
    leave_out: bool = False,
    subsets: Bool[np.ndarray, "m subsets"] | None = None,
) -> PerSample | Float[Array, "n subsets"]:
    """Log-density of samples around others, `lme_k s(around_i, samples_k)`, up to a constant.

    Args:
        around: where it is asked for; a block of rows at a time.
        samples: whose density.
        temperature: tau, the kernel's width.
        leave_out: leave out the sample of the same row, the same one in both sets.
        subsets: whether each sample is in each of some sets, whose densities are asked for.
    """
    around, samples = jnp.asarray(around), jnp.asarray(samples)
    n, m = len(around), len(samples)
    rows = jnp.arange(-(-n // BLOCK) * BLOCK).reshape(-1, BLOCK)
    inside = jnp.asarray(np.ones((m, 1), bool) if subsets is None else subsets)

    def of_block(block: Int[Array, " block"]) -> Float[Array, "block subsets"]:
        logits = products(around[block % n], samples) / temperature
        met = block[:, None] != jnp.arange(m) if leave_out else jnp.ones(logits.shape, bool)

        def of_subset(inside: Bool[Array, " m"]) -> Float[Array, " block"]:
            return log_mean_exp(logits, met & inside)

        return jax.lax.map(of_subset, inside.T).T

    found = jax.lax.map(of_block, rows).reshape(-1, inside.shape[1])[:n]
    return found[:, 0] if subsets is None else found


class ByClass(NamedTuple):
    """Reals of each class, and how many of them have no near fake."""

    seen: Int[np.ndarray, " classes"]
    uncovered: Int[np.ndarray, " classes"]

    @property
    def shares(self) -> Float[np.ndarray, " classes"]:
        """Share of each class's reals without a near fake; 0 for a class without reals."""
        return self.uncovered / np.maximum(self.seen, 1)

    @property
    def nobody_imitates(self) -> Bool[np.ndarray, " classes"]:
        """Whether more than half of a class's reals, and three at least, have no near fake."""
        return (self.uncovered > HALF * self.seen) & (self.uncovered >= AT_LEAST)


def by_class(which: Bool[np.ndarray, " n"], labels: Int[np.ndarray, " n"], classes: int) -> ByClass:
    """Count the reals of each class, and those of them that have no near fake."""
    count = partial(np.bincount, minlength=classes)
    return ByClass(count(labels), count(labels[which]))
