"""A fresh run that starts from the weights of another: `--init-from RUN`.

Parameters are taken by their names. Those that the other run has not start afresh, and those of it
that this one has not are left there; so runs of other architectures, resolutions or heads give what
they share. Of a GAN's generator it is the average, which samples are drawn with, and of the
discriminator its weights and the stats of their spectral norms. Optimizers, a learnt temperature
and an adaptive augmentation always start afresh. The lowest layers of the discriminator may stay as
they were there (Mo et al. 2020, "Freeze the discriminator", FreezeD).
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from cgan.assemble import Parts
from cgan.config import ConfigError, Experiment
from cgan.state import TrainState
from cgan.system.cache import note
from cgan.training import carried
from cgan.training.carried import PLAYERS, Choice, Plan, Runs
from cgan.training.pretrained import Pretrained

NARROWED_BY = ("init_players", "init_parts")
STATS = "discriminator_stats"


class Origin(NamedTuple):
    """The run that was read to start from, and what becomes of this one's arrays."""

    pretrained: Pretrained
    plans: dict[str, Plan]
    """Plans of both players' parameters, and of D's stats, by the fields of the state."""


def read(parts: Parts, runs: Runs) -> Origin | None:
    """Read the run to start from and hold it against this one; None where there is none.

    Raises:
        ConfigError: naming the run, or the parameter and its shape here and there; or layers that
            would be frozen as they never were trained.
    """
    if parts.config.init_from is None:
        return None
    choice = _choice(parts.config)
    pretrained = runs.read(choice)
    _require_encoder(parts, choice, pretrained)
    plans = carried.plans_of(choice, parts, pretrained)
    form = parts.abstract_state().discriminator_stats
    stats = carried.plan_of(choice, STATS, form, pretrained)
    _require_loaded(parts, plans["discriminator"])
    return Origin(pretrained, plans | {STATS: stats})


def begin(parts: Parts, state: TrainState, origin: Origin) -> TrainState:
    """The state before step 0 of a run that starts from another.

    Says what was loaded, what starts afresh and what stays as it is.

    Args:
        parts: of the run.
        state: as its seed has it, on the host.
        origin: what was read of the other run.
    """
    for line in _described(parts, *origin):
        note(line)

    def started(name: str) -> Any:
        return carried.replaced(getattr(state, name), origin.plans[name].loaded)

    generator = started("generator")
    return state._replace(
        generator=generator,
        generator_ema=jax.tree.map(np.copy, generator),
        discriminator=started("discriminator"),
        discriminator_stats=started(STATS),
    )


def _choice(config: Experiment) -> Choice:
    assert config.init_from is not None
    return Choice(
        "init_from", config.init_from, config.init_players, config.init_parts, NARROWED_BY
    )


def _require_encoder(parts: Parts, choice: Choice, pretrained: Pretrained) -> None:
    """Refuse an encoder of another architecture: some of its arrays have names and shapes alike."""
    here, there = parts.config.generator.architecture, pretrained.discriminator_architecture
    if choice.players == "encoder" and there != here:
        raise choice.refusal(
            f"its discriminator is {there!r}; must be {here!r} with init_players = 'encoder', the "
            "generator's first half"
        )


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


def _described(parts: Parts, pretrained: Pretrained, plans: dict[str, Plan]) -> list[str]:
    """What a run starts from, in lines for a person."""
    config = parts.config

    def listed(kind: str) -> list[str]:
        return [
            name
            for player in PLAYERS
            for name in carried.groups(player, plans[player]._asdict(), kind)
        ]

    of_generator = plans["generator"].loaded and config.init_players != "encoder"
    averaged = pretrained.averaged and of_generator
    average = ", the generator's average" if averaged else ""
    lines = [
        f"from {config.init_from} after {pretrained.nimg:,} images{average}: "
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
