"""What a fresh run starts from: another run's weights, and which of them."""

from typing import Any, Literal

from cgan.config.checks import only_defaults, require

Players = Literal["both", "generator", "discriminator"]
InitPlayers = Literal[Players, "encoder"]
"""Players that start from another run's; of `encoder` D's trunk there is G's first half here."""
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
        for name, without in (
            ("init_players", ("generator", "encoder")),
            ("init_parts", ("head",)),
        ):
            chosen = getattr(config, name)
            expected = f"0 with {name} = {chosen!r}, which takes no layers to be frozen"
            taken = chosen not in without
            require(taken, "init_frozen", config.init_frozen, expected)
    if config.init_players == "encoder":
        expected = "'all' or 'trunk' with init_players = 'encoder', which takes a trunk"
        require(config.init_parts != "head", "init_parts", config.init_parts, expected)
        expected = "a generator that translates with init_players = 'encoder': 'resnet' or 'unet'"
        name = "generator.architecture"
        require(config.generator.translates, name, config.generator.architecture, expected)
