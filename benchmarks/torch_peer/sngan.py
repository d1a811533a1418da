"""The networks of `cgan.networks.sngan` in PyTorch: no classes, attention or spectral norm."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.torch_peer.networks import (
    Tree,
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
        norms = (tree["norm_0"], tree["norm_1"])
        self.norms = nn.ModuleList(group_norm(of, group_size) for of in norms)
        self.convolutions = nn.ModuleList(convolution(tree[f"conv_{at}"]) for at in (0, 1))
        self.shortcut = pointwise(tree["skip"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.interpolate(F.relu(self.norms[0](x)), scale_factor=2)
        y = self.convolutions[1](F.relu(self.norms[1](self.convolutions[0](y))))
        return y + F.interpolate(self.shortcut(x), scale_factor=2)


class SNGANGenerator(nn.Module):
    """SNGAN's generator: blocks that double the sides."""

    def __init__(self, tree: Tree, sample_shape: tuple[int, int, int], group_size: int) -> None:
        super().__init__()
        trunk, head = tree["trunk"], tree["head"]
        self.first = linear(trunk["start"])
        doublings = (sample_shape[0] // BASE).bit_length() - 1
        self.blocks = nn.ModuleList(
            UpBlock(trunk[f"level_{number}"], group_size) for number in range(1, doublings + 1)
        )
        self.norm = group_norm(head["norm"], group_size)
        self.last = convolution(head["out"])

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.first(z).view(len(z), BASE, BASE, -1).permute(0, 3, 1, 2)
        for block in self.blocks:
            x = block(x)
        return torch.tanh(self.last(F.relu(self.norm(x))))


class DownBlock(nn.Module):
    """SNGAN's residual block: ReLU (but in the first block), 3x3, ReLU, 3x3, beside a 1x1."""

    def __init__(self, tree: Tree, first: bool) -> None:
        super().__init__()
        self.first = first
        self.convolutions = nn.ModuleList(convolution(tree[f"conv_{at}"]) for at in (0, 1))
        self.shortcut = pointwise(tree["skip"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        start = x if self.first else F.relu(x)
        y = self.convolutions[1](F.relu(self.convolutions[0](start)))
        return y + self.shortcut(x)


class SNGANDiscriminator(nn.Module):
    """SNGAN's discriminator: blocks, means of four pixels between them, then a sum over pixels."""

    def __init__(self, tree: Tree, sample_shape: tuple[int, int, int]) -> None:
        super().__init__()
        trunk, blocks = tree["trunk"], (sample_shape[0] // BASE).bit_length()
        self.blocks = nn.ModuleList(
            DownBlock(trunk[f"level_{number}"], number == 0) for number in range(blocks)
        )
        self.score = linear(tree["head"]["score"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for number, block in enumerate(self.blocks):
            x = block(F.avg_pool2d(x, 2) if number else x)
        return score(self.score, F.relu(x).sum((2, 3)))
