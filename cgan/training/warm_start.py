"""A fresh run that starts from the weights of another: `--init-from RUN`.

Parameters are taken by their names. Those that the other run has not start afresh, and those of it
that this one has not are left there; so runs of other architectures, resolutions or heads give what
they share. Of the generator it is the average, which samples are drawn with, and of the
discriminator its weights and the stats of their spectral norms. Optimizers, a learnt temperature
and an adaptive augmentation always start afresh.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from cgan.assemble import Parts
from cgan.config import ConfigError, Experiment
from cgan.state import TrainState
from cgan.system.cache import note
from cgan.training.donors import Donor, read_donor

Path = tuple[str, ...]
"""Path to an array in a player's tree: `("trunk", "level_0", "conv", "kernel")`."""
PLAYERS = ("generator", "discriminator")


class Plan(NamedTuple):
    """What becomes of one player's arrays."""

    loaded: dict[Path, np.ndarray]
    fresh: list[Path]
    left: list[Path]
    """What the other run has and this one has not."""


def check(parts: Parts) -> None:
    """Refuse to start from a run that is not there, or whose arrays do not fit.

    Raises:
        ConfigError: naming the run, or the parameter and its shape here and there.
    """
    if parts.config.init_from is not None:
        _plans(parts, _donor(parts.config))


def begin(parts: Parts, state: TrainState) -> TrainState:
    """The state before step 0 of a run that starts from another; as it is, without one.

    Says what was loaded and what starts afresh.

    Args:
        parts: of the run.
        state: as its seed has it, on the host.

    Raises:
        ConfigError: as for `check`.
    """
    if parts.config.init_from is None:
        return state
    donor = _donor(parts.config)
    plans = _plans(parts, donor)
    for line in _described(parts.config, donor, plans):
        note(line)
    generator = _replaced(state.generator, plans["generator"])
    stats = _plan(parts.config, "discriminator_stats", state.discriminator_stats, donor)
    return state._replace(
        generator=generator,
        generator_ema=jax.tree.map(np.copy, generator),
        discriminator=_replaced(state.discriminator, plans["discriminator"]),
        discriminator_stats=_replaced(state.discriminator_stats, stats),
    )


def _described(config: Experiment, donor: Donor, plans: dict[str, Plan]) -> list[str]:
    """What a run starts from, in lines for a person."""
    loaded = [name for player in PLAYERS for name in _groups(player, plans[player], "loaded")]
    fresh = [name for player in PLAYERS for name in _groups(player, plans[player], "fresh")]
    left = [name for player in PLAYERS for name in _groups(player, plans[player], "left")]
    averaged = donor.averaged and plans["generator"].loaded
    average = ", the generator's average" if averaged else ""
    lines = [
        f"from {config.init_from} after {donor.nimg:,} images{average}: {', '.join(loaded)}",
        f"starting afresh: {', '.join([*fresh, 'optimizers'])}",
    ]
    return lines + ([f"left in {config.init_from}: {', '.join(left)}"] if left else [])


def _donor(config: Experiment) -> Donor:
    assert config.init_from is not None
    try:
        return read_donor(config.init_from)
    except ConfigError as error:
        raise ConfigError(f"init_from = {str(config.init_from)!r}: {error}") from None


def _plans(parts: Parts, donor: Donor) -> dict[str, Plan]:
    """What becomes of both players' parameters."""
    config, form = parts.config, parts.abstract_state()
    plans = {player: _plan(config, player, getattr(form, player), donor) for player in PLAYERS}
    _plan(config, "discriminator_stats", form.discriminator_stats, donor)
    if not any(plan.loaded for plan in plans.values()):
        players = (config.generator, config.discriminator)
        here = " and ".join(repr(player.architecture) for player in players)
        raise ConfigError(
            f"init_from = {str(config.init_from)!r}: nothing there has a place here: its networks "
            f"are {donor.architectures}, these {here}, with init_players = "
            f"{config.init_players!r} and init_parts = {config.init_parts!r}; must be a run that "
            "shares some parameters"
        )
    return plans


def _plan(config: Experiment, name: str, form: Any, donor: Donor) -> Plan:
    """What becomes of the arrays of one field of the state.

    Raises:
        ConfigError: an array of one name is of another shape there.
    """
    player = name.removesuffix("_stats")
    here, there = _by_path(form), _by_path(getattr(donor, name))
    wanted = {path for path in here if _asked_for(config, player, path)}
    for path in sorted(wanted & there.keys(), key=_trunk_first):
        ours, theirs = np.shape(here[path]), np.shape(there[path])
        if ours != theirs:
            raise ConfigError(
                f"init_from = {str(config.init_from)!r}: {player} {'/'.join(path)} has the shape "
                f"{theirs} there, and {ours} in this config; must be the same, or be left out by "
                "init_players or init_parts"
            )
    loaded = {path: np.asarray(there[path]) for path in here if path in wanted & there.keys()}
    fresh = [path for path in here if path not in loaded]
    left = [path for path in there if path not in here and _asked_for(config, player, path)]
    return Plan(loaded, fresh, left)


def _asked_for(config: Experiment, player: str, path: Path) -> bool:
    return config.init_players in ("both", player) and config.init_parts in ("all", path[0])


def _by_path(tree: Any) -> dict[Path, Any]:
    return {
        tuple(str(entry.key) for entry in path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _replaced(tree: Any, plan: Plan) -> Any:
    """The tree with the arrays that were loaded."""
    leaves = [plan.loaded.get(path, leaf) for path, leaf in _by_path(tree).items()]
    return jax.tree.unflatten(jax.tree.structure(tree), leaves)


def _trunk_first(path: Path) -> tuple[bool, Path]:
    return path[0] == "head", path


def _groups(player: str, plan: Plan, which: str) -> list[str]:
    """The arrays of one kind, by the largest groups that are of one kind alone."""
    kinds = dict.fromkeys(plan.loaded, "loaded")
    kinds |= dict.fromkeys(plan.fresh, "fresh") | dict.fromkeys(plan.left, "left")
    found: dict[str, None] = {}
    of_kind = (path for path, kind in kinds.items() if kind == which)
    for path in sorted(of_kind, key=_trunk_first):
        for depth in range(1, len(path) + 1):
            group = path[:depth]
            if {kind for other, kind in kinds.items() if other[:depth] == group} == {which}:
                found[f"{player} {'/'.join(group)}"] = None
                break
    return list(found)
