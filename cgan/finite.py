"""Where numbers stop being finite: looked at on each device, before a mean over devices hides it.

A number that is not finite travels: through the gathered outputs it reaches all devices within
a step. So the step looks at its stages in the order in which they follow from each other, and the
first stage that is not finite anywhere, on the devices where it is not, is where it began.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, PyTree

Metrics = dict[str, Any]


class Outcome(NamedTuple):
    """Outcome of a step: numbers to log, and where they stopped being numbers."""

    metrics: Metrics
    """Means over the batch by name, one a step."""
    finite: Bool[Array, "*steps devices stages"]


def is_finite(tree: PyTree) -> Bool[Array, ""]:
    """Whether every number of a tree is finite."""
    checks = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)]
    return jnp.stack(checks).all() if checks else jnp.array(True)


def first_failure(outcome: Outcome, stages: Sequence[str]) -> tuple[int, str] | None:
    """The first step of a dispatch with a number that is not finite, and what is known of it.

    Args:
        outcome: of a dispatch, on the host: metrics `[steps]`, finite `[steps, devices, stages]`.
        stages: what the step computes, in this order.

    Returns:
        The step within the dispatch and a description; None if all is well.
    """
    finite = np.asarray(outcome.finite)
    bad = ~finite.all(axis=(1, 2))
    for values in outcome.metrics.values():
        bad |= ~np.isfinite(values)
    if not bad.any():
        return None
    step = int(np.argmax(bad))
    terms = [f"{n} = {v[step]}" for n, v in outcome.metrics.items() if not np.isfinite(v[step])]
    return step, "; ".join(filter(None, [_listed(terms), _origin(finite[step], stages)]))


def _listed(terms: list[str], most: int = 4) -> str:
    more = f" and {len(terms) - most} more" if len(terms) > most else ""
    return ", ".join(terms[:most]) + more


def _origin(finite: Bool[np.ndarray, "devices stages"], stages: Sequence[str]) -> str:
    """Words for the stage and devices that stopped being finite first, if the stages show them."""
    count = len(finite)
    for stage, ok in zip(stages, finite.T, strict=True):
        if not ok.all():
            devices = ", ".join(map(str, np.flatnonzero(~ok)))
            where = "on every device" if not ok.any() and count > 1 else f"on device {devices}"
            return f"it began with {stage} {where} of {count}"
    return ""
