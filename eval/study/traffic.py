"""Megabytes that a run sends: figures of how it trains, which no sample tells."""

from collections.abc import Sequence

import jax

from cgan.assemble import Parts
from cgan.federated import traffic
from cgan.federated.clients import client_of
from eval.study.declare import Figure

ROUND, STEP = "sent_megabytes_a_round", "sent_megabytes_a_step"
MEASURES = (ROUND, STEP)
"""Figures of what each client or device sends; a round of central training is a step."""


def measure(figures: Sequence[Figure], parts: Parts) -> dict[str, float]:
    """Reckon those of the figures that are of what is sent, by their keys.

    Args:
        figures: of a benchmark.
        parts: of the run; central training is of as many devices as one likes.
    """
    asked = [figure for figure in figures if figure.metric in MEASURES]
    if not asked:
        return {}
    of_round, steps = _of_round(parts)
    found = {ROUND: of_round / 1e6, STEP: of_round / steps / 1e6}
    return {figure.key: found[figure.metric] for figure in asked}


def _of_round(parts: Parts) -> tuple[int, int]:
    """Bytes of a round, and the steps that it has."""
    if parts.shards is None:
        return traffic.of_central_step(parts.abstract_state()), 1
    single = jax.eval_shape(lambda: client_of(parts.init_state(), 0))
    return traffic.of_round(parts.config, single), max(parts.config.federated.local_steps, 1)
