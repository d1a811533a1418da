"""How the next point of a search is chosen: by a Gaussian process, or without one.

Each method is a function of the seed and of what was evaluated so far, and of nothing else. That
is why a search that a journal resumes goes on as if it had never stopped, bit for bit. Points lie
in the unit cube, which `eval/search/cube.py` maps to latents.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import qmc
from sklearn.exceptions import ConvergenceWarning

from cgan.config import ConfigError
from eval.names import MethodName
from eval.search.cube import HIGH, LOW, normal

Point = Float[np.ndarray, " d"]


class History(NamedTuple):
    """What one search evaluated so far, in order."""

    points: Float[np.ndarray, "n d"]
    """In the unit cube."""
    values: Float[np.ndarray, " n"]
    """Scores, of which the largest is sought."""


Suggest = Callable[[int, History], Point]
"""From a seed and a history to the next point."""

DESIGN_PER_DIMENSION = 1
"""Points of a Sobol sequence, by dimension, that a Gaussian process is first fitted to."""
DESIGN_AT_LEAST = 4
"""Points of that sequence in few dimensions."""
ANYWHERE, AROUND = 1_000, 4_000
"""Candidates in all of the cube, and around the best points."""
CENTERS = 3
"""Best points that candidates lie around."""
WIDTHS = (0.03, 0.1, 0.3)
"""Standard deviations of their moves, in sides of the cube."""
KAPPA = 1.0
"""Standard deviations above the mean that count as the value of a point not yet evaluated."""
JITTER = 1e-4
"""Variance of the values' noise, in units of their own: keeps the kernel's matrix invertible."""
FREEDOM = 4.0
"""Factor by which fitting may move a length scale from the square root of the dimension."""
STEP = 0.3
"""First standard deviation of CMA-ES: a third of the cube's side, as Hansen 2016 advises."""


def by_random(seed: int, history: History) -> Point:
    """A uniform draw, a row of its own for each evaluation."""
    n, d = history.points.shape
    return np.random.default_rng([seed, n]).uniform(LOW, HIGH, (d,))


def by_sobol(seed: int, history: History) -> Point:
    """The next point of a scrambled Sobol sequence (Owen 1998; Joe & Kuo 2008)."""
    n, d = history.points.shape
    sequence = qmc.Sobol(d, scramble=True, rng=np.random.default_rng(seed))
    drawn = sequence.random_base2(int(n).bit_length())[n]
    return np.clip(drawn, LOW, HIGH)


def by_cmaes(seed: int, history: History) -> Point:
    """The next point of CMA-ES (Hansen 2016), all of whose earlier ones are told again."""
    import cma

    n, d = history.points.shape
    rng = np.random.default_rng(seed)
    options = {
        "bounds": [LOW, HIGH],
        "randn": lambda *shape: rng.standard_normal(shape),
        "seed": np.nan,
        "verbose": -9,
    }
    strategy = cma.CMAEvolutionStrategy(np.full(d, 0.5), STEP, options)
    for start in range(0, n + 1, strategy.popsize):
        asked = strategy.ask()
        if n < start + strategy.popsize:
            return np.clip(asked[n - start], LOW, HIGH)
        rows = slice(start, start + strategy.popsize)
        strategy.tell(asked, (-history.values[rows]).tolist())
    raise AssertionError("a generation holds the next point")


def by_bayes(seed: int, history: History) -> Point:
    """The candidate with the largest upper confidence bound of a Gaussian process.

    Its kernel sees latents, in which a generator is smooth, not the cube, whose ends stretch. It
    is a Matern of smoothness 5/2, whose length scale starts at the square root of the dimension
    (Hvarfner et al. 2024, "Vanilla Bayesian optimization performs great in high dimensions",
    section 4) and is fitted within a factor of it. The first points are Sobol's.
    """
    from bayes_opt import acquisition
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    n, d = history.points.shape
    if n < max(DESIGN_PER_DIMENSION * d, DESIGN_AT_LEAST):
        return by_sobol(seed, history)
    usual = float(np.sqrt(d))
    kernel = Matern(usual, (usual / FREEDOM, usual * FREEDOM), nu=2.5)
    process = GaussianProcessRegressor(kernel, alpha=JITTER, normalize_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length scale at its limit
        process.fit(normal(history.points), history.values)
    points = candidates(np.random.default_rng([seed, n, 1]), history)
    mean, deviation = process.predict(normal(points), return_std=True)
    bound = acquisition.UpperConfidenceBound(KAPPA).base_acq(mean, deviation)
    return points[np.argmax(bound)]


def candidates(rng: np.random.Generator, history: History) -> Float[np.ndarray, "n d"]:
    """Points to choose from: anywhere in the cube, and around the best so far, near and less near.

    Around a point about half of its coordinates move, as in Regis & Shoemaker 2013.
    """
    d = history.points.shape[1]
    anywhere = rng.uniform(LOW, HIGH, (ANYWHERE, d))
    best = history.points[np.argsort(-history.values, kind="stable")[:CENTERS]]
    centers = best[rng.integers(len(best), size=AROUND)]
    widths = rng.choice(WIDTHS, size=(AROUND, 1))
    moves = rng.normal(size=(AROUND, d)) * widths * (rng.uniform(size=(AROUND, d)) < 0.5)
    return np.concatenate([anywhere, np.clip(centers + moves, LOW, HIGH)])


def require_installed(methods: Sequence[MethodName]) -> None:
    """Refuse methods whose package is missing.

    Raises:
        ConfigError: saying how to install it, and which methods need none.
    """
    for method in methods:
        try:
            if method == "bayes":
                import bayes_opt  # noqa: F401
            if method == "cmaes":
                import cma  # noqa: F401
        except ImportError:
            package = PACKAGES[method]
            raise ConfigError(
                f"methods = {method!r}: needs the package {package}; must be left out, or "
                f"pip install {package} first (or this project with [search])"
            ) from None


PACKAGES: dict[MethodName, str] = {"bayes": "bayesian-optimization", "cmaes": "cma"}
"""Packages of the optional extra `search`, by the method that needs each."""
METHODS: dict[MethodName, Suggest] = {
    "bayes": by_bayes,
    "random": by_random,
    "sobol": by_sobol,
    "cmaes": by_cmaes,
}
