"""Heat transfer in round ducts by published correlations: smooth ones, and a rough one.

The numbers are those of correlations, fits to what others measured, as the package `ht` has them;
nothing here was measured. Points of the rough duct get noise as a measurement would have.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgan.config import ConfigError
from eval.surrogate.problem import Draws, Problem

INPUTS, OUTPUT = ("log Re", "log Pr"), "log Nu"
ROUGHNESS = 0.02
"""Relative roughness e/D of the rough duct: its grains are a fiftieth of its diameter high."""
NOISE = 0.05
"""Standard deviation of the noise on log Nu: 5 % of the Nusselt number."""
SOURCE_N = 500
SMOOTH = (1e4, 1e6), (0.7, 10.0)
"""Ranges of Re and Pr of the smooth ducts, well within Gnielinski's."""
ROUGH = (1.4e4, 5e5), (1.2, 5.94)
"""Ranges of Re and Pr of the rough duct: all of Dipprey's and Sabersky's."""
GRID = 30
"""Values of each input on the grid that predictions are judged on."""

Points = Float[np.ndarray, "n 2"]


class Ducts(NamedTuple):
    """Nusselt numbers as functions of Re and Pr."""

    smooth: Callable[[float, float], float]
    """Gnielinski 1976, with the friction factor of a smooth duct."""
    rough: Callable[[float, float], float]
    """Dipprey and Sabersky 1963, with the friction factor of the roughness."""


def ducts() -> Ducts:
    """Both correlations, of the package `ht`.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        from fluids import friction_factor
        from ht import conv_internal
    except ImportError as error:
        raise ConfigError(
            f"source = None: needs ht ({error}); must be a .csv file, or pip install ht first"
        ) from None

    def smooth(re: float, pr: float) -> float:
        return float(conv_internal.turbulent_Gnielinski(re, pr, friction_factor(re, eD=0.0)))

    def rough(re: float, pr: float) -> float:
        friction = friction_factor(re, eD=ROUGHNESS)
        return float(conv_internal.turbulent_Dipprey_Sabersky(re, pr, friction, ROUGHNESS))

    return Ducts(smooth, rough)


def problem(most_points: int, draws: int, seed: int) -> Problem:
    """From smooth ducts to a rough one: draws of noisy points, judged on a grid without noise.

    Args:
        most_points: points of each draw.
        draws: how many.
        seed: of all that is drawn.

    Raises:
        ConfigError: the package `ht` is not installed.
    """
    nusselt = ducts()
    source = _drawn(SMOOTH, np.random.default_rng([seed, 0]), SOURCE_N)
    inputs = np.empty((draws, most_points, len(INPUTS)))
    outputs = np.empty((draws, most_points))
    for draw in range(draws):
        rng = np.random.default_rng([seed, 1, draw])
        inputs[draw] = _drawn(ROUGH, rng, most_points)
        noise = NOISE * rng.standard_normal(most_points)
        outputs[draw] = _logarithms(nusselt.rough, inputs[draw]) + noise
    axes = [np.linspace(math.log(low), math.log(high), GRID) for low, high in ROUGH]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, len(INPUTS))
    truth = _logarithms(nusselt.rough, grid)
    return Problem(
        source="smooth ducts (Gnielinski)",
        target=f"a duct of roughness {ROUGHNESS:g} (Dipprey and Sabersky), noise {NOISE:.0%}",
        judged_on=f"{len(grid):,} points of a grid without noise",
        input_names=INPUTS,
        output_name=OUTPUT,
        source_inputs=source,
        source_outputs=_logarithms(nusselt.smooth, source),
        draws=Draws(
            inputs,
            outputs,
            np.broadcast_to(grid, (draws, *grid.shape)),
            np.broadcast_to(truth, (draws, *truth.shape)),
        ),
    )


def _drawn(ranges: tuple[tuple[float, float], ...], rng: np.random.Generator, n: int) -> Points:
    """Points whose logarithms are uniform."""
    low, high = np.log(np.asarray(ranges)).T
    return rng.uniform(low, high, (n, len(ranges)))


def _logarithms(
    nusselt: Callable[[float, float], float], points: Points
) -> Float[np.ndarray, " n"]:
    return np.log([nusselt(float(re), float(pr)) for re, pr in np.exp(points)])
