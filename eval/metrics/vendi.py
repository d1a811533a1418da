"""Vendi score: the effective number of different samples (Friedman & Dieng 2023, equation 3).

    exp(H(lambda)),  lambda the eigenvalues of K / n,  K the cosines of all pairs of rows

With orders q other than 1 the entropy H is Renyi's (Pasarkar & Dieng 2024, equation 2); the order
says how much rare samples count. The eigenvalues are those of the d x d side, where it is smaller.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from eval.metrics.base import Inputs, Metric, UndefinedError, Value, check_features, present
from eval.metrics.errors import half_samples

NEGLIGIBLE = 1e-14
"""Share of the eigenvalues' sum below which an eigenvalue is rounding."""


def unit_rows(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Rows scaled to length 1, in float64, whatever their scale; rows of zeros stay as they are."""
    rows = features.astype(np.float64)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows /= np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def vendi_score(features: Float[np.ndarray, "n d"], order: float = 1.0) -> float:
    """Vendi score of features with the cosine kernel.

    Args:
        features: `[n, d]`.
        order: of the entropy, 0 < order <= inf; 1 is Shannon's.

    Raises:
        FeatureError: a row that is not finite.
        UndefinedError: no rows, or rows that are all zero.
    """
    check_features(features, at_least=1)
    return _effective_number(unit_rows(features), order)


def _effective_number(rows: Float[np.ndarray, "n d"], order: float) -> float:
    n, dimensions = rows.shape
    side = rows.T @ rows if dimensions < n else rows @ rows.T
    values = np.linalg.eigvalsh(side) / n
    values = values[values > NEGLIGIBLE]
    if not len(values):
        raise UndefinedError("all rows are zero; the cosine needs rows with a direction")
    if np.isinf(order):
        return float(1 / values.max())
    if order == 1:
        return float(np.exp(-(values * np.log(values)).sum()))
    return float((values**order).sum() ** (1 / (1 - order)))


def _measure(inputs: Inputs, seed: int) -> Value:
    features = present(inputs.samples.features)
    check_features(features, at_least=1)
    rows, details = unit_rows(features), dict[str, Any](order=1)
    value = _effective_number(rows, 1.0)
    if zero := int(np.count_nonzero(~rows.any(axis=1))):
        # As the authors' code does: so K has zeros in its diagonal.
        details |= {"note": f"{zero:,} of {len(rows):,} rows are zero, and like no row"}
    error = half_samples(lambda half: _effective_number(rows[half], 1.0), len(rows), seed)
    return Value(value, error, details)


VENDI = Metric(
    name="vendi_score_cosine_q1",
    label="Vendi score",
    needs=frozenset({"features"}),
    measure=_measure,
    text="{:.2f}".format,
)
