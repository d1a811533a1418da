"""The temperature of a game: fixed, or learnt by the discriminator between two bounds."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.types import Params

Temperature = Float[Array, ""] | float


class Tempered:
    """What games with a temperature share: its start, its bounds and its reading.

    A learnt temperature is kept as its logarithm, so that a step changes it by a factor.
    """

    temperature: float
    """The temperature, or where it starts if it is learnt."""
    temperature_bounds: tuple[float, float] | None
    """Learn the temperature between these two; None keeps it."""

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

    def temperature_by(self, learnt: Params) -> Temperature:
        """The temperature to play at: the learnt one, or that of the config."""
        return jnp.exp(learnt["log_temperature"]) if learnt else self.temperature
