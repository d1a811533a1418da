"""Classes as a labeller reads them: the shares that true ones are read as, and what it can't tell.

With pi the true shares and C the confusion, C[j, k] the share of class j that is read as k, real
data are read as class k with the share

    e_k = pi_k C[k, k] + F_k,    F_k = sum over the others of pi_j C[j, k],

and samples of a generator that makes a quarter or more of each class, at least with e_k / 4. So a
class is dropped if fewer are read as it. But a missing class is still read with the share F_k.
Where that is more than half of e_k / 4, what is beyond it is added for a class to be covered, so
that one that is said to be has a seventh of its true share or more. F_k is then of what the
generator makes, where that is more of another class than the data hold.

C is counted on held-out real samples, and how sure the limits are goes into the tests (see
`limits`). A class is not judged where F_k is e_k / 4 or more, so that it could be missing without a
sign; nor where less than half of it is read right, since nobody knows how generated samples of it
are read; nor where too little is known of it.
"""

import numpy as np
from jaxtyping import Float

from eval.confusion import Confusion
from eval.verdict.limits import Limit
from eval.verdict.modes import FRACTION, Expected

READ_RIGHT = 0.5
"""Least share of a class's held-out samples that must be read right to judge it."""
OVERLOOKED = 0.5
"""Share of a class's limit up to which samples of others, read as it, need no making up for."""
ROWS = 10
"""Fewest rows that a limit may rest on: a standard error of a third."""
AS_GOOD_AS_KNOWN = 1e9
"""Rows from which on a share counts as known, and needs no test of its own."""


def expected_as_read(
    confusion: Confusion,
    true_shares: Float[np.ndarray, " classes"],
    made: Float[np.ndarray, " classes"],
) -> Expected:
    """The shares that counts of classes, as they are read, are held against.

    Args:
        confusion: of the labeller.
        true_shares: of the classes.
        made: shares of the samples that are judged, as they are read: where there are more of a
            class than in the data, more of them are taken for others, which may be missing.
    """
    rates, variances = confusion.rates
    right, apart = np.diag(rates), ~np.eye(len(rates), dtype=bool)
    read, variance = true_shares @ rates, true_shares**2 @ variances
    misread, others = true_shares @ (rates * apart), np.maximum(true_shares, made)
    quarter = FRACTION * read
    beyond = others @ (rates * apart) - OVERLOOKED * quarter
    more = quarter + beyond.clip(min=0)
    open_more = FRACTION**2 * variance + np.where(beyond > 0, others**2 @ (variances * apart), 0)
    dropped_below, covered_above = _limit(quarter, FRACTION**2 * variance), _limit(more, open_more)
    judged = (right >= READ_RIGHT) & (misread < quarter) & (dropped_below.rows >= ROWS)
    return Expected(dropped_below, covered_above, judged)


def _limit(
    shares: Float[np.ndarray, " classes"], variances: Float[np.ndarray, " classes"]
) -> Limit:
    """Limits with these shares, resting on as many rows as their variances say."""
    rows = np.divide(shares**2, variances, out=np.zeros_like(shares), where=shares > 0)
    return Limit(shares, np.where(rows < AS_GOOD_AS_KNOWN, rows, np.inf))
