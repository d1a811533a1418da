"""Procedures by the class of their config; a new one is a file beside this and a line here."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from cgan.config import Experiment, Launch, Pretraining, RunConfig, require
from cgan.data import Source
from cgan.training import gan, pretraining
from cgan.training.procedure import Procedure

BUILDERS: dict[type, Callable[[Any, Sequence[jax.Device], Launch, Source | None], Procedure]] = {
    Experiment: gan.build,
    Pretraining: pretraining.build,
}
"""Functions of a config, the devices, how the run is started and a source of the caller's own."""


def build(
    config: RunConfig,
    devices: Sequence[jax.Device],
    launch: Launch,
    source: Source | None = None,
) -> Procedure:
    """Build the procedure that a config is of; nothing is compiled or written.

    Raises:
        ConfigError: settings that do not fit together, the devices or the data; or a config of a
            procedure that is not known here, and has to be handed to `loop.run` itself.
    """
    known = ", ".join(kind.__name__ for kind in BUILDERS)
    require(type(config) in BUILDERS, "config", type(config).__name__, f"one of {known}")
    return BUILDERS[type(config)](config, devices, launch, source)
