"""What one run carries over from another: which of its weights have a place here, by their names.

A run starts from another's weights (`warm_start.py`) or is pulled towards them (`anchors.py`).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from cgan.assemble import Parts
from cgan.config import ConfigError, InitParts, InitPlayers
from cgan.training import pretrained as pretrained_lib
from cgan.training.pretrained import Pretrained

ArrayPath = tuple[str, ...]
"""Path to an array in a player's tree: `("trunk", "level_0", "conv", "kernel")`."""
PLAYERS = ("generator", "discriminator")


class Choice(NamedTuple):
    """A run that a setting names, and what is wanted of it."""

    setting: str
    """Name of the setting, such as `init_from`."""
    root: Path
    players: InitPlayers
    parts: InitParts
    narrowed_by: tuple[str, str]
    """Names of the settings that say which players and parts."""

    def wants(self, player: str, path: ArrayPath) -> bool:
        """Whether this array of a player is asked for."""
        if self.players == "encoder":
            return player == "generator" and path[0] == "trunk"
        return self.players in ("both", player) and self.parts in ("all", path[0])

    def taken_from(self, name: str) -> str:
        """The field of the other run's networks that has what this field of the state takes."""
        return "discriminator" if (self.players, name) == ("encoder", "generator") else name

    def refusal(self, reason: str) -> ConfigError:
        """An error about this run, to be raised."""
        return ConfigError(f"{self.setting} = {str(self.root)!r}: {reason}")


class Plan(NamedTuple):
    """What becomes of one player's arrays."""

    loaded: dict[ArrayPath, np.ndarray]
    fresh: list[ArrayPath]
    left: list[ArrayPath]
    """What the other run has and this one has not."""


class Runs:
    """Other runs on disk, each read once, however many settings name it."""

    def __init__(self) -> None:
        self._known: dict[Path, Pretrained] = {}

    def read(self, choice: Choice) -> Pretrained:
        """Read the newest checkpoint of the run that is named.

        Raises:
            ConfigError: it is no run, or has no checkpoint or no networks.
        """
        if choice.root not in self._known:
            try:
                self._known[choice.root] = pretrained_lib.read(choice.root)
            except ConfigError as error:
                raise choice.refusal(str(error)) from None
        return self._known[choice.root]


def plans_of(choice: Choice, parts: Parts, pretrained: Pretrained) -> dict[str, Plan]:
    """What becomes of both players' parameters.

    Raises:
        ConfigError: an array of one name is of another shape there, or nothing is shared.
    """
    form = parts.abstract_state()
    plans = {
        player: plan_of(choice, player, getattr(form, player), pretrained) for player in PLAYERS
    }
    if not any(plan.loaded for plan in plans.values()):
        config = parts.config
        here = pretrained_lib.named(
            config.generator.architecture, config.discriminator.architecture
        )
        players, chosen = choice.narrowed_by
        raise choice.refusal(
            f"nothing there has a place here: its networks are {pretrained.architectures}, "
            f"these {here}, with "
            f"{players} = {choice.players!r} and {chosen} = {choice.parts!r}; must be a run that "
            "shares some parameters"
        )
    return plans


def plan_of(choice: Choice, name: str, form: Any, pretrained: Pretrained) -> Plan:
    """What becomes of the arrays of one field of the state.

    Raises:
        ConfigError: an array of one name is of another shape there.
    """
    player = name.removesuffix("_stats")
    here, there = by_path(form), by_path(getattr(pretrained, choice.taken_from(name)))
    wanted = {path for path in here if choice.wants(player, path)}
    for path in sorted(wanted & there.keys(), key=_trunk_first):
        ours, theirs = np.shape(here[path]), np.shape(there[path])
        if ours != theirs:
            raise choice.refusal(
                f"{player} {'/'.join(path)} has the shape {theirs} there, and {ours} in this "
                f"config; must be the same, or be left out by {' or '.join(choice.narrowed_by)}"
            )
    loaded = {path: np.asarray(there[path]) for path in here if path in wanted & there.keys()}
    fresh = [path for path in here if path not in loaded]
    left = [path for path in there if path not in here and choice.wants(player, path)]
    return Plan(loaded, fresh, left)


def by_path(tree: Any) -> dict[ArrayPath, Any]:
    """The arrays of a player's tree by their paths."""
    return {
        tuple(str(entry.key) for entry in path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def replaced(tree: Any, arrays: Mapping[ArrayPath, Any]) -> Any:
    """The tree with other arrays at these paths."""
    leaves = [arrays.get(path, leaf) for path, leaf in by_path(tree).items()]
    return jax.tree.unflatten(jax.tree.structure(tree), leaves)


def groups(player: str, of_kinds: Mapping[str, Iterable[ArrayPath]], which: str) -> list[str]:
    """The arrays of one kind, by the largest groups that are of one kind alone.

    Args:
        player: whose arrays they are.
        of_kinds: all its arrays, by what becomes of them.
        which: the kind that is asked for.
    """
    kinds = {path: kind for kind, paths in of_kinds.items() for path in paths}
    found: dict[str, None] = {}
    of_kind = (path for path, kind in kinds.items() if kind == which)
    for path in sorted(of_kind, key=_trunk_first):
        for depth in range(1, len(path) + 1):
            group = path[:depth]
            if {kind for other, kind in kinds.items() if other[:depth] == group} == {which}:
                found[f"{player} {'/'.join(group)}"] = None
                break
    return list(found)


def _trunk_first(path: ArrayPath) -> tuple[bool, ArrayPath]:
    return path[0] == "head", path
