"""The arrays of a state by the names that they had in checkpoints of earlier versions."""

from collections.abc import Iterable

from cgan.networks.former_names import FormerNames

PARTS = {"trunk", "head"}
"""Where the path of a parameter begins in that of an array: behind what of it is Adam's, say."""


def renamed(names: Iterable[str], former: FormerNames) -> dict[str, str]:
    """The names of a state's arrays by those that they had: `generator/Dense_0/kernel`, say.

    Args:
        names: of the arrays, such as `generator_ema/trunk/layer_0/kernel`.
        former: what the parameters of both players were called.
    """
    return {_former(name, former): name for name in names}


def _former(name: str, former: FormerNames) -> str:
    player = "generator" if name.startswith("generator") else "discriminator"
    parts = name.split("/")
    begin = next((at for at, part in enumerate(parts) if part in PARTS), len(parts))
    if begin == len(parts):
        return name
    return "/".join([*parts[:begin], former.of_path(player, "/".join(parts[begin:]))])
