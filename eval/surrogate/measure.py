"""Errors of all methods at each number of points, draw by draw."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from cgan.networks.regressor import Regressor, build_regressor, without_intercept
from cgan.surrogate.choice import Pulled, predictions, pulled
from cgan.surrogate.fit import RECIPE, Fits, Recipe, anchors, fits
from cgan.types import Params
from eval.gather import Advance
from eval.records.spread import mean_and_error
from eval.surrogate import baselines
from eval.surrogate.problem import Draws, Problem, Scale, scale_of_draws, scale_of_source
from eval.surrogate.record import Error, Method

WIDTH, DEPTH = 16, 2
STRENGTHS = tuple(float(10 ** (power / 2)) for power in range(-6, 5))
"""Strengths of pulls that cross-validation chooses among, in samples: from 0.001 to 100."""
SOURCE_RECIPE = Recipe(steps=3_000)
STEPS_PER_SIZE = 3
"""Steps of the progress bar at each number of points."""


class Learnt(NamedTuple):
    """The network that the source's points led to, and in which scale."""

    model: Regressor
    params: Params
    scale: Scale


class Found(NamedTuple):
    """One method's error in each draw, and which pulls led to it."""

    rmses: Float[np.ndarray, " draws"]
    strengths: tuple[float, ...] | None = None
    rmse_by_strength: tuple[tuple[float, float], ...] | None = None


def measure(
    problem: Problem,
    points: Sequence[int],
    seed: int,
    advance: Advance,
    recipe: Recipe = RECIPE,
) -> list[Error]:
    """Pretrain once, then fit and judge at each number of points.

    Args:
        problem: with at least as many points a draw.
        points: how many of them methods are to see.
        seed: of the networks' starts.
        advance: is told of each step.
        recipe: of the fits to the target.
    """
    learnt = pretrained(problem, seed)
    fit = fits(learnt.model, recipe)
    records = []
    for n in points:
        found: dict[Method, Found] = {"source": _as_it_is(learnt, problem.draws)}
        found |= _scratch(learnt.model, fit, problem.draws, n, seed)
        advance(1)
        found |= _from_source(learnt, fit, problem.draws, n)
        advance(1)
        found |= _baselines(learnt, problem.draws, n, seed)
        advance(1)
        of_scratch = float(found["scratch"].rmses.mean())
        records += [
            _record(problem, method, each, n, seed, of_scratch) for method, each in found.items()
        ]
    return records


def pretrained(problem: Problem, seed: int, recipe: Recipe = SOURCE_RECIPE) -> Learnt:
    """The regression that all points of the source lead to, without any pull.

    Args:
        problem: whose source it is.
        seed: of its start.
        recipe: its settings.
    """
    scale = scale_of_source(problem)
    model = build_regressor(len(problem.input_names), WIDTH, DEPTH)
    inputs = scale.inputs(problem.source_inputs).astype(np.float32)
    outputs = scale.outputs(problem.source_outputs).astype(np.float32)
    start = _starts(model, seed, 1)
    form = _first(start)
    free = anchors(form, form, [0.0], [len(outputs)])
    known = np.ones((1, len(outputs)), bool)
    params = fits(model, recipe)(start, free, inputs[None], outputs[None], known)
    return Learnt(model, jax.device_get(_first(_first(params))), scale)


def _as_it_is(learnt: Learnt, draws: Draws) -> Found:
    """The source's network on the target, whatever the points say."""
    params = _repeated(learnt.params, len(draws.outputs))
    test = learnt.scale.inputs(draws.test_inputs)
    outputs = learnt.scale.restored(_in_double(predictions(learnt.model, params, test)))
    return Found(_rmse(outputs, draws))


def _scratch(model: Regressor, fit: Fits, draws: Draws, n: int, seed: int) -> dict[Method, Found]:
    """Networks of their own starts, in the scale of their own points.

    Plain ones, and others whose weights are pulled to 0, how strongly chosen as for the prior.
    """
    scale = scale_of_draws(draws, n)
    starts = _starts(model, seed + 1, len(draws.outputs))
    zero = jax.tree.map(np.zeros_like, jax.device_get(_first(starts)))
    strengths = (0.0, *STRENGTHS)
    of_points = scale.inputs(draws.inputs[:, :n]), scale.outputs(draws.outputs[:, :n])
    made = pulled(model, fit, starts, without_intercept(zero), strengths, *of_points)
    test = scale.inputs(draws.test_inputs)
    free = _without_pull(made)
    return {
        "scratch": _chosen(free, free.chosen, (0.0,), model, test, scale, draws),
        "weight_decay": _chosen(made, made.chosen, strengths, model, test, scale, draws),
    }


def _from_source(learnt: Learnt, fit: Fits, draws: Draws, n: int) -> dict[Method, Found]:
    """The source's network, fitted to the points with no pull and with pulls of each strength."""
    model, scale, starts = learnt.model, learnt.scale, _repeated(learnt.params, len(draws.outputs))
    strengths = (0.0, *STRENGTHS)
    of_points = scale.inputs(draws.inputs[:, :n]), scale.outputs(draws.outputs[:, :n])
    center = without_intercept(learnt.params)
    made = pulled(model, fit, starts, center, strengths, *of_points)
    test = scale.inputs(draws.test_inputs)
    free = _without_pull(made)
    bound = Pulled(jax.tree.map(lambda leaf: leaf[:, 1:], made.params), made.point_errors[:, 1:])
    return {
        "fine_tuning": _chosen(free, free.chosen, (0.0,), model, test, scale, draws),
        "prior": _chosen(bound, bound.chosen, STRENGTHS, model, test, scale, draws),
    }


def _without_pull(made: Pulled) -> Pulled:
    return Pulled(jax.tree.map(lambda leaf: leaf[:, :1], made.params), made.point_errors[:, :1])


def _baselines(learnt: Learnt, draws: Draws, n: int, seed: int) -> dict[Method, Found]:
    """Gaussian processes and ridge, in the source's scale; on residuals and on the points alone."""
    scale = learnt.scale
    inputs, test = scale.inputs(draws.inputs[:, :n]), scale.inputs(draws.test_inputs)
    outputs = scale.outputs(draws.outputs[:, :n])
    params = _repeated(learnt.params, len(outputs))
    of_source, at_test = (
        _in_double(predictions(learnt.model, params, each)) for each in (inputs, test)
    )
    left = outputs - of_source
    each = range(len(outputs))
    alone = [baselines.gaussian_process(inputs[i], outputs[i], test[i], seed) for i in each]
    on_left = [baselines.gaussian_process(inputs[i], left[i], test[i], seed) for i in each]
    ridge = [baselines.ridge(inputs[i], left[i], test[i]) for i in each]
    predicted: dict[Method, Float[np.ndarray, "draws m"]] = {
        "gaussian_process": np.stack(alone),
        "ridge_on_residuals": at_test + np.stack(ridge),
        "gaussian_process_on_residuals": at_test + np.stack(on_left),
    }
    return {
        method: Found(_rmse(scale.restored(values), draws)) for method, values in predicted.items()
    }


def _chosen(
    made: Pulled,
    chosen: np.ndarray,
    strengths: Sequence[float],
    model: Regressor,
    test: Float[np.ndarray, "draws m d"],
    scale: Scale,
    draws: Draws,
) -> Found:
    """Errors with the chosen pulls, and the mean error with each."""
    outputs = _in_double(predictions(model, made.params, test))
    errors = np.stack(
        [_rmse(scale.restored(outputs[:, k]), draws) for k in range(len(strengths))], axis=1
    )
    if len(strengths) == 1:
        return Found(errors[:, 0])
    by_strength = zip(strengths, errors.mean(axis=0).tolist(), strict=True)
    return Found(
        np.take_along_axis(errors, chosen[:, None], axis=1)[:, 0],
        tuple(strengths[number] for number in chosen),
        tuple(by_strength),
    )


def _record(
    problem: Problem, method: Method, found: Found, n: int, seed: int, of_scratch: float
) -> Error:
    mean, error = mean_and_error(found.rmses.tolist())
    return Error(
        method,
        n,
        mean,
        error,
        mean / of_scratch,
        tuple(found.rmses.tolist()),
        found.strengths,
        found.rmse_by_strength,
        problem.output_name,
        problem.input_names,
        problem.source,
        len(problem.source_outputs),
        problem.target,
        problem.judged_on,
        seed,
    )


def _rmse(outputs: Float[np.ndarray, "draws m"], draws: Draws) -> Float[np.ndarray, " draws"]:
    return np.sqrt(np.mean((outputs - draws.test_outputs) ** 2, axis=1))


def _starts(model: Regressor, seed: int, count: int) -> Params:
    return jax.vmap(model.init)(jax.random.split(jax.random.key(seed), count))


def _repeated(params: Params, count: int) -> Params:
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), params)


def _first(params: Params) -> Params:
    return jax.tree.map(lambda leaf: leaf[0], params)


def _in_double(values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    return values.astype(np.float64)
