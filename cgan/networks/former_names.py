"""What parameters were called before trunks and heads named them.

They had the names that Flax gave: the class of each layer and its number in its network. Flax also
draws a parameter's start from a key made of its name. So the former names stay in two uses: a seed
gives the networks that it always gave, and checkpoints with former names are read. A layer added
since has none, and needs none.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import flax.linen as nn

from cgan.config import Discriminator, Generator
from cgan.networks.heads import HeadSpec
from cgan.networks.resample import sides, widths

Names = dict[str, str]
"""From the path of a module, such as `trunk/level_1/conv`, to the one that it had."""
Layers = Iterable[tuple[str, str]]
"""Paths of layers with their classes, in the order in which a network makes them."""
PARTS = {"trunk", "head"}
"""First names in the path of a parameter; what stands before them in an array's is Adam's, say."""


class FormerNames(NamedTuple):
    """The former names of both players' modules; empty where there were none."""

    generator: Names
    discriminator: Names

    def of_path(self, player: str, path: str) -> str:
        """What a parameter was called: the name of the innermost module with one, and the rest."""
        return former_path(getattr(self, player), path)

    def of_array(self, name: str) -> str:
        """The former name of an array of a training state, such as `generator_ema/trunk/...`."""
        player = "generator" if name.startswith("generator") else "discriminator"
        parts = name.split("/")
        begin = next((at for at, part in enumerate(parts) if part in PARTS), len(parts))
        if begin == len(parts):
            return name
        return "/".join([*parts[:begin], self.of_path(player, "/".join(parts[begin:]))])


NO_FORMER_NAMES = FormerNames({}, {})


def former_path(names: Names, path: str) -> str:
    """The former path of a module or parameter; the path itself where it had no other."""
    parts = path.split("/")
    for end in range(len(parts), 0, -1):
        former = names.get("/".join(parts[:end]))
        if former is not None:
            return "/".join([*filter(None, [former]), *parts[end:]])
    return path


@contextmanager
def keyed_by(names: Names) -> Iterator[None]:
    """Modules draw their parameters' starts from the keys of their former names in here."""

    def with_former_key(call: Any, arguments: Any, keywords: Any, context: Any) -> Any:
        scope = context.module.scope
        if "params" in scope.rngs:
            former = former_path(names, "/".join(scope.path))
            suffix = tuple(filter(None, former.split("/")))
            scope.rngs["params"] = scope.rngs["params"].replace(suffix=suffix)
        return call(*arguments, **keywords)

    with nn.intercept_methods(with_former_key):
        yield


def of(
    generator: Generator,
    discriminator: Discriminator,
    heads: HeadSpec,
    sample_shape: tuple[int, ...],
) -> FormerNames:
    """The former names of the networks that a pair of settings describes.

    Args:
        generator: settings of the one.
        discriminator: settings of the other.
        heads: the discriminator's.
        sample_shape: of the samples.
    """
    return FormerNames(
        _generator(generator, sample_shape), _discriminator(discriminator, heads, sample_shape)
    )


def _generator(player: Generator, sample_shape: tuple[int, ...]) -> Names:
    match player.architecture:
        case "mlp":
            layers = [*_hidden(player.depth), ("head/out", "Dense")]
        case "conv":
            layers = [("trunk/start", "Dense"), *_doublings(player.depth), ("head/out", "Conv3x3")]
        case "r3gan":
            coarse_to_fine = [*widths(sample_shape[0], player.width, player.max_width).values()]
            layers = [
                ("trunk/weights", "Pointwise"),
                *_levels_of_r3gan(coarse_to_fine[::-1], coarse_to_fine[-1], player.depth),
                ("head/out", "Pointwise"),
            ]
        case "sngan":
            return _sngan_generator(sample_shape)
        case "stylegan2":
            return _stylegan2_generator(sample_shape, player.depth)
        case _:
            return {}
    return _roots() | _numbered(layers)


def _discriminator(player: Discriminator, spec: HeadSpec, sample_shape: tuple[int, ...]) -> Names:
    of_sides = [*widths(sample_shape[0], player.width, player.max_width)]
    match player.architecture:
        case "mlp":
            layers = [*_hidden(player.depth)]
        case "conv":
            layers = [("trunk/stem", "Conv3x3"), *_halvings(player.depth)]
        case "r3gan":
            fine_to_coarse = [*widths(sample_shape[0], player.width, player.max_width).values()]
            layers = [
                ("trunk/stem", "Pointwise"),
                *_levels_of_r3gan(fine_to_coarse, player.width, player.depth),
                ("trunk/mix", "Pointwise"),
            ]
        case "sngan":
            layers = [*_blocks_of_sngan(len(of_sides))]
        case "stylegan2":
            layers = [*_layers_of_stylegan2(len(of_sides) - 1)]
        case _:
            return {}
    names = _roots() | _numbered(layers)
    if player.architecture == "sngan":
        names |= _attention(player.spectral_norm)
    if player.spectral_norm:
        heads = ["score"] if spec.score else []
        heads += ["class_vectors"] if heads and spec.classes else []
        heads += ["embedding"] if spec.dimensions else []
        normed = [path for path, _ in layers] + [f"head/{head}" for head in heads]
        names |= _norms("", normed, names)
    return names


def _roots() -> Names:
    """Parameters of trunks and heads themselves had no module."""
    return {"trunk": "", "head": ""}


def _numbered(layers: Layers) -> Names:
    """Flax's names: the class, and how many of it the network had made before."""
    count: Counter[str] = Counter()
    names = {}
    for path, kind in layers:
        names[path] = f"{kind}_{count[kind]}"
        count[kind] += 1
        names |= {f"{path}/{inner}": f"{names[path]}/{own}" for inner, own in INNER.get(kind, ())}
    return names


def _norms(outer: str, normed: Iterable[str], names: Names) -> Names:
    """Spectral norms of these layers, whose stats had the layer's name behind the norm's."""
    found = {}
    for number, path in enumerate(normed):
        layer = path.rpartition("/")[2]
        former = former_path(names, path).removeprefix(outer)
        found[f"{path}_norm"] = f"{outer}SpectralNorm_{number}"
        found[f"{path}_norm/{layer}"] = f"{outer}SpectralNorm_{number}/{former}"
    return found


INNER: dict[str, tuple[tuple[str, str], ...]] = {
    "Block": (
        ("expand", "Pointwise_0"),
        ("expanded", "BiasedActivation_0"),
        ("grouped", "Grouped_0"),
        ("convolved", "BiasedActivation_1"),
        ("reduce", "Pointwise_1"),
    ),
    "UpBlock": (
        ("norm_0", "ClassNorm_0"),
        ("conv_0", "Conv3x3_0"),
        ("norm_1", "ClassNorm_1"),
        ("conv_1", "Conv3x3_1"),
        ("skip", "Dense_0"),
    ),
    "SelfAttention": (
        ("query", "Pointwise_0"),
        ("key", "Pointwise_1"),
        ("value", "Pointwise_2"),
        ("out", "Pointwise_3"),
    ),
    "ToRGB": (("out", "ScaledDense_0"),),
}
"""What a layer is made of, with the former names, by the class of the layer."""


def _hidden(depth: int) -> Layers:
    return [(f"trunk/layer_{number}", "Dense") for number in range(depth)]


def _doublings(depth: int) -> Iterator[tuple[str, str]]:
    for level in range(1, depth + 1):
        yield f"trunk/level_{level}/up", "Dense"
        yield f"trunk/level_{level}/conv", "Conv3x3"


def _halvings(depth: int) -> Iterator[tuple[str, str]]:
    for level in range(1, depth + 1):
        yield f"trunk/level_{level}/conv", "Conv3x3"
        yield f"trunk/level_{level}/down", "Dense"


def _levels_of_r3gan(channels: list[int], before: int, depth: int) -> Iterator[tuple[str, str]]:
    for level, features in enumerate(channels):
        if features != before:
            yield f"trunk/level_{level}/widths", "Pointwise"
        before = features
        for block in range(depth):
            yield f"trunk/level_{level}/block_{block}", "Block"


def _attention(spectral_norm: bool) -> Names:
    names = _numbered([("trunk/attention", "SelfAttention")])
    if spectral_norm:
        normed = [f"trunk/attention/{inner}" for inner, _ in INNER["SelfAttention"]]
        names |= _norms("SelfAttention_0/", normed, names)
    return names


def _sngan_generator(sample_shape: tuple[int, ...]) -> Names:
    levels = len(sides(sample_shape[0]))
    return (
        _roots()
        | _attention(spectral_norm=False)
        | _numbered(
            [
                ("trunk/start", "Dense"),
                *((f"trunk/level_{level}", "UpBlock") for level in range(1, levels)),
                ("head/norm", "ClassNorm"),
                ("head/out", "Conv3x3"),
            ]
        )
    )


def _blocks_of_sngan(levels: int) -> Iterator[tuple[str, str]]:
    for level in range(levels):
        yield f"trunk/level_{level}/conv_0", "Conv3x3"
        yield f"trunk/level_{level}/conv_1", "Conv3x3"
        yield f"trunk/level_{level}/skip", "Dense"


def _stylegan2_generator(sample_shape: tuple[int, ...], depth: int) -> Names:
    layers = [(f"trunk/mapping_{number}", "ScaledDense") for number in range(depth)]
    for level in range(len(sides(sample_shape[0]))):
        if level:
            layers.append((f"trunk/level_{level}/conv_0", "ModulatedConv3x3"))
        layers.append((f"trunk/level_{level}/conv_1", "ModulatedConv3x3"))
        layers.append((f"trunk/rgb_{level}", "ToRGB"))
    return _roots() | _numbered(layers)


def _layers_of_stylegan2(halvings: int) -> Iterator[tuple[str, str]]:
    yield "trunk/stem", "ScaledDense"
    for level in range(1, halvings + 1):
        yield f"trunk/level_{level}/conv_1", "ScaledConv3x3"  # made first, for what comes second
        yield f"trunk/level_{level}/conv_0", "ScaledConv3x3"
        yield f"trunk/level_{level}/skip", "ScaledDense"
    yield "trunk/conv", "ScaledConv3x3"
    yield "trunk/dense", "ScaledDense"
