"""Pulls of the weights towards those of other runs: a Gaussian prior around named checkpoints.

With `n` training samples, a loss whose minimum is `theta`, and two checkpoints

    w* = (n theta + lam w_par + mu w_pre) / (n + lam + mu)

minimises `n/2 |w - theta|^2 + lam/2 |w - w_par|^2 + mu/2 |w - w_pre|^2`: the most likely weights
under Gaussian priors around both (Li et al. 2018, "Explicit inductive bias for transfer learning
with convolutional networks", L2-SP, has the one). A training loss is a mean over samples, so it
takes the place of the first term over n, and the pulls become `lam/n` and `mu/n`. Their sum is one
pull, towards the checkpoints' weighted mean:

    lam/n (w - w_par) + mu/n (w - w_pre) = strength (w - center)

with `strength = (lam + mu) / n` and `center = (lam w_par + mu w_pre) / (lam + mu)`, array by array.
`anchor` takes that mean; GANs and regressions (`cgan/surrogate`) are pulled by the same code.

Within the loss the pull is a part of the gradient, so that wherever the optimizer comes to rest is
a minimum of the whole, under any optimizer. Decoupled, as AdamW decays weights (Loshchilov & Hutter
2019), it moves the weights by `-rate * pull` beside the optimizer's step: the same under gradient
descent; under Adam, whose steps do not shrink with the gradient, the pull's own strength decides
and no longer its proportion to the loss's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from cgan.config import Experiment
from cgan.types import Params

Players = Mapping[str, Params]
"""The weights of both players by their names in the state."""


class Anchor(NamedTuple):
    """What a player's weights are pulled towards; a part of the training state."""

    center: Params
    """Weights like the player's."""
    strength: Params
    """A number for each of its arrays: 0 for one that nothing pulls."""


class Term(NamedTuple):
    """One checkpoint of a prior, and how many training samples it weighs as much as."""

    weights: Any
    """A tree like the one to be pulled; None in the place of an array that it does not have."""
    samples: float
    """`mu` or `lam`."""


def anchor(like: Params, terms: Sequence[Term], n: int) -> Anchor:
    """The terms' weighted mean and their joint strength, array by array, on the host.

    An array is pulled by the terms that have it. One that none has, or none of any strength, is at
    rest: center 0, strength 0.

    Args:
        like: the parameters to be pulled, for their shapes.
        terms: checkpoints and their strengths in training samples.
        n: number of training samples.
    """
    each = [term.samples for term in terms]
    of_arrays = jax.tree.map(
        lambda leaf, *arrays: _of_array(np.shape(leaf), each, arrays, n),
        like,
        *(term.weights for term in terms),
    )
    return Anchor(
        jax.tree.map(lambda found: found.center, of_arrays, is_leaf=_is_anchor),
        jax.tree.map(lambda found: found.strength, of_arrays, is_leaf=_is_anchor),
    )


def _is_anchor(found: Any) -> bool:
    return isinstance(found, Anchor)


def _of_array(
    shape: tuple[int, ...], samples: Sequence[float], arrays: Sequence[Any], n: int
) -> Anchor:
    """What the terms that have an array make of it."""
    pulls = [
        (weight, array)
        for weight, array in zip(samples, arrays, strict=True)
        if array is not None and weight > 0
    ]
    total = sum(weight for weight, _ in pulls)
    center = np.zeros(shape, np.float64)
    for weight, array in pulls:
        center += weight / total * np.asarray(array, np.float64)
    return Anchor(center.astype(np.float32), np.asarray(total / n, np.float32))


def init(config: Experiment, players: Players) -> dict[str, Anchor]:
    """Anchors that pull nothing yet, of the players that are to be pulled."""
    prior = config.prior
    if prior.is_off:
        return {}
    return {
        name: Anchor(
            jax.tree.map(jnp.zeros_like, params), jax.tree.map(lambda _: jnp.zeros(()), params)
        )
        for name, params in players.items()
        if prior.players in ("both", name)
    }


def pull(anchor: Anchor, params: Params) -> Params:
    """The gradient of `energy`: each array's strength times its way from the center."""
    return jax.tree.map(lambda center, strength, leaf: strength * (leaf - center), *anchor, params)


def energy(anchor: Anchor, params: Params) -> Float[Array, ""]:
    """Half the squared way from the center, each array's times its strength.

    With two checkpoints it is less than the sum of both terms by a constant, the same for all
    weights.
    """
    halves = jax.tree.map(
        lambda center, strength, leaf: 0.5 * strength * jnp.sum(jnp.square(leaf - center)),
        *anchor,
        params,
    )
    return sum(jax.tree.leaves(halves), start=jnp.zeros(()))


def pulled_updates(
    optimizer: optax.GradientTransformation,
    gradients: Params,
    optim_state: optax.OptState,
    params: Params,
    towards: Params,
    decoupled_rate: Float[Array, ""] | None,
) -> tuple[Params, optax.OptState]:
    """The optimizer's updates and next state, with a pull.

    Args:
        optimizer: of the parameters.
        gradients: of the loss without the pull.
        optim_state: of the optimizer.
        params: to be updated.
        towards: the pull on each of them, as `pull` gives it.
        decoupled_rate: learning rate of a pull beside the optimizer; None for one in the loss.
    """
    if decoupled_rate is None:
        return optimizer.update(optax.tree.add(gradients, towards), optim_state, params)
    updates, optim_state = optimizer.update(gradients, optim_state, params)
    return optax.tree.add_scale(updates, -decoupled_rate, towards), optim_state
