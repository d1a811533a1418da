"""The neighbour game: each real asks which fakes resemble it, and each fake whom it resembles.

Embeddings lie on the unit sphere, with similarity `s(a, b) = h(a) . h(b) / tau`. The mean of
`exp(s)` over samples is their kernel density up to a constant, by the kernel of von Mises and
Fisher. The densities of reals and of fakes around each sample are compared by their logarithms:

| | of reals, `p` | of fakes, `q` |
|---|---|---|
| around real i | `lme_{k != i} s(x_i, x_k)` | `lme_{k != i} s(x_i, g_k)` |
| around fake j | `lme_{k != j} s(g_j, x_k)` | `lme_{k != j} s(g_j, g_k)` |

`lme` is the log of the mean of exponentials. A sample's own row is left out on both sides, so that
both densities are means over as many samples. The generator minimises `softplus(p - q)` at reals, a
forward Kullback-Leibler divergence that asks for a fake near each real, and `softplus(q - p)` at
fakes, a reverse one that asks each fake to be nearer to reals than to its own kind. Either alone
is biased, their sum is not. With a tolerance, `softplus(excess - tolerance)`, samples at which the
densities hardly differ pull less than those that are missed. The discriminator learns the embedding
by instance contrast. `docs/neighbours.md` derives all this, and measures what is left of the bias
in small batches.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from cgan.config import Coupling, Halves, ToldFrom
from cgan.objectives.comparisons import products
from cgan.objectives.outputs import BatchOutputs, Stale
from cgan.objectives.temperature import Temperature, Tempered
from cgan.types import Embeddings, Margins, Params, PerSample, single

Met = Bool[Array, "n batch"]


@dataclass(frozen=True)
class NeighborGame(Tempered):
    """The neighbour game of both players, on the embedding head.

    References:
        Each real seeks its nearest fake: implicit maximum likelihood (Li and Malik 2018). Fakes
        drawn to reals and driven from each other: Salimans et al. 2018 (OT-GAN), Deng et al. 2026
        (drifting models, in frozen features). Instance contrast: Chen et al. 2020 (SimCLR, eq. 1).
    """

    temperature: float = 0.1
    temperature_bounds: tuple[float, float] | None = None
    generator_temperature: float | None = None
    """Temperature of the generator's half; None for that of the discriminator."""
    negatives: ToldFrom = "both"
    """Samples that a real's other view is told from."""
    halves: Halves = "both"
    """Which of the densities' divergences the generator minimises."""
    coupling: Coupling = "sample"
    """Compare densities around each sample, or couple fakes and reals by softmaxes over both."""
    graded: bool = False
    """Let the discriminator grade the densities too, with the margins' signs turned."""
    tolerance: float = 0.0
    """Excess of log-density, in nats, at which a sample has half of its largest pull."""
    meets_stale: bool = False
    """Whether a real is told from what a batch has of earlier steps as well.

    Densities are those of today's reals and fakes alone.
    """

    def discriminator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The discriminator's losses `[n]`: instance contrast and, if it grades them, densities."""
        temperature = self.temperature_by(learnt)
        stale = batch.stale if self.meets_stale else None
        terms = {"contrast": instance_contrast(batch, temperature, self.negatives, stale)}
        if self.graded:
            for name, excess in excesses(batch, temperature, self.halves).items():
                terms[name] = self._beyond_tolerance(-excess, batch)
        return terms

    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The generator's losses `[n]`: of its reals, not covered, and of its fakes, not real.

        A sample that has no other to be compared with costs nothing.
        """
        own = self.generator_temperature
        temperature = self.temperature_by(learnt) if own is None else own
        if self.coupling == "two_sided":
            return {"coupling": two_sided_coupling(batch, temperature)}
        return {
            name: self._beyond_tolerance(excess, batch)
            for name, excess in excesses(batch, temperature, self.halves).items()
        }

    def _beyond_tolerance(self, excess: PerSample, batch: BatchOutputs) -> PerSample:
        """Losses of excesses; 0 for samples that have no other to be compared with."""
        losses = jax.nn.softplus(excess - self.tolerance)
        return jnp.where(others(batch).any(axis=1), losses, 0)


def excesses(
    batch: BatchOutputs, temperature: Temperature, halves: Halves = "both"
) -> dict[str, PerSample]:
    """Log-densities of its own kind around each sample less those of the other kind, `[n]`.

    `covering` is `p - q` at reals, `realism` is `q - p` at fakes; 0 where a sample has no other to
    be compared with.

    Args:
        batch: the outputs.
        temperature: tau, the width of the kernel.
        halves: at reals (covering), at fakes (realism), or both.
    """
    met, local, whole = others(batch), batch.local, batch.whole

    def log_density(rows: Embeddings, columns: Float[Array, "batch dimensions"]) -> PerSample:
        return log_mean_exp(products(rows, columns) / temperature, met)

    reals, fakes = single(whole.real.embedding), single(whole.fake.embedding)
    found = {}
    if halves != "realism":
        real = single(local.real.embedding)
        found["covering"] = log_density(real, reals) - log_density(real, fakes)
    if halves != "covering":
        fake = single(local.fake.embedding)
        found["realism"] = log_density(fake, fakes) - log_density(fake, reals)
    return found


def instance_contrast(
    batch: BatchOutputs, temperature: Temperature, negatives: ToldFrom, stale: Stale | None = None
) -> PerSample:
    """Losses `log(1 + sum exp(s(x_i, n) - s(x_i, x_i')))` over the negatives `n`, `[n]`.

    `x_i'` is the other view of real i. Negatives are the other reals, the fakes, or both; a real
    that has none costs nothing.

    Args:
        batch: the outputs.
        temperature: tau.
        negatives: which of the samples are.
        stale: embeddings of earlier steps, which are negatives of the same kinds.
    """
    real = single(batch.local.real.embedding)
    met = []
    if negatives != "reals":
        met.append((batch.whole.fake.embedding, comparable(batch)))
    if negatives != "fakes":
        met.append((batch.whole.real.embedding, others(batch)))
    if stale is not None:
        mask = stale.mask(len(real))
        if negatives != "reals":
            met.append((stale.outputs.fake.embedding, mask))
        if negatives != "fakes":
            met.append((stale.outputs.real.embedding, mask))
    similarities = jnp.concatenate([products(real, single(of)) for of, _ in met], axis=1)
    mask = jnp.concatenate([alike for _, alike in met], axis=1)
    there = mask.any(axis=1)
    logits = jnp.where(mask | ~there[:, None], similarities / temperature, -jnp.inf)
    total = jax.nn.logsumexp(logits, axis=1)
    loss = jax.nn.softplus(total - single(batch.local.agreement) / temperature)
    return jnp.where(there, loss, 0)


def two_sided_coupling(batch: BatchOutputs, temperature: Temperature) -> PerSample:
    """Losses `-h(g_j) . V_j / tau` of fakes, whose gradient moves them along the drift `V`, `[n]`.

    `V_j = b_j sum_i A_ji h(x_i) - a_j sum_k B_jk h(g_k)`. The weights `[A, B]` are the geometric
    mean of the softmax over all reals and other fakes and the one over all fakes that share them;
    `a_j` and `b_j` are the sums of `A_j` and of `B_j`. No gradient flows through V. It couples the
    whole batch, whatever the rows met, and needs at least two rows.

    References:
        Deng et al. 2026 (Generative modeling via drifting, algorithm 2), there in frozen features
        and by distances, here by cosines.
    """
    fakes, reals = (
        jax.lax.stop_gradient(single(of.embedding)) for of in (batch.whole.fake, batch.whole.real)
    )
    size = len(fakes)
    both = jnp.concatenate([reals, fakes])
    itself = jnp.eye(size, 2 * size, k=size, dtype=bool)
    similarities = products(fakes, both) / jax.lax.stop_gradient(temperature)
    logits = jnp.where(itself, -jnp.inf, similarities)
    weights = jnp.sqrt(jax.nn.softmax(logits, axis=1) * jax.nn.softmax(logits, axis=0))
    to_reals, to_fakes = weights[:, :size], weights[:, size:]
    attraction = to_fakes.sum(axis=1, keepdims=True) * to_reals
    repulsion = to_reals.sum(axis=1, keepdims=True) * to_fakes
    drift = products(attraction, reals.T) - products(repulsion, fakes.T)
    return -jnp.sum(single(batch.local.fake.embedding) * drift[batch.rows], axis=1) / temperature


def comparable(batch: BatchOutputs) -> Bool[Array, "n batch"]:
    """Whether each local row may be compared with each row of the batch, its own among them."""
    if batch.mask is not None:
        return batch.mask
    return jnp.ones((len(batch.rows), len(single(batch.whole.real.embedding))), bool)


def others(batch: BatchOutputs) -> Met:
    """Whether each row of the batch may be compared with a local row and is not its own."""
    found = comparable(batch)
    return found & (batch.rows[:, None] != jnp.arange(found.shape[1]))


def log_mean_exp(rows: Margins, mask: Met) -> PerSample:
    """Log of the mean of the exponentials of those that count; 0 where none does."""
    count = mask.sum(axis=1, dtype=jnp.float32)  # CPUs have no library for sums of integers
    kept = jnp.where(mask | (count == 0)[:, None], rows, -jnp.inf)
    found = jax.nn.logsumexp(kept, axis=1) - jnp.log(jnp.maximum(count, 1))
    return jnp.where(count > 0, found, 0)
