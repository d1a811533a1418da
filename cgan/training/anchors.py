"""A run whose weights are pulled towards those of others: `--prior.pre RUN --prior.mu 100`.

What is pulled are the parameters that both runs have by one name. Their weights are read once,
before step 0, into the run's own state: it goes on without the other runs, whatever becomes of
them.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax

from cgan.assemble import Parts
from cgan.config import Prior, require
from cgan.prior import Anchor, Term, anchor
from cgan.state import TrainState
from cgan.system.cache import note
from cgan.training import carried
from cgan.training.carried import PLAYERS, ArrayPath, Choice, Plan, Runs
from cgan.training.pretrained import Pretrained

NARROWED_BY = ("prior.players", "prior.parts")


class Pull(NamedTuple):
    """One run to be pulled towards, and how strongly."""

    choice: Choice
    samples: float
    """Strength: how many training samples the pull weighs as much as."""


class Read(NamedTuple):
    """A run that was read, and what of this one it pulls."""

    pull: Pull
    pretrained: Pretrained
    plans: dict[str, Plan]


def read(parts: Parts, runs: Runs) -> list[Read]:
    """Read the runs of the prior and hold them against this one; none where it is off.

    Raises:
        ConfigError: naming the run, the parameter and its shape here and there, or a strength that
            would pull further than there.
    """
    if parts.config.prior.is_off:
        return []
    _check_strength(parts)
    found = []
    for pull in _pulls(parts.config.prior):
        pretrained = runs.read(pull.choice)
        _check_kind(pull.choice, parts, pretrained)
        plans = carried.plans_of(pull.choice, parts, pretrained)
        found.append(Read(pull, pretrained, _without_frozen(parts, plans)))
    return found


def begin(parts: Parts, state: TrainState, found: list[Read]) -> TrainState:
    """The state before step 0, with what its weights are pulled towards; says what that is.

    Args:
        parts: of the run.
        state: as its seed or another run has it, on the host.
        found: the runs that pull, as they were read.
    """
    for line in _described(parts, found):
        note(line)
    n = len(parts.source)
    return state._replace(
        prior={player: _anchor(state, player, found, n) for player in state.prior}
    )


def _pulls(prior: Prior) -> list[Pull]:
    return [
        Pull(Choice(setting, root, prior.players, prior.parts, NARROWED_BY), samples)
        for setting, root, samples in (
            ("prior.pre", prior.pre, prior.mu),
            ("prior.par", prior.par, prior.lam),
        )
        if root is not None
    ]


def _without_frozen(parts: Parts, plans: dict[str, Plan]) -> dict[str, Plan]:
    """The plans without the layers that are frozen: nothing moves those."""
    frozen = parts.networks.frozen_groups(parts.config.init_frozen)
    plan = plans["discriminator"]
    free = {
        path: array
        for path, array in plan.loaded.items()
        if not (path[0] == "trunk" and path[1] in frozen)
    }
    still = [path for path in plan.loaded if path not in free]
    return plans | {"discriminator": plan._replace(loaded=free, fresh=[*plan.fresh, *still])}


def _check_kind(choice: Choice, parts: Parts, pretrained: Pretrained) -> None:
    there, here = pretrained.kind, parts.source.kind
    if there != here:
        raise choice.refusal(
            f"learnt {there.plural}, and this run learns {here.plural}; must be a run on "
            f"{here.plural}"
        )


def _check_strength(parts: Parts) -> None:
    """Refuse a decoupled pull that would carry weights past what they are pulled towards."""
    config, prior, n = parts.config, parts.config.prior, len(parts.source)
    if not prior.decoupled:
        return
    name = "mu" if prior.mu >= prior.lam else "lam"
    least = n / config.optim.lr
    expected = (
        f"such that mu + lam = {prior.mu + prior.lam:g} is below n / optim.lr = {least:g} with "
        "prior.decoupled, or a step would carry weights past the run that they are pulled towards"
    )
    require(prior.mu + prior.lam < least, f"prior.{name}", getattr(prior, name), expected)


def _anchor(state: TrainState, player: str, found: list[Read], n: int) -> Anchor:
    """The runs' weighted mean, array by array, and how strongly it pulls."""
    weights = getattr(state, player)
    terms = []
    for read in found:
        loaded = read.plans[player].loaded
        arrays = [loaded.get(path) for path in carried.by_path(weights)]
        terms.append(
            Term(jax.tree.unflatten(jax.tree.structure(weights), arrays), read.pull.samples)
        )
    return anchor(weights, terms, n)


def _described(parts: Parts, found: list[Read]) -> list[str]:
    """What pulls what, in lines for a person."""
    n = len(parts.source)
    lines = []
    for (choice, samples), pretrained, plans in found:
        loaded = [name for player in PLAYERS for name in _names(plans, player, "loaded")]
        averaged = pretrained.averaged and plans["generator"].loaded
        average = ", the generator's average" if averaged else ""
        lines.append(
            f"pulled by {samples:g} / {n:,} towards {choice.root} after {pretrained.nimg:,} "
            f"images{average}: {', '.join(loaded)}"
        )
    free = {
        player: set.intersection(*(set(read.plans[player].fresh) for read in found))
        for player in PLAYERS
    }
    if any(free.values()):
        names = [name for player in PLAYERS for name in _free(found[0].plans, player, free)]
        lines.append(f"not pulled: {', '.join(names)}")
    return lines


def _names(plans: Mapping[str, Plan], player: str, kind: str) -> list[str]:
    plan = plans[player]
    return carried.groups(player, {"loaded": plan.loaded, "fresh": plan.fresh}, kind)


def _free(plans: Mapping[str, Plan], player: str, free: Mapping[str, set[ArrayPath]]) -> list[str]:
    """The arrays of a player that no run pulls."""
    pulled = {*plans[player].loaded, *plans[player].fresh} - free[player]
    return carried.groups(player, {"pulled": pulled, "free": free[player]}, "free")
