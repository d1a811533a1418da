"""What a fresh run starts from: another run's weights, and which of them."""

from typing import Any, Literal

from cgan.config.checks import only_defaults, require

InitPlayers = Literal["both", "generator", "discriminator"]
InitParts = Literal["all", "trunk", "head"]


def check_warm_start(config: Any) -> None:
    """Raise a `ConfigError` where an `Experiment` has no run to take players and parts from."""
    if config.init_from is None:
        names, when = ("init_players", "init_parts", "init_frozen"), "where init_from is None"
        only_defaults(config, "", names, when)
        return
    value = str(config.init_from)
    require(value not in ("", "."), "init_from", value, "the folder of a run, or None")
    if config.init_frozen:
        for name, without in (("init_players", "generator"), ("init_parts", "head")):
            expected = f"0 with {name} = {without!r}, which takes no layers to be frozen"
            taken = getattr(config, name) != without
            require(taken, "init_frozen", config.init_frozen, expected)
