"""The networks of `cgan.networks.sngan` in PyTorch: no classes, attention or spectral norm."""

import numpy as np
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
from cgan.networks.resample import BASE

EPSILON = 1e-6
"""Epsilon of Flax's group norm, beside the variance."""


def group_norm(of: Tree, group_size: int) -> nn.GroupNorm:
    """A group norm from a gain and a bias `[1, channels]`."""
    channels = np.asarray(of["gain"]).shape[1]
    layer = nn.GroupNorm(channels // group_size, channels, eps=EPSILON)
    layer.weight.data, layer.bias.data = tensor(of["gain"][0]), tensor(of["bias"][0])
    return layer


class UpBlock(nn.Module):
    """SNGAN's residual block that doubles the sides."""

    def __init__(self, tree: Tree, group_size: int) -> None:
        super().__init__()
        weights = Weights(tree)
        self.norms = nn.ModuleList(
            group_norm(weights.next("ClassNorm"), group_size) for _ in range(2)
        )
        self.convolutions = nn.ModuleList(convolution(weights.next("Conv3x3")) for _ in range(2))
        self.shortcut = pointwise(weights.next("Dense"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.interpolate(F.relu(self.norms[0](x)), scale_factor=2)
        y = self.convolutions[1](F.relu(self.norms[1](self.convolutions[0](y))))
        return y + F.interpolate(self.shortcut(x), scale_factor=2)


class SNGANGenerator(nn.Module):
    """SNGAN's generator: blocks that double the sides."""

    def __init__(self, tree: Tree, sample_shape: tuple[int, int, int], group_size: int) -> None:
        super().__init__()
        weights = Weights(tree)
        self.first = linear(weights.next("Dense"))
        doublings = (sample_shape[0] // BASE).bit_length() - 1
        self.blocks = nn.ModuleList(
            UpBlock(weights.next("UpBlock"), group_size) for _ in range(doublings)
        )
        self.norm = group_norm(weights.next("ClassNorm"), group_size)
        self.last = convolution(weights.next("Conv3x3"))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.first(z).view(len(z), BASE, BASE, -1).permute(0, 3, 1, 2)
        for block in self.blocks:
            x = block(x)
        return torch.tanh(self.last(F.relu(self.norm(x))))


class DownBlock(nn.Module):
    """SNGAN's residual block: ReLU (but in the first block), 3x3, ReLU, 3x3, beside a 1x1."""

    def __init__(self, weights: Weights, first: bool) -> None:
        super().__init__()
        self.first = first
        self.convolutions = nn.ModuleList(convolution(weights.next("Conv3x3")) for _ in range(2))
        self.shortcut = pointwise(weights.next("Dense"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        start = x if self.first else F.relu(x)
        y = self.convolutions[1](F.relu(self.convolutions[0](start)))
        return y + self.shortcut(x)


class SNGANDiscriminator(nn.Module):
    """SNGAN's discriminator: blocks, means of four pixels between them, then a sum over pixels."""

    def __init__(self, tree: Tree, sample_shape: tuple[int, int, int]) -> None:
        super().__init__()
        weights, blocks = Weights(tree), (sample_shape[0] // BASE).bit_length()
        self.blocks = nn.ModuleList(DownBlock(weights, number == 0) for number in range(blocks))
        self.score = linear(tree["score"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for number, block in enumerate(self.blocks):
            x = block(F.avg_pool2d(x, 2) if number else x)
        return score(self.score, F.relu(x).sum((2, 3)))
