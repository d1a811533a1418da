"""Both players of a pair in PyTorch, by the architectures that its experiment names."""

from collections.abc import Callable
from typing import Any

from torch import nn

from benchmarks.pairs import Pair
from benchmarks.torch_peer import networks, r3gan, sngan
from benchmarks.torch_peer.networks import Tree
from cgan.config import Discriminator, Generator
from cgan.kinds import POINT

Shape = tuple[int, ...]


def generator(pair: Pair, tree: Tree) -> nn.Module:
    """The pair's generator with the weights of ours."""
    settings = pair.config.generator
    return _GENERATORS[_kind(pair, settings)](settings, pair.source.sample_shape, tree)


def discriminator(pair: Pair, tree: Tree) -> nn.Module:
    """The pair's discriminator with the weights of ours."""
    settings = pair.config.discriminator
    return _DISCRIMINATORS[_kind(pair, settings)](settings, pair.source.sample_shape, tree)


def _kind(pair: Pair, settings: Generator | Discriminator) -> str:
    return "points" if pair.source.kind == POINT else settings.architecture


def _fourier(settings: Any, shape: Shape) -> networks.FourierFeatures:
    (dimensions,) = shape
    return networks.fourier(dimensions, settings.fourier_features, settings.max_frequency)


_GENERATORS: dict[str, Callable[[Generator, Any, Tree], nn.Module]] = {
    "points": lambda of, shape, tree: networks.PointsGenerator(tree, _fourier(of, shape)),
    "mlp": lambda of, shape, tree: networks.MLPGenerator(tree, shape),
    "conv": lambda of, shape, tree: networks.ConvGenerator(tree, shape, of.depth),
    "sngan": lambda of, shape, tree: sngan.SNGANGenerator(tree, shape, of.group_size),
    "r3gan": lambda of, shape, tree: r3gan.R3GANGenerator(tree, shape[0], of),
}
_DISCRIMINATORS: dict[str, Callable[[Discriminator, Any, Tree], nn.Module]] = {
    "points": lambda of, shape, tree: networks.MLPDiscriminator(tree, _fourier(of, shape)),
    "mlp": lambda of, shape, tree: networks.MLPDiscriminator(tree),
    "conv": lambda of, shape, tree: networks.ConvDiscriminator(tree, of.depth),
    "sngan": lambda of, shape, tree: sngan.SNGANDiscriminator(tree, shape),
    "r3gan": lambda of, shape, tree: r3gan.R3GANDiscriminator(tree, shape[0], of),
}
