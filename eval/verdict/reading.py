"""What a labeller makes of classes: as which shares true ones are read, and what it can't tell.

With pi the true shares and C the confusion, C[j, k] the share of class j that is read as k, real
data are read as class k with the share

    e_k = pi_k C[k, k] + F_k,    F_k = sum over the others of pi_j C[j, k],

and a generator that makes a quarter or more of each class, at least with the share e_k / 4. So a
class is dropped if its share lies below that. A missing class is still read with the share F_k: one
that has just a quarter, with pi_k C[k, k] / 4 + F_k. So it is covered if its share lies above that,
where F_k is reckoned from what the generator makes where it makes more of another class than the
data hold.

C is counted on held-out real samples: each class's row has as a prior one sample that is read as
those of all classes are. How sure e_k and F_k are goes into the tests (see `limits`). A class is not
judged if less than half of it is read right, since nobody knows how generated samples of it are
read; if F_k is a quarter of e_k or more, since it would seem to be covered where it is missing; or
if its limits are not known to a fifth or so.
"""

import numpy as np
from jaxtyping import Float, Int

from eval.verdict.limits import Limit
from eval.verdict.modes import FRACTION, Expected

Confusion = Int[np.ndarray, "classes bins"]
"""Held-out real samples by their true class and by the class that they are read as (last, none)."""

READ_RIGHT = 0.5
"""Of a class's held-out samples, at least."""
ROWS = 20
"""What a limit rests on, at least: a standard error of 22 %."""


def expected_as_read(
    confusion: Confusion,
    true_shares: Float[np.ndarray, " classes"],
    made: Float[np.ndarray, " classes"],
) -> Expected:
    """What counts of classes as they are read are held against.

    Args:
        confusion: of the labeller.
        true_shares: of the classes.
        made: shares of the samples that are judged, as they are read.
    """
    classes, rows = len(true_shares), confusion.sum(axis=1, keepdims=True)
    rates = (confusion + _prior(confusion)) / (rows + 1)
    variances = (rates * (1 - rates) / (rows + 2))[:, :classes]
    rates = rates[:, :classes]
    right, own = np.diag(rates), np.diag(variances)
    wrong, wrong_variances = _without_own(rates), _without_own(variances)

    misread, spread = true_shares @ wrong, true_shares**2 @ wrong_variances
    read = true_shares * right + misread
    of_read = _limit(FRACTION * read, FRACTION**2 * (true_shares**2 * own + spread))

    more = np.maximum(true_shares, made)
    quarter = FRACTION * true_shares
    of_covered = _limit(
        quarter * right + more @ wrong, quarter**2 * own + more**2 @ wrong_variances
    )
    well_read = (right >= READ_RIGHT) & (misread < FRACTION * read)
    known = np.minimum(of_read.rows, of_covered.rows) >= ROWS
    return Expected(of_read, of_covered, well_read & known)


def _prior(confusion: Confusion) -> Float[np.ndarray, "classes bins"]:
    """For each class one sample, read right as often as those of all classes are, and otherwise as
    those are that are misread."""
    classes, bins = confusion.shape
    right = np.trace(confusion[:, :classes])
    taken = confusion.sum(axis=0) - np.append(np.diag(confusion), np.zeros(bins - classes))
    accuracy = (right + 0.5) / (confusion.sum() + 1)
    shares = np.broadcast_to(taken + 1 / bins, confusion.shape).copy()
    np.fill_diagonal(shares, 0)
    others = shares / np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    prior = (1 - accuracy) * others
    np.fill_diagonal(prior, accuracy)
    return prior


def _without_own(of: Float[np.ndarray, "classes classes"]) -> Float[np.ndarray, "classes classes"]:
    return of * ~np.eye(len(of), dtype=bool)


def _limit(shares: Float[np.ndarray, " classes"], variances: Float[np.ndarray, " classes"]) -> Limit:
    return Limit(shares, shares**2 / variances)

