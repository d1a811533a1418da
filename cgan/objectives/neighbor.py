"""The neighbour game: each real asks which fakes resemble it, and each fake whom it resembles.

Embeddings lie on the unit sphere, with similarity `s(a, b) = h(a) . h(b) / tau`. The mean of
`exp(s)` over samples is their kernel density up to a constant, by the kernel of von Mises and
Fisher. The densities of reals and of fakes around each sample are compared by their logarithms:

| | over reals, `p` | over fakes, `q` |
|---|---|---|
| around real i | `lme_{k != i} s(x_i, x_k)` | `lme_{k != i} s(x_i, g_k)` |
| around fake j | `lme_{k != j} s(g_j, x_k)` | `lme_{k != j} s(g_j, g_k)` |

`lme` is the log of the mean of exponentials. A sample's own row is left out on both sides, so that
both densities are means over as many samples. `p - q` is the margin of a real over its batch of
fakes; that of a fake is `q - p`. The generator minimises `softplus(p - q)` at reals, a forward
Kullback-Leibler divergence that asks for a fake near each real, and `softplus(q - p)` at fakes, a
reverse one that asks each fake to be nearer to reals than to its own kind. The discriminator learns
the embedding by instance contrast. `docs/neighbours.md` derives it, and what is fixed where.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from cgan.objectives.contrastive import choose
from cgan.objectives.outputs import BatchOutputs
from cgan.types import Embeddings, Margins, Params, PerSample, single

Bounds = tuple[float, float]
Half = Literal["both", "covering", "realism"]
Against = Literal["both", "fakes", "reals"]
Met = Bool[Array, "n K"]


class Densities(NamedTuple):
    """Logarithms of the kernel densities around some samples, over reals and over fakes, `[n]`."""

    reals: PerSample
    fakes: PerSample


@dataclass(frozen=True)
class NeighborGame:
    """The neighbour game of both players, on the embedding head.

    References:
        Each real seeks its nearest fake: implicit maximum likelihood (Li and Malik 2018). Fakes
        drawn to reals and driven from each other: Salimans et al. 2018 (OT-GAN), Deng et al. 2026
        (drifting models, in frozen features). Instance contrast: Chen et al. 2020 (SimCLR, eq. 1).
    """

    temperature: float = 0.1
    temperature_bounds: Bounds | None = None
    generator_temperature: float | None = None
    """Temperature of the generator's half; None for that of the discriminator."""
    negatives: Against = "both"
    """Samples that a real's other view is told from."""
    halves: Half = "both"
    """Which of the densities' divergences the generator minimises."""
    two_sided: bool = False
    """Couple fakes and reals by softmaxes over both, in place of comparing densities."""
    graded: bool = False
    """Let the discriminator grade the densities too, with the margins' signs turned."""

    def init(self) -> Params:
        """Values learnt by the discriminator: the log of the temperature, if it is learnt."""
        if self.temperature_bounds is None:
            return {}
        return {"log_temperature": jnp.asarray(math.log(self.temperature), jnp.float32)}

    def project(self, learnt: Params) -> Params:
        """Move the learnt values within their bounds, after each step of the optimiser."""
        if self.temperature_bounds is None:
            return learnt
        low, high = (math.log(bound) for bound in self.temperature_bounds)
        return {"log_temperature": jnp.clip(learnt["log_temperature"], low, high)}

    def readings(self, learnt: Params) -> dict[str, Float[Array, ""]]:
        """The temperature to be logged, where it is learnt."""
        return {"temperature": jnp.exp(learnt["log_temperature"])} if learnt else {}

    def discriminator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The discriminator's losses `[n]`: instance contrast and, if it grades them, densities."""
        temperature = jnp.exp(learnt["log_temperature"]) if learnt else self.temperature
        terms = {"contrast": instance_contrast(batch, temperature, self.negatives)}
        if self.graded:
            terms |= density_terms(batch, temperature, self.halves, sign=-1)
        return terms

    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The generator's losses `[n]`: of its reals, not covered, and of its fakes, not real."""
        own = self.generator_temperature
        if own is None:
            own = jnp.exp(learnt["log_temperature"]) if learnt else self.temperature
        if self.two_sided:
            return {"coupling": two_sided_coupling(batch, own)}
        return density_terms(batch, own, self.halves)


def density_terms(
    batch: BatchOutputs, temperature: Float[Array, ""] | float, halves: Half, sign: int = 1
) -> dict[str, PerSample]:
    """Losses `softplus(p - q)` at reals and `softplus(q - p)` at fakes, `[n]`.

    A sample that has no other to be compared with costs nothing.

    Args:
        batch: the outputs.
        temperature: tau, the kernel's width.
        halves: at reals (covering), at fakes (realism), or both.
        sign: -1 for the discriminator, which wants the opposite.
    """
    there = others(batch).any(axis=1)
    terms = {}
    if halves != "realism":
        around = densities(single(batch.local.real.embedding), batch, temperature)
        terms["covering"] = jax.nn.softplus(sign * (around.reals - around.fakes))
    if halves != "covering":
        around = densities(single(batch.local.fake.embedding), batch, temperature)
        terms["realism"] = jax.nn.softplus(sign * (around.fakes - around.reals))
    return {name: jnp.where(there, loss, 0) for name, loss in terms.items()}


def densities(
    rows: Embeddings, batch: BatchOutputs, temperature: Float[Array, ""] | float
) -> Densities:
    """Log-densities of reals and of fakes around local samples, whose own row is left out.

    Rows with no other to compare with have none: 0 on both sides.
    """
    met = others(batch)

    def density(columns: Embeddings) -> PerSample:
        similarities = choose(products(rows, columns), columns_met(batch)) / temperature
        return log_mean_exp(similarities, met)

    whole = batch.whole
    return Densities(density(single(whole.real.embedding)), density(single(whole.fake.embedding)))


def instance_contrast(
    batch: BatchOutputs, temperature: Float[Array, ""] | float, against: Against
) -> PerSample:
    """Losses `log(1 + sum exp(s(x_i, n) - s(x_i, x_i')))` over the negatives `n`, `[n]`.

    `x_i'` is the other view of real i. Negatives are the other reals, the fakes, or both.
    """
    real, met = single(batch.local.real.embedding), columns_met(batch)
    same_class = None if batch.mask is None else choose(batch.mask, met)
    rows = []
    if against != "reals":
        rows.append((products(real, single(batch.whole.fake.embedding)), same_class))
    if against != "fakes":
        rows.append((products(real, single(batch.whole.real.embedding)), others(batch)))
    logits = [
        jnp.where(True if mask is None else mask, choose(found, met) / temperature, -jnp.inf)
        for found, mask in rows
    ]
    negatives = jnp.concatenate(logits, axis=1)
    there = jnp.isfinite(negatives).any(axis=1)
    total = jax.nn.logsumexp(jnp.where(there[:, None], negatives, 0), axis=1)
    loss = jax.nn.softplus(total - single(batch.local.agreement) / temperature)
    return jnp.where(there, loss, 0)


def two_sided_coupling(batch: BatchOutputs, temperature: Float[Array, ""] | float) -> PerSample:
    """Losses `-h(g_j) . V_j / tau` of fakes, whose gradient moves them along the drift `V`, `[n]`.

    `V_j = b_j sum_i A_ji h(x_i) - a_j sum_k B_jk h(g_k)`. The weights `[A, B]` are the geometric
    mean of the softmax over all reals and other fakes and the one over all fakes that share them;
    `a_j` and `b_j` are the sums of `A_j` and of `B_j`. No gradient flows through V.

    References:
        Deng et al. 2026 (Generative modeling via drifting, algorithm 2), there in frozen features.
    """
    fakes, reals = single(batch.whole.fake.embedding), single(batch.whole.real.embedding)
    size = len(fakes)
    both = jax.lax.stop_gradient(jnp.concatenate([reals, fakes]))
    itself = jnp.eye(size, 2 * size, k=size, dtype=bool)
    logits = jnp.where(itself, -jnp.inf, products(fakes, both) / temperature)
    logits = jax.lax.stop_gradient(logits)
    weights = jnp.sqrt(jax.nn.softmax(logits, axis=1) * jax.nn.softmax(logits, axis=0))
    to_reals, to_fakes = weights[:, :size], weights[:, size:]
    attraction = to_fakes.sum(axis=1, keepdims=True) * to_reals
    repulsion = to_reals.sum(axis=1, keepdims=True) * to_fakes
    drift = products(jnp.concatenate([attraction, -repulsion], axis=1), both.T)[batch.rows]
    return -jnp.sum(single(batch.local.fake.embedding) * drift, axis=1) / temperature


def columns_met(batch: BatchOutputs) -> Array:
    """Numbers of the rows that each local row meets, `[n, K]`, counted round the batch."""
    return batch.rows[:, None] + batch.offsets


def others(batch: BatchOutputs) -> Met:
    """Whether each row that a local row meets may be compared with it and is not its own."""
    met = columns_met(batch)
    size = len(batch.whole.fake.embedding)
    if met.shape[1] == size:
        met = jnp.broadcast_to(jnp.arange(size), met.shape)
    apart = met % size != batch.rows[:, None]
    return apart if batch.mask is None else apart & choose(batch.mask, met)


def log_mean_exp(rows: Margins, mask: Met) -> PerSample:
    """Log of the mean of the exponentials of those that count; 0 where none does."""
    count = mask.sum(axis=1)
    kept = jnp.where(mask | (count == 0)[:, None], rows, -jnp.inf)
    found = jax.nn.logsumexp(kept, axis=1) - jnp.log(jnp.maximum(count, 1))
    return jnp.where(count > 0, found, 0)


def products(rows: Float[Array, "n k"], columns: Float[Array, "m k"]) -> Float[Array, "n m"]:
    """Inner products of rows, not in the short floats that accelerators take for products."""
    return jnp.matmul(rows, columns.T, precision=jax.lax.Precision.HIGHEST)
