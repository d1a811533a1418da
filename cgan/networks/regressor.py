"""A small multilayer perceptron from numbers to one number: what a surrogate model is made of."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgan.networks import layers
from cgan.networks.exactness import in_full
from cgan.types import Params, RandomKey

Inputs = Float[Array | np.ndarray, "n d"]
Predict = Callable[[Params, Inputs], Float[Array, " n"]]


class Regressor(NamedTuple):
    """A regression as two pure functions."""

    init: Callable[[RandomKey], Params]
    """Function of a key to parameters."""
    predict: Predict
    """Function of parameters and inputs `[n, d]` to outputs `[n]`."""


def without_intercept(params: Params) -> Any:
    """The parameters with None for the last bias: a shift of all outputs, as ridge leaves free."""
    return {**params, "out": {**params["out"], "bias": None}}


class MLPRegressor(nn.Module):
    """Inputs `[n, d]` through layers of tanh to outputs `[n]`; of depth 0 a linear model."""

    width: int
    depth: int

    @nn.compact
    def __call__(self, inputs: Float[Array, "n d"]) -> Float[Array, " n"]:
        x = inputs
        for number in range(self.depth):
            x = jnp.tanh(layers.Dense(self.width, name=f"layer_{number}")(x))
        return layers.Dense(1, name="out")(x)[:, 0]


def build_regressor(dimensions: int, width: int, depth: int) -> Regressor:
    """Build a regression.

    Args:
        dimensions: numbers of an input.
        width: units of each hidden layer.
        depth: hidden layers; 0 for a linear model.
    """
    module = MLPRegressor(width, depth)

    @in_full
    def init(key: RandomKey) -> Params:
        return module.init(key, jnp.zeros((1, dimensions)))["params"]

    @in_full
    def predict(params: Params, inputs: Inputs) -> Float[Array, " n"]:
        return jnp.asarray(module.apply({"params": params}, jnp.asarray(inputs)))

    return Regressor(init, predict)
