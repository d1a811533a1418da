"""A fresh run that starts from the weights of another: `--init-from RUN`.

Parameters are taken by their names. Those that the other run has not start afresh, and those of it
that this one has not are left there; so runs of other architectures, resolutions or heads give what
they share. Of a GAN's generator it is the average, which samples are drawn with, and of the
discriminator its weights and the stats of their spectral norms. Optimizers, a learnt temperature
and an adaptive augmentation always start afresh. The lowest layers of the discriminator may stay as
they were there (Mo et al. 2020, "Freeze the discriminator", FreezeD).
"""

import jax
import numpy as np

from cgan.assemble import Parts
from cgan.config import ConfigError, Experiment
from cgan.state import TrainState
from cgan.system.cache import note
from cgan.training import carried
from cgan.training.carried import PLAYERS, Choice, Plan
from cgan.training.donor import Donor

NARROWED_BY = ("init_players", "init_parts")


def check(parts: Parts) -> None:
    """Refuse to start from a run that is not there, or whose arrays do not fit.

    Raises:
        ConfigError: naming the run, or the parameter and its shape here and there; or layers that
            would be frozen as they never were trained.
    """
    if parts.config.init_from is not None:
        choice = _choice(parts.config)
        donor = carried.read(choice)
        _require_loaded(parts, _plans(choice, parts, donor)["discriminator"])


def begin(parts: Parts, state: TrainState) -> TrainState:
    """The state before step 0 of a run that starts from another; as it is, without one.

    Says what was loaded, what starts afresh and what stays as it is.

    Args:
        parts: of the run.
        state: as its seed has it, on the host.

    Raises:
        ConfigError: as for `check`.
    """
    if parts.config.init_from is None:
        return state
    choice = _choice(parts.config)
    donor = carried.read(choice)
    plans = _plans(choice, parts, donor)
    for line in _described(parts, donor, plans):
        note(line)
    generator = carried.replaced(state.generator, plans["generator"].loaded)
    stats = carried.plan_of(choice, "discriminator_stats", state.discriminator_stats, donor)
    return state._replace(
        generator=generator,
        generator_ema=jax.tree.map(np.copy, generator),
        discriminator=carried.replaced(state.discriminator, plans["discriminator"].loaded),
        discriminator_stats=carried.replaced(state.discriminator_stats, stats.loaded),
    )


def _choice(config: Experiment) -> Choice:
    assert config.init_from is not None
    return Choice(
        "init_from", config.init_from, config.init_players, config.init_parts, NARROWED_BY
    )


def _plans(choice: Choice, parts: Parts, donor: Donor) -> dict[str, Plan]:
    """What becomes of both players' parameters; the discriminator's stats fit too."""
    plans = carried.plans_of(choice, parts, donor)
    form = parts.abstract_state().discriminator_stats
    carried.plan_of(choice, "discriminator_stats", form, donor)
    return plans


def _require_loaded(parts: Parts, plan: Plan) -> None:
    """Refuse to freeze layers of the discriminator that the other run has not."""
    number = parts.config.init_frozen
    frozen = parts.networks.frozen_groups(number)
    fresh = sorted({path[1] for path in plan.fresh if path[0] == "trunk" and path[1] in frozen})
    if fresh:
        raise ConfigError(
            f"init_frozen = {number}: {', '.join(f'trunk/{name}' for name in fresh)} would stay as "
            f"drawn, since {parts.config.init_from} has no such layers; must be fewer layers"
        )


def _described(parts: Parts, donor: Donor, plans: dict[str, Plan]) -> list[str]:
    """What a run starts from, in lines for a person."""
    config = parts.config

    def listed(kind: str) -> list[str]:
        return [
            name
            for player in PLAYERS
            for name in carried.groups(player, plans[player]._asdict(), kind)
        ]

    averaged = donor.averaged and plans["generator"].loaded
    average = ", the generator's average" if averaged else ""
    lines = [
        f"from {config.init_from} after {donor.nimg:,} images{average}: "
        f"{', '.join(listed('loaded'))}",
        f"starting afresh: {', '.join([*listed('fresh'), 'optimizers'])}",
    ]
    if left := listed("left"):
        lines.append(f"left in {config.init_from}: {', '.join(left)}")
    if config.init_frozen:
        frozen = sorted(parts.networks.frozen_groups(config.init_frozen))
        names = (f"discriminator trunk/{name}" for name in frozen)
        lines.append(f"frozen as they are there: {', '.join(names)}")
    return lines
