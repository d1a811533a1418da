"""Logistic regression on features, as all linear classifiers of them are set."""

import warnings
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

PENALTY = 0.1
"""C, the inverse weight of the L2 penalty, where nothing chooses another."""

Model = TypeVar("Model", bound=BaseEstimator)


def logistic_regression(steps_at_most: int) -> LogisticRegression:
    """Multinomial logistic regression with an L2 penalty, of features of variance 1."""
    return LogisticRegression(C=PENALTY, max_iter=steps_at_most)


def fitted(model: Model, rows: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]) -> Model:
    """Fit a classifier; one that is not at its optimum after all its steps is taken as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(rows, labels)
