"""The networks of `cgan.networks.r3gan` in PyTorch, without classes."""

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.torch_peer.networks import (
    Tree,
    Weights,
    convolution,
    linear,
    pointwise,
    score,
    tensor,
)
from cgan.config import Discriminator, Generator
from cgan.networks.layers import LEAK
from cgan.networks.resample import BASE, LINEAR, widths


def bilinear(channels: int) -> torch.Tensor:
    """The [1, 2, 1] filter for each channel by itself, normalised to the sum 1."""
    taps = torch.tensor(LINEAR, dtype=torch.float32) / sum(LINEAR)
    return torch.outer(taps, taps).repeat(channels, 1, 1, 1)


class Resampled(nn.Module):
    """Maps at twice or half their sides, blurred with the bilinear filter."""

    def __init__(self, channels: int, double: bool) -> None:
        super().__init__()
        self.double = double
        self.register_buffer("filter", bilinear(channels) * (4 if double else 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        channels = x.shape[1]
        if self.double:
            return F.conv_transpose2d(
                x, self.filter, stride=2, padding=1, output_padding=1, groups=channels
            )
        return F.conv2d(F.pad(x, (1, 0, 1, 0)), self.filter, stride=2, groups=channels)


class Block(nn.Module):
    """A residual block of R3GAN."""

    def __init__(self, tree: Tree, group_size: int) -> None:
        super().__init__()
        inner = tree["Pointwise_1"]["kernel"].shape[0]
        self.wider = pointwise({**tree["Pointwise_0"], **tree["BiasedActivation_0"]})
        grouped = {**tree["Grouped_0"], **tree["BiasedActivation_1"]}
        self.grouped = convolution(grouped, inner // group_size)
        self.narrower = pointwise(tree["Pointwise_1"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.leaky_relu(self.wider(x), LEAK)
        return x + self.narrower(F.leaky_relu(self.grouped(y), LEAK))


def stages(
    weights: Weights, side: int, settings: Generator | Discriminator, double: bool
) -> nn.Sequential:
    """Changes of resolution and width between residual blocks; wider or narrower as ours."""
    channels = list(widths(side, settings.width, settings.max_width).values())
    if double:
        channels.reverse()
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(zip([channels[0], *channels], channels, strict=False)):
        change = [] if before == after else [pointwise(weights.next("Pointwise"))]
        if double:
            layers += [*change, *([Resampled(after, True)] if number else [])]
        else:
            layers += [*([Resampled(before, False)] if number else []), *change]
        blocks = (weights.next("Block") for _ in range(settings.depth))
        layers += [Block(block, settings.group_size) for block in blocks]
    return nn.Sequential(*layers)


class R3GANGenerator(nn.Module):
    """R3GAN's generator: a weighted basis, then stages that double the sides."""

    def __init__(self, tree: Tree, side: int, settings: Generator) -> None:
        super().__init__()
        weights = Weights(tree)
        self.basis = nn.Parameter(tensor(tree["basis"]).permute(2, 0, 1).contiguous())
        self.weigh = linear(weights.next("Pointwise"))
        self.stages = stages(weights, side, settings, double=True)
        self.last = pointwise(weights.next("Pointwise"))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.last(self.stages(self.basis * self.weigh(z)[:, :, None, None]))


class R3GANDiscriminator(nn.Module):
    """R3GAN's discriminator: stages that halve the sides, then a 4x4 filter for each channel."""

    def __init__(self, tree: Tree, side: int, settings: Discriminator) -> None:
        super().__init__()
        weights = Weights(tree)
        self.first = pointwise(weights.next("Pointwise"))
        self.stages = stages(weights, side, settings, double=False)
        self.filters = nn.Parameter(tensor(tree["filters"]).permute(2, 0, 1).contiguous())
        self.score = linear(tree["score"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.stages(self.first(x))
        assert maps.shape[-1] == BASE
        return score(self.score, (maps * self.filters).sum((2, 3)))
