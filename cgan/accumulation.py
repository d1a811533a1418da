"""Gradients of a loss that needs the whole batch, from parts of it that fit into memory.

A contrastive loss couples all rows, so a mean over the losses of micro-batches is another loss:
each real would meet fewer fakes. But it couples them through small outputs only. So: outputs of
all parts first, then the loss's gradient with respect to the outputs, then each part's
vector-Jacobian product with its share of that gradient (Gao et al. 2021, "Scaling deep contrastive
learning batch size under memory limited setup", section 3). The result is the gradient of the
whole batch's loss; the price is one more forward pass.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from cgan.types import Params, PerSample

Terms = dict[str, PerSample]
Means = dict[str, Float[Array, ""]]
Readings = dict[str, Float[Array, "..."]]
"""What is read off the outputs beside the terms, by name: numbers to log, arrays to keep."""


def in_parts(function: Callable[[Any], Any], rows: PyTree, micro_batches: int) -> PyTree:
    """Compute `function(rows)` part by part, for a function that works row by row.

    Args:
        function: maps a tree of `[n, ...]` arrays to another, row by row.
        rows: the tree.
        micro_batches: how many parts; divides n.
    """
    if micro_batches == 1:
        return function(rows)
    return _join(jax.lax.map(function, _split(rows, micro_batches)))


def gradients(
    discriminate_rows: Callable[[Params, Any], tuple[Any, Terms]],
    grade_batch: Callable[[Params, Any], tuple[Terms, Readings]],
    params: Params,
    learnt: Params,
    rows: PyTree,
    micro_batches: int,
) -> tuple[tuple[Params, Params], Readings]:
    """Gradients of the sum of all terms' means, with respect to `params` and `learnt`.

    Args:
        discriminate_rows: `(params, rows)` to outputs, a tree of `[n, ...]` arrays, and terms that
            need their own row only.
        grade_batch: `(learnt, outputs)` to the terms that need all rows, and readings.
        params: what the outputs depend on.
        learnt: what the grades depend on beside the outputs.
        rows: a tree of `[n, ...]` arrays.
        micro_batches: in how many parts to work; divides n.

    Returns:
        Both gradients; the mean of each term by its name, their sum as `loss`, and the readings.
    """
    if micro_batches == 1:
        return _at_once(discriminate_rows, grade_batch, params, learnt, rows)

    outputs = in_parts(lambda part: discriminate_rows(params, part)[0], rows, micro_batches)

    def grade(learnt: Params, outputs: Any) -> tuple[Float[Array, ""], tuple[Means, Readings]]:
        terms, readings = grade_batch(learnt, outputs)
        means = _means(terms)
        return _total(means), (means, readings)

    slopes, (means, readings) = jax.grad(grade, argnums=(0, 1), has_aux=True)(learnt, outputs)
    learnt_gradient, output_gradient = slopes

    def add_part(total: Params, part: tuple[Any, Any]) -> tuple[Params, Means]:
        part_rows, weights = part

        def weighted(params: Params) -> tuple[Float[Array, ""], Means]:
            part_outputs, terms = discriminate_rows(params, part_rows)
            own = _means(terms)
            product = partial(jnp.vdot, precision=jax.lax.Precision.HIGHEST)
            products = jax.tree.map(product, part_outputs, weights)
            coupled = sum(jax.tree.leaves(products), start=jnp.zeros(()))
            return coupled + _total(own) / micro_batches, own

        gradient, own = jax.grad(weighted, has_aux=True)(params)
        return jax.tree.map(jnp.add, total, gradient), own

    parts = _split((rows, output_gradient), micro_batches)
    gradient, own = jax.lax.scan(add_part, jax.tree.map(jnp.zeros_like, params), parts)
    means |= {name: values.mean() for name, values in own.items()}
    return (gradient, learnt_gradient), means | readings | {"loss": _total(means)}


def _at_once(
    discriminate_rows: Callable[[Params, Any], tuple[Any, Terms]],
    grade_batch: Callable[[Params, Any], tuple[Terms, Readings]],
    params: Params,
    learnt: Params,
    rows: PyTree,
) -> tuple[tuple[Params, Params], Readings]:
    """Gradients as `gradients`' in one part: a single forward pass serves outputs and gradients."""

    def loss(params: Params, learnt: Params) -> tuple[Float[Array, ""], Readings]:
        outputs, own = discriminate_rows(params, rows)
        terms, readings = grade_batch(learnt, outputs)
        means = _means(terms | own)
        total = _total(means)
        return total, means | readings | {"loss": total}

    return jax.grad(loss, argnums=(0, 1), has_aux=True)(params, learnt)


def _means(terms: Terms) -> Means:
    return {name: term.mean() for name, term in terms.items()}


def _total(means: Means) -> Float[Array, ""]:
    return sum(means.values(), start=jnp.zeros(()))


def _split(tree: PyTree, parts: int) -> PyTree:
    return jax.tree.map(lambda leaf: leaf.reshape(parts, -1, *leaf.shape[1:]), tree)


def _join(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), tree)
