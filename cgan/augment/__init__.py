"""Random views of samples, reals and fakes alike, before a discriminator sees them.

A discriminator that sees few data learns them by heart later. A view is a function of its row's own
key and of its sample alone, differentiable in the sample.
"""

from collections.abc import Callable
from functools import partial

import jax
from jaxtyping import Array, Float

from cgan.augment import ada, diffaugment, strands, substitutions, symmetry
from cgan.augment.views import augment
from cgan.config import Augment
from cgan.kinds import Kind
from cgan.types import RowKeys, Samples

Policy = Callable[[RowKeys, Samples, Float[Array, ""] | float], Samples]
"""A function `policy(keys, samples, probability)` to views of the samples' shape, or windows."""
OtherPolicy = Callable[[RowKeys, RowKeys, Samples, Float[Array, ""] | float], Samples]
"""A function `other(keys, keys_of_first, samples, probability)` to their second views."""


def build(config: Augment, kind: Kind) -> Policy:
    """The policy that a config names, of samples of this kind.

    Raises:
        ConfigError: there is none for them.
    """
    config.check_for_kind(kind, "for these data")
    if config.policy == "views":
        return lambda keys, samples, probability: augment(keys, samples, config.strength, kind)
    if config.policy == "reverse_complement":
        of_sequence = partial(strands.seen, shift=config.shift, window=config.window)
        return jax.vmap(of_sequence, in_axes=(0, 0, None))
    if config.policy == "substitutions":
        return jax.vmap(substitutions.seen, in_axes=(0, 0, None))
    if config.policy == "symmetry":
        return lambda keys, samples, probability: jax.vmap(
            partial(symmetry.seen, vectors=config.vectors, shot_noise=config.shot_noise)
        )(keys, samples)
    of_image = {"ada": ada.transformed, "diffaugment": diffaugment.changed}[config.policy]
    of_rows = partial(of_image, color=config.color)
    return jax.vmap(of_rows, in_axes=(0, 0, None))


def build_other(config: Augment, kind: Kind) -> OtherPolicy:
    """The second view of samples whose first one is the policy's: drawn alike and on its own.

    But for the shot noise of a crystal, which is the opposite of the first view's.
    """
    if config.policy == "symmetry":
        view = partial(symmetry.other, vectors=config.vectors, shot_noise=config.shot_noise)
        return lambda keys, first, samples, probability: jax.vmap(view)(keys, first, samples)
    policy = build(config, kind)
    return lambda keys, first, samples, probability: policy(keys, samples, probability)


__all__ = ["OtherPolicy", "Policy", "augment", "build", "build_other"]
