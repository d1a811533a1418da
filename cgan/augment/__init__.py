"""Random views of samples, reals and fakes alike, before a discriminator sees them.

A discriminator that sees few data learns them by heart later. A view is a function of its row's own
key and of its sample alone, differentiable in the sample.
"""

from collections.abc import Callable
from functools import partial

import jax
from jaxtyping import Array, Float

from cgan.augment import ada, diffaugment
from cgan.augment.views import augment
from cgan.config import Augment
from cgan.types import RowKeys, Samples

Policy = Callable[[RowKeys, Samples, Float[Array, ""] | float], Samples]
"""A function `policy(keys, samples, probability)` to views of the samples' shape."""


def build(config: Augment) -> Policy:
    """Make the policy that a config names."""
    if config.policy == "views":
        return lambda keys, samples, probability: augment(keys, samples, config.strength)
    of_image = {"ada": ada.transformed, "diffaugment": diffaugment.changed}[config.policy]
    of_rows = partial(of_image, colour=config.colour)
    return jax.vmap(of_rows, in_axes=(0, 0, None))


__all__ = ["Policy", "augment", "build"]
