"""What other runs give a GAN before step 0: weights to start from, and weights to be pulled to."""

from typing import NamedTuple

from cgan.assemble import Parts
from cgan.state import TrainState
from cgan.training import anchors, warm_start
from cgan.training.carried import Runs


class Others(NamedTuple):
    """What was read of other runs."""

    origin: warm_start.Origin | None
    anchors: list[anchors.Read]


def read(parts: Parts) -> Others:
    """Read the other runs that the config names, each once, and hold them against this one.

    Raises:
        ConfigError: naming the setting, the run and what is wrong with it.
    """
    runs = Runs()
    return Others(warm_start.read(parts, runs), anchors.read(parts, runs))


def begin(parts: Parts, state: TrainState, others: Others | None = None) -> TrainState:
    """The state before step 0, with what the config takes of other runs.

    Args:
        parts: of the run.
        state: as its seed has it, on the host.
        others: what was read of the other runs; they are read now unless given.

    Raises:
        ConfigError: as for `read`.
    """
    others = others or read(parts)
    if others.origin is not None:
        state = warm_start.begin(parts, state, others.origin)
    return anchors.begin(parts, state, others.anchors) if others.anchors else state
