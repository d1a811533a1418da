"""How strong a prior is to be: chosen by cross-validation within the points that it is fitted to.

Of a handful of points the least error is a noisy guide. By the rule of one standard error (Breiman
et al. 1984, "Classification and regression trees", section 3.4.3) the strongest pull is taken whose
error is not told from the least.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from cgan.networks.regressor import Regressor
from cgan.surrogate.fit import Fits, anchors
from cgan.types import Params

FOLDS = 5
"""Folds of cross-validation; as many as there are points where those are fewer."""


class Pulled(NamedTuple):
    """Fits of each draw at each strength of the pull, and what each is worth within its points."""

    params: Params
    """Parameters `[draws, strengths, ...]` of fits to all points."""
    point_errors: Float[np.ndarray, "draws strengths n"]
    """Squared error at each point, predicted by a fit that did not know its fold."""

    @property
    def chosen(self) -> Int[np.ndarray, " draws"]:
        """Each draw's strength by its number: the last within one standard error of the least."""
        means = self.point_errors.mean(axis=2)
        n = self.point_errors.shape[2]
        errors = self.point_errors.std(axis=2, ddof=1) / n**0.5
        draws, least = np.arange(len(means)), means.argmin(axis=1)
        near = means <= (means[draws, least] + errors[draws, least])[:, None]
        return means.shape[1] - 1 - near[:, ::-1].argmax(axis=1)


def folds(n: int) -> Bool[np.ndarray, "folds n"]:
    """Which of n points each fold leaves out: every k-th one."""
    count = min(n, FOLDS)
    return np.arange(n)[None, :] % count == np.arange(count)[:, None]


def pulled(
    model: Regressor,
    fit: Fits,
    starts: Params,
    center: Any,
    strengths: Sequence[float],
    inputs: Float[np.ndarray, "draws n d"],
    outputs: Float[np.ndarray, "draws n"],
) -> Pulled:
    """Fit each draw under pulls of each strength, to all its points and without each fold.

    Args:
        model: the regression.
        fit: its compiled fits.
        starts: parameters `[draws, ...]` that fits begin at.
        center: parameters that they are pulled to; None in the place of those that are free.
        strengths: of the pulls, in samples, ascending.
        inputs: standardized inputs of each draw's points, in random order.
        outputs: their standardized outputs.
    """
    n = outputs.shape[1]
    left_out = folds(n)
    known = np.concatenate([~left_out, np.ones((1, n), bool)])
    pairs = [(mu, row) for mu in strengths for row in known]
    like = jax.tree.map(lambda leaf: leaf[0], starts)
    counts = [int(row.sum()) for _, row in pairs]
    towards = anchors(like, center, [mu for mu, _ in pairs], counts)
    inputs, outputs = inputs.astype(np.float32), outputs.astype(np.float32)
    params = fit(starts, towards, inputs, outputs, np.stack([row for _, row in pairs]))
    params = jax.tree.map(
        lambda leaf: leaf.reshape(len(leaf), len(strengths), len(known), *leaf.shape[2:]), params
    )
    of_folds = jax.tree.map(lambda leaf: leaf[:, :, :-1], params)
    squares = (predictions(model, of_folds, inputs) - outputs[:, None, None]) ** 2
    return Pulled(
        jax.tree.map(lambda leaf: leaf[:, :, -1], params),
        np.asarray(np.sum(squares * left_out, axis=2, dtype=np.float64)),
    )


def predictions(
    model: Regressor, params: Params, inputs: Float[np.ndarray, "draws m d"]
) -> Float[np.ndarray, "draws *fits m"]:
    """Outputs of each draw's fits `[draws, *fits, ...]` for inputs of that draw."""
    form = jax.eval_shape(model.init, jax.random.key(0))
    more = jax.tree.leaves(params)[0].ndim - jax.tree.leaves(form)[0].ndim
    function = model.predict
    for _ in range(more - 1):
        function = jax.vmap(function, in_axes=(0, None))
    return np.asarray(jax.vmap(function)(params, inputs.astype(np.float32)))
