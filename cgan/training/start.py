"""What other runs give a GAN before step 0: weights to start from, and weights to be pulled to."""

from cgan.assemble import Parts
from cgan.state import TrainState
from cgan.training import anchors, warm_start


def check(parts: Parts) -> None:
    """Refuse other runs that are not there or do not fit.

    Raises:
        ConfigError: naming the setting, the run and what is wrong with it.
    """
    warm_start.check(parts)
    anchors.check(parts)


def begin(parts: Parts, state: TrainState) -> TrainState:
    """The state before step 0, with what the config takes of other runs.

    Args:
        parts: of the run.
        state: as its seed has it, on the host.

    Raises:
        ConfigError: as for `check`.
    """
    return anchors.begin(parts, warm_start.begin(parts, state))
