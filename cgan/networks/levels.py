"""The levels of a discriminator's trunk, lowest first: taps, and the parameters that make them."""

from typing import NamedTuple

from cgan.config import TRANSLATORS, Discriminator, NetworkName
from cgan.networks.resample import sides
from cgan.networks.translators import encoder_blocks, encoder_halvings


class Level(NamedTuple):
    """One level: from the maps below, or the samples, to those of its tap."""

    tap: str
    groups: tuple[str, ...]
    """Names of the trunk's parameters that this level adds: `stem` in `trunk/stem/kernel`."""


Levels = tuple[Level, ...]


def levels_of(config: Discriminator, sample_shape: tuple[int, ...]) -> Levels:
    """The levels of the discriminator that the settings describe, for samples of this shape."""
    architecture = config.architecture
    if architecture == "mlp":
        names = [f"layer_{number}" for number in range(config.depth)]
        return tuple(Level(name, (name,)) for name in names)
    if architecture in ("conv", "conv1d"):
        names = [f"level_{number}" for number in range(1, config.depth + 1)]
        names += ["hidden"] if architecture == "conv" and config.hidden_units else []
        return Level("level_0", ("stem",)), *(Level(name, (name,)) for name in names)
    if architecture in TRANSLATORS:
        return _of_encoder(architecture, sample_shape)
    at = sides(sample_shape[0])
    levels = [Level(f"level_{number}", (f"level_{number}",)) for number in range(len(at))]
    if architecture == "sngan":
        return tuple(
            level._replace(groups=("attention", *level.groups))
            if number and side == config.attention
            else level
            for number, (side, level) in enumerate(zip(at, levels, strict=True))
        )
    below = ("stem",) if architecture == "stylegan2" else ("stem", "level_0")
    return levels[0]._replace(groups=below), *levels[1:]


def _of_encoder(architecture: NetworkName, sample_shape: tuple[int, ...]) -> Levels:
    """The resolutions on the way down, and of `resnet` blocks up to each of two taps."""
    resolutions = encoder_halvings(architecture, sample_shape) + 1
    levels = [Level(f"level_{number}", (f"level_{number}",)) for number in range(resolutions)]
    if architecture == "resnet":
        for blocks in encoder_blocks(sample_shape):
            groups = tuple(f"block_{number}" for number in blocks)
            levels.append(Level(f"level_{len(levels)}", groups))
    return tuple(levels)
