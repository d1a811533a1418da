"""Classifiers of features that learn from a handful of labels."""

import numpy as np
from jaxtyping import Float, Int
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from eval.extractors import linear

CANDIDATES = (1e-3, 1e-2, 1e-1, 1.0)
"""Values of C, the inverse weight of the penalty, among which cross-validation chooses.

Where a class has one label, of which nothing can be held back, C is the usual one.
"""
FOLDS = 3
MOST_STEPS = 1_000

Rows = Float[np.ndarray, "n d"]
Labels = Int[np.ndarray, " n"]


def nearest_neighbor(
    train: Rows, labels: Labels, held_out: Float[np.ndarray, "m d"]
) -> Int[np.ndarray, " m"]:
    """The class of the labelled sample whose features have the largest cosine."""
    classifier = KNeighborsClassifier(n_neighbors=1, metric="cosine", algorithm="brute")
    return classifier.fit(train, labels).predict(held_out)


def standardized(
    pool: Float[np.ndarray, "all d"],
    *parts: Float[np.ndarray, "_ d"],
    proportioned: bool = False,
) -> list[Float[np.ndarray, "_ d"]]:
    """Features of mean 0 and variance 1 over all train samples, whose labels are not asked for.

    Args:
        pool: the train samples' features.
        parts: features to be standardised alike.
        proportioned: make 1 the mean of their variances, and leave their proportions: principal
            components that are all as large as the first are mostly noise.
    """
    scaler = StandardScaler(with_std=not proportioned).fit(pool)
    scale = np.sqrt(pool.var(axis=0).mean()) if proportioned else 1.0
    return [scaler.transform(part) / scale for part in parts]


def logistic_regression(
    train: Rows, labels: Labels, held_out: Float[np.ndarray, "m d"], per_class: int, seed: int
) -> Int[np.ndarray, " m"]:
    """The class that multinomial logistic regression with an L2 penalty finds likeliest.

    Its weights lie in the span of the rows that it learns from, so features of more dimensions than
    there are rows are rotated into as few: the same classifier, found sooner.

    Args:
        train: standardised features of the labelled samples.
        labels: their classes.
        held_out: standardised features of the samples to be classified.
        per_class: labels of each class. From 2 on C is chosen by cross-validation.
        seed: of the folds.
    """
    train, held_out = _in_span(train, held_out)
    model = linear.logistic_regression(MOST_STEPS)
    if per_class > 1:
        folds = StratifiedKFold(min(per_class, FOLDS), shuffle=True, random_state=seed)
        model = GridSearchCV(model, {"C": CANDIDATES}, cv=folds)
    return linear.fitted(model, train, labels).predict(held_out)


def _in_span(
    train: Rows, held_out: Float[np.ndarray, "m d"]
) -> tuple[Float[np.ndarray, "n few"], Float[np.ndarray, "m few"]]:
    n, d = train.shape
    if d <= n:
        return train, held_out
    basis = np.linalg.svd(train, full_matrices=False)[2].T
    return train @ basis, held_out @ basis
