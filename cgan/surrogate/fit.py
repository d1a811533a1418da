"""Many small regressions at once, each by Adam on a full batch with a pull within its loss.

The loss of a fit on n points `(x_i, y_i)` with an anchor towards other weights (`cgan/prior.py`) is

    1/(2n) sum_i (f(x_i; w) - y_i)^2 + energy(anchor, w)

so that a pull of `mu` samples weighs `mu/n`. On a full batch Adam comes to rest where the gradient
of the whole is 0: within the loss the pull is exact. Of a linear model that minimum is a ridge
regression around the anchor's center.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from cgan.networks.regressor import Regressor
from cgan.prior import Anchor, Term, anchor, pull, pulled_updates
from cgan.types import Params


class Recipe(NamedTuple):
    """All settings of a fit."""

    steps: int = 1_000
    lr: float = 1e-2
    """Adam's, along half a cosine down to 0."""


Fits = Callable[
    [
        Params,
        Anchor,
        Float[Array | np.ndarray, "draws n d"],
        Float[Array | np.ndarray, "draws n"],
        Bool[Array | np.ndarray, "fits n"],
    ],
    Params,
]
"""Function of starts `[draws, ...]`, anchors `[fits, ...]`, inputs, outputs and known points.

To parameters `[draws, fits, ...]`: each draw's start is fitted to its points under each anchor, on
the points that this fit knows.
"""


RECIPE = Recipe()


def fits(model: Regressor, recipe: Recipe = RECIPE) -> Fits:
    """Compile the fits of a model: draws in turn, a draw's fits at once."""
    rate = optax.cosine_decay_schedule(recipe.lr, recipe.steps)
    optimizer = optax.adam(rate, b2=0.99)

    def fit(
        start: Params,
        towards: Anchor,
        inputs: Float[Array, "n d"],
        outputs: Float[Array, " n"],
        known: Bool[Array, " n"],
    ) -> Params:
        def step(
            carried: tuple[Params, optax.OptState], _: None
        ) -> tuple[tuple[Params, optax.OptState], None]:
            params, state = carried
            slopes = jax.grad(_half_mean_square, argnums=1)(model, params, inputs, outputs, known)
            updates, state = pulled_updates(
                optimizer, slopes, state, params, pull(towards, params), None
            )
            return (optax.apply_updates(params, updates), state), None

        (params, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), length=recipe.steps)
        return params

    of_draw = jax.vmap(fit, in_axes=(None, 0, None, None, 0))

    @jax.jit
    def fitted(
        starts: Params,
        anchors: Anchor,
        inputs: Float[Array, "draws n d"],
        outputs: Float[Array, "draws n"],
        known: Bool[Array, "fits n"],
    ) -> Params:
        return jax.lax.map(
            lambda draw: of_draw(draw[0], anchors, draw[1], draw[2], known),
            (starts, inputs, outputs),
        )

    return fitted


def anchors(like: Params, center: Any, strengths: Sequence[float], counts: Sequence[int]) -> Anchor:
    """Anchors `[fits, ...]` towards one checkpoint, one for each strength and count of points.

    Args:
        like: parameters of one fit, for their shapes.
        center: the checkpoint; None in the place of an array that is to be free.
        strengths: of the pulls in samples (`mu`); 0 for none.
        counts: points that each fit knows.
    """
    each = [anchor(like, [Term(center, mu)], n) for mu, n in zip(strengths, counts, strict=True)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *each)


def _half_mean_square(
    model: Regressor,
    params: Params,
    inputs: Float[Array, "n d"],
    outputs: Float[Array, " n"],
    known: Bool[Array, " n"],
) -> Float[Array, ""]:
    squares = known * jnp.square(model.predict(params, inputs) - outputs)
    return 0.5 * jnp.sum(squares) / jnp.sum(known)
