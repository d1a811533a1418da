"""What is to be predicted: a source with many points, and draws of few points of a target."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from eval.surrogate.tables import Table

HELD_OUT_AT_LEAST = 5
"""Fewest rows of a file that predictions are judged on."""


class Draws(NamedTuple):
    """Random subsets of a target: a draw's first n points are those that methods see at n."""

    inputs: Float[np.ndarray, "draws most d"]
    outputs: Float[np.ndarray, "draws most"]
    test_inputs: Float[np.ndarray, "draws m d"]
    """Inputs that each draw's predictions are judged on; none of its points is among them."""
    test_outputs: Float[np.ndarray, "draws m"]


class Problem(NamedTuple):
    """Numbers of a source and of a target, and words for both."""

    source: str
    target: str
    judged_on: str
    input_names: tuple[str, ...]
    output_name: str
    """Output whose root mean squared error is told: in its own unit."""
    source_inputs: Float[np.ndarray, "n d"]
    source_outputs: Float[np.ndarray, " n"]
    draws: Draws


class Scale(NamedTuple):
    """Means and standard deviations by which numbers are standardized."""

    input_mean: Float[np.ndarray, "*draws d"]
    input_deviation: Float[np.ndarray, "*draws d"]
    output_mean: Float[np.ndarray, "*draws 1"]
    output_deviation: Float[np.ndarray, "*draws 1"]

    def inputs(self, values: Float[np.ndarray, "*rows d"]) -> Float[np.ndarray, "*rows d"]:
        """Standardized inputs."""
        return (values - self.input_mean) / self.input_deviation

    def outputs(self, values: Float[np.ndarray, "*rows"]) -> Float[np.ndarray, "*rows"]:
        """Standardized outputs."""
        return (values - self.output_mean) / self.output_deviation

    def restored(self, values: Float[np.ndarray, "*rows"]) -> Float[np.ndarray, "*rows"]:
        """Outputs in their own unit again."""
        return values * self.output_deviation + self.output_mean


def scale_of_source(problem: Problem) -> Scale:
    """The source's scale; an input that does not vary there has the target points' deviation."""
    varying = problem.source_inputs.std(axis=0)
    of_target = problem.draws.inputs.std(axis=(0, 1))
    return Scale(
        problem.source_inputs.mean(axis=0),
        _not_zero(np.where(varying > 0, varying, of_target)),
        problem.source_outputs.mean(keepdims=True),
        _not_zero(problem.source_outputs.std(keepdims=True)),
    )


def scale_of_draws(draws: Draws, n: int) -> Scale:
    """Each draw's own scale, of its first n points: `[draws, 1, d]` and `[draws, 1]`."""
    inputs, outputs = draws.inputs[:, :n], draws.outputs[:, :n]
    return Scale(
        inputs.mean(axis=1, keepdims=True),
        _not_zero(inputs.std(axis=1, keepdims=True)),
        outputs.mean(axis=1, keepdims=True),
        _not_zero(outputs.std(axis=1, keepdims=True)),
    )


def of_tables(source: Table, target: Table, most_points: int, draws: int, seed: int) -> Problem:
    """From one file to another: draws of the target's rows, judged on its other rows.

    Args:
        source: many rows; what is to be predicted is the last column.
        target: rows of the same columns.
        most_points: points of each draw.
        draws: how many.
        seed: of the draws.

    Raises:
        ConfigError: too few rows.
    """
    require_rows(source, 2, "to learn from")
    needed = f"{most_points} points and {HELD_OUT_AT_LEAST} others to judge by"
    require_rows(target, most_points + HELD_OUT_AT_LEAST, f"for {needed}")
    n = len(target.rows)
    orders = [np.random.default_rng([seed, 1, draw]).permutation(n) for draw in range(draws)]
    drawn = target.rows[np.stack(orders)]
    points, others = drawn[:, :most_points], drawn[:, most_points:]
    return Problem(
        source=str(source.path),
        target=str(target.path),
        judged_on=f"the {n - most_points:,} rows outside each draw",
        input_names=source.columns[:-1],
        output_name=source.columns[-1],
        source_inputs=source.rows[:, :-1],
        source_outputs=source.rows[:, -1],
        draws=Draws(points[..., :-1], points[..., -1], others[..., :-1], others[..., -1]),
    )


def require_rows(table: Table, at_least: int, purpose: str) -> None:
    """Refuse a table with too few rows.

    Raises:
        ConfigError: naming the file, and how many it has and needs.
    """
    n = len(table.rows)
    if n < at_least:
        raise table.refusal(f"has {n:,} rows; must have {at_least:,} or more {purpose}")


def _not_zero(deviation: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    return np.asarray(np.where(deviation > 0, deviation, 1.0))
