"""The project's networks as a PyTorch user would write them: channels first, torch's own layers.

Weights are read from the trees of ours, so both compute the same function of the same numbers;
`benchmarks/versus_torch.py` holds that they do before it times anything.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from cgan.networks import layers
from cgan.networks.layers import LEAK

Tree = Mapping[str, Any]
"""Flax's parameters of one network, as NumPy arrays."""


def tensor(values: Any) -> torch.Tensor:
    """Copy an array into a PyTorch tensor."""
    return torch.tensor(np.asarray(values))


def linear(of: Tree) -> nn.Linear:
    """A linear layer from a kernel `[inputs, outputs]`, with or without a bias."""
    inputs, outputs = of["kernel"].shape
    layer = nn.Linear(inputs, outputs, bias="bias" in of)
    layer.weight.data = tensor(of["kernel"].T)
    if "bias" in of:
        layer.bias.data = tensor(of["bias"])
    return layer


def computing_in(precision: str, device: str) -> torch.autocast:
    """A context that computes products in bfloat16, if that is the precision.

    Each pass has one of its own: weights that one has cast without gradients have none in the next.
    """
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")


def score(head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
    """Apply the score head in float32, whatever the layers before it compute in."""
    with torch.autocast(features.device.type, enabled=False):
        return head(features.float())[:, 0]


def pointwise(of: Tree) -> nn.Conv2d:
    """A 1x1 convolution from a kernel `[inputs, outputs]`, with or without a bias."""
    inputs, outputs = of["kernel"].shape
    layer = nn.Conv2d(inputs, outputs, 1, bias="bias" in of)
    layer.weight.data = tensor(of["kernel"].T)[:, :, None, None]
    if "bias" in of:
        layer.bias.data = tensor(of["bias"])
    return layer


def convolution(of: Tree, groups: int = 1) -> nn.Conv2d:
    """A 3x3 convolution from a kernel `[9 inputs / groups, outputs]`."""
    rows, outputs = of["kernel"].shape
    inputs = rows // 9
    layer = nn.Conv2d(inputs * groups, outputs, 3, padding=1, groups=groups, bias="bias" in of)
    kernel = tensor(of["kernel"]).reshape(3, 3, inputs, outputs)
    layer.weight.data = kernel.permute(3, 2, 0, 1).contiguous()
    if "bias" in of:
        layer.bias.data = tensor(of["bias"])
    return layer


def shuffled(of: Tree) -> nn.Conv2d:
    """A 1x1 convolution before `nn.PixelShuffle`, its outputs in the order that this takes.

    It wants the channel before the place; ours have the place first.
    """
    kernel, bias = np.asarray(of["kernel"]), np.asarray(of["bias"])
    channels = kernel.shape[1] // 4
    order = np.arange(4 * channels).reshape(4, channels).T.ravel()
    return pointwise({"kernel": kernel[:, order], "bias": bias[order]})


def unshuffled(of: Tree) -> nn.Conv2d:
    """A 1x1 convolution that takes what `nn.PixelUnshuffle` returns."""
    kernel = np.asarray(of["kernel"])
    channels = kernel.shape[0] // 4
    order = np.arange(4 * channels).reshape(4, channels).T.ravel()
    return pointwise({"kernel": kernel[order], "bias": of["bias"]})


class FourierFeatures(nn.Module):
    """`cgan.networks.layers.FourierFeatures` as a PyTorch module."""

    def __init__(self, matrix: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        phases = x @ self.matrix
        return torch.cat([x, phases.sin(), phases.cos()], dim=1)


def fourier(inputs: int, count: int, max_frequency: float) -> FourierFeatures:
    """Directions times frequencies `[inputs, count]` of our Fourier features, by slopes at zero."""
    ours = layers.FourierFeatures(count, max_frequency)
    slopes = jax.jacfwd(lambda x: ours.apply({}, x[None])[0])(jnp.zeros(inputs))
    return FourierFeatures(tensor(slopes[inputs : inputs + count].T))


def hidden(tree: Tree) -> list[nn.Linear]:
    """The layers of a perceptron's trunk."""
    return [linear(tree["trunk"][f"layer_{number}"]) for number in range(len(tree["trunk"]))]


class PointsGenerator(nn.Module):
    """The generator of `cgan.networks.mlp` for points: `z + f(z)`."""

    def __init__(self, tree: Tree, features: FourierFeatures) -> None:
        super().__init__()
        self.features = features
        self.layers = nn.ModuleList([*hidden(tree), linear(tree["head"]["out"])])

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.features(z)
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), LEAK)
        return z + self.layers[-1](x)


class MLPGenerator(nn.Module):
    """The generator of `cgan.networks.mlp` for images, without Fourier features and classes."""

    def __init__(self, tree: Tree, sample_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = sample_shape
        self.layers = nn.ModuleList([*hidden(tree), linear(tree["head"]["out"])])

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[:-1]:
            z = F.leaky_relu(layer(z), LEAK)
        height, width, channels = self.shape
        flat = torch.tanh(self.layers[-1](z))
        return flat.view(-1, height, width, channels).permute(0, 3, 1, 2)


class MLPDiscriminator(nn.Module):
    """The discriminator of `cgan.networks.mlp`: scores of images, or of points by features."""

    def __init__(self, tree: Tree, features: FourierFeatures | None = None) -> None:
        super().__init__()
        self.features = features
        self.layers = nn.ModuleList(hidden(tree))
        self.score = linear(tree["head"]["score"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.permute(0, 2, 3, 1).flatten(1) if self.features is None else self.features(x)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), LEAK)
        return score(self.score, x)


class ConvGenerator(nn.Module):
    """The generator of `cgan.networks.conv` without classes."""

    def __init__(self, tree: Tree, sample_shape: tuple[int, int, int], depth: int) -> None:
        super().__init__()
        levels = [tree["trunk"][f"level_{number}"] for number in range(1, depth + 1)]
        self.side = sample_shape[0] >> depth
        self.first = linear(tree["trunk"]["start"])
        self.wider = nn.ModuleList(shuffled(level["up"]) for level in levels)
        self.convolutions = nn.ModuleList(convolution(level["conv"]) for level in levels)
        self.last = convolution(tree["head"]["out"])

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = F.leaky_relu(self.first(z), LEAK)
        x = x.view(len(z), self.side, self.side, -1).permute(0, 3, 1, 2)
        for wider, convolve in zip(self.wider, self.convolutions, strict=True):
            x = F.leaky_relu(F.pixel_shuffle(wider(x), 2), LEAK)
            x = F.leaky_relu(convolve(x), LEAK)
        return torch.tanh(self.last(x))


class ConvDiscriminator(nn.Module):
    """The discriminator of `cgan.networks.conv`: scores, without spectral norm."""

    def __init__(self, tree: Tree, depth: int) -> None:
        super().__init__()
        levels = [tree["trunk"][f"level_{number}"] for number in range(1, depth + 1)]
        self.first = convolution(tree["trunk"]["stem"])
        self.convolutions = nn.ModuleList(convolution(level["conv"]) for level in levels)
        self.coarser = nn.ModuleList(unshuffled(level["down"]) for level in levels)
        self.score = linear(tree["head"]["score"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.leaky_relu(self.first(x), LEAK)
        for convolve, coarser in zip(self.convolutions, self.coarser, strict=True):
            x = F.leaky_relu(convolve(x), LEAK)
            x = F.leaky_relu(coarser(F.pixel_unshuffle(x, 2)), LEAK)
        return score(self.score, x.permute(0, 2, 3, 1).flatten(1))
