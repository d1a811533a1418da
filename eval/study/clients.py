"""Whose figures a run's are: of clients that average, their average's; of others, each client's.

Clients that never meet have no generator in common. The mean of their figures is what one of them
has to expect. Samples of all of them pooled would cover everything, which none of them draws.
"""

from collections.abc import Sequence

import numpy as np

CLIENTS = "clients"
"""Name of the figures of each client in a row of results."""
Figures = dict[str, float | None]


def mean(found: Sequence[Figures]) -> dict[str, float | list[Figures] | None]:
    """Figures of one state as they are, or means over clients' beside each client's own."""
    if len(found) == 1:
        return dict(found[0])
    means = {
        key: None
        if any(of[key] is None for of in found)
        else float(np.mean([of[key] for of in found]))
        for key in found[0]
    }
    return means | {CLIENTS: list(found)}
