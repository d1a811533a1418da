"""What a labeller makes of classes: as which shares true ones are read, and what it can't tell.

With pi the true shares and C the confusion, C[j, k] the share of class j that is read as k, real
data are read as class k with the share

    e_k = pi_k C[k, k] + F_k,    F_k = sum over the others of pi_j C[j, k],

and samples of a generator that makes a quarter or more of each class, at least with the share
e_k / 4: that is what the share of the samples that are read as k is held against. C is counted on
held-out real samples, and how sure e_k is goes into the tests (see `limits`).

A missing class is still read with the share F_k. Up to half of the limit that moves the limit from a
quarter of the true share to a seventh of it at worst; a class with more can't be judged. Nor can one
of which less than half is read right, since nobody knows how generated samples of it are read; nor
one of which too little is known.
"""

import numpy as np
from jaxtyping import Float

from eval.confusion import Confusion
from eval.verdict.limits import Limit
from eval.verdict.modes import FRACTION, Expected

READ_RIGHT = 0.5
"""Of a class's held-out samples, at least."""
MISREAD = 0.5
"""Of a class's limit, at most, may be samples of others."""
ROWS = 10
"""What a limit rests on, at least: a standard error of a third."""
AS_GOOD_AS_KNOWN = 1e9
"""Rows: the share needs no test of its own."""


def expected_as_read(
    confusion: Confusion,
    true_shares: Float[np.ndarray, " classes"],
    made: Float[np.ndarray, " classes"],
) -> Expected:
    """What counts of classes as they are read are held against.

    Args:
        confusion: of the labeller.
        true_shares: of the classes.
        made: shares of the samples that are judged, as they are read: where there are more of a
            class than in the data, more of them are taken for others, which may be missing.
    """
    rates, variances = confusion.rates
    right, others = np.diag(rates), rates * ~np.eye(len(rates), dtype=bool)
    read, variance = true_shares @ rates, true_shares**2 @ variances
    rows = np.divide(read**2, variance, out=np.zeros_like(read), where=read > 0)
    limit = Limit(FRACTION * read, np.where(rows < AS_GOOD_AS_KNOWN, rows, np.inf))
    most = MISREAD * limit.shares
    judged = (right >= READ_RIGHT) & (true_shares @ others <= most) & (rows >= ROWS)
    return Expected(limit, judged, np.maximum(true_shares, made) @ others <= most)
