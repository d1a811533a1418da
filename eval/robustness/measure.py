"""Worst changes of each run's heads around the same held-out reals, against the radius."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgan.config import ConfigError, require
from cgan.networks import Networks
from cgan.rng import row_keys, stream_key
from cgan.types import Head, Labels, Params, RowKeys, Samples, single
from eval.gather import Advance
from eval.records.spread import mean_and_error
from eval.robustness.attack import jacobian_norms, worst_changes
from eval.robustness.attacked import Attacked
from eval.robustness.record import Robustness

N = 256
"""Held-out reals unless a user asks for others."""
STEPS = 20
"""Steps of attack unless a user asks for others."""
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Radii unless a user asks for others, as shares of the distance between two reals."""
DIGITS = 2
"""Digits that those radii are rounded to."""
AT_ONCE = 256


class Plan(NamedTuple):
    """What is attacked, and how."""

    samples: Float[np.ndarray, "n *sample"]
    """Held-out reals as the networks see them, without views."""
    labels: Int[np.ndarray, " n"]
    apart: float
    """Root of the mean squared distance between two of them."""
    radii: tuple[float, ...]
    """Radii of the balls, ascending."""
    steps: int
    seed: int


def plan(
    runs: Sequence[Attacked], radii: tuple[float, ...], n: int | None, steps: int, seed: int
) -> Plan:
    """Draw the reals, from the held-out split of the first run, and choose radii that suit them.

    Args:
        runs: those to be compared.
        radii: of the balls; empty for shares of the distance between two reals.
        n: number of reals; None for the usual.
        steps: of attack.
        seed: of the choice of reals and of the attack's starts.

    Raises:
        ConfigError: runs on different data, or fewer held-out samples.
    """
    first = runs[0]
    for other in runs[1:]:
        found, expected = (_data(run) for run in (other, first))
        if found != expected:
            raise ConfigError(
                f"{other.root}: learnt {found}; must be a run on {expected}, as {first.root}, so "
                "that both are attacked around the same reals"
            )
    held_out = first.splits.held_out
    most = f"at most {len(held_out)}, the held-out samples"
    require(n is None or n <= len(held_out), "n", n, most)
    count = min(n or N, len(held_out))
    rows = np.sort(np.random.default_rng(seed).permutation(len(held_out))[:count])
    batch = held_out[rows]
    samples = np.asarray(held_out.encode(batch.x), np.float32)
    apart = _apart(samples.reshape(count, -1))
    chosen = tuple(sorted(set(radii))) or tuple(
        float(f"{share * apart:.{DIGITS}g}") for share in SHARES
    )
    return Plan(samples, np.asarray(batch.label), apart, chosen, steps, seed)


def measure(runs: Sequence[Attacked], plan: Plan, advance: Advance) -> list[Robustness]:
    """Attack every head of every run: a record for each at each radius."""
    return [
        record
        for run in runs
        for head in run.heads
        for record in _of_head(run, head, plan, advance)
    ]


def _of_head(run: Attacked, head: Head, plan: Plan, advance: Advance) -> list[Robustness]:
    attacked = jax.jit(partial(attack_rows, run.parts.networks, head, plan.steps))
    radii = jnp.asarray(plan.radii, jnp.float32)
    keys = row_keys(stream_key(plan.seed, f"robustness/{head}"), jnp.arange(len(plan.samples)))
    found = []
    for start in range(0, len(plan.samples), AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, len(plan.samples)))
        labels = jnp.asarray(plan.labels[rows]) if run.parts.classes else None
        part = attacked(run.players, jnp.asarray(plan.samples[rows]), labels, keys[rows], radii)
        found.append(jax.device_get(part))
        advance(len(rows))
    outputs, slopes, changes = (
        np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True)
    )
    apart = _apart(outputs.T)
    slope, slope_error = mean_and_error(slopes)
    config = run.config
    records = []
    for radius, of_radius in zip(plan.radii, changes, strict=True):
        mean, error = mean_and_error(of_radius)
        records.append(
            Robustness(
                run=str(run.root),
                head=head,
                radius=radius,
                worst_change=mean,
                standard_error=error,
                largest=float(of_radius.max()),
                by_jacobian=radius * slope,
                by_jacobian_standard_error=None if slope_error is None else radius * slope_error,
                reals_differ_by=apart,
                reals_apart=plan.apart,
                steps=plan.steps,
                n=len(plan.samples),
                seed=plan.seed,
                checkpoint_nimg=run.nimg,
                source=run.splits.train.name,
                r1=config.penalty.r1 if head == "score" else config.embedding.r1,
                r2=config.penalty.r2 if head == "score" else config.embedding.r2,
                adversarial_radius=config.augment.adversarial_radius,
            )
        )
    return records


def attack_rows(
    networks: Networks,
    head: Head,
    steps: int,
    players: tuple[Params, Params],
    samples: Samples,
    labels: Labels | None,
    keys: RowKeys,
    radii: Float[Array, " radii"],
) -> tuple[Float[Array, "d n"], Float[Array, " n"], Float[Array, "radii n"]]:
    """A head's outputs on samples, the norms of its Jacobian, and its worst changes.

    A score's change is by how much it falls, as a real's does where it is mistaken for a fake; an
    embedding's is the distance between its unit vectors.

    Args:
        networks: whose discriminator it is.
        head: the head.
        steps: of attack.
        players: the discriminator's parameters, and what it carries beside them.
        samples: reals.
        labels: their classes; None where the networks see none.
        keys: of the rows.
        radii: of the balls, ascending.
    """

    def outputs(samples: Samples) -> Float[Array, "n d"]:
        found = single(getattr(networks.discriminate(*players, samples, labels), head))
        return found.reshape(len(found), -1)

    middles = outputs(samples)

    def squared(moved: Samples) -> Float[Array, " n"]:
        return jnp.sum(jnp.square(outputs(moved) - middles), axis=1)

    def fall(moved: Samples) -> Float[Array, " n"]:
        return (middles - outputs(moved))[:, 0]

    slopes = jacobian_norms(outputs, keys, samples)
    if head == "score":
        return middles.T, slopes, worst_changes(fall, keys, samples, radii, steps)
    return middles.T, slopes, jnp.sqrt(worst_changes(squared, keys, samples, radii, steps))


def _apart(rows: Float[np.ndarray, "n d"]) -> float:
    """Root of the mean squared distance between two different rows; of one row it is 0."""
    n = len(rows)
    return float(np.sqrt(2 * rows.var(axis=0, dtype=np.float64).sum() * n / max(n - 1, 1)))


def _data(run: Attacked) -> str:
    shape = " x ".join(map(str, run.parts.source.sample_shape))
    return f"{run.splits.train.name} ({shape})"
