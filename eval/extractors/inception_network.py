"""Inception-v3 (Szegedy et al. 2016) as read for the FID (Heusel et al. 2017).

It is the network of the TensorFlow graph of 2015-12-05. That differs from the Inception-v3 of the
paper in its 1,008 classes, in average pools that leave padding out of the count, and in a maximum
pool in the last block. Names are those of the PyTorch state dict. Batch norm is part of the
convolutions: its running statistics are folded into their kernels and biases.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from eval.extractors.image_network import Read

SIDE = 299
CLASSES = 1008

Maps = Float[Array, "n _ _ _"]


@dataclass(frozen=True)
class Conv:
    """A convolution with batch norm and rectifier."""

    name: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: str = "SAME"


Pool = Callable[[Maps], Maps]
Step = Conv | tuple[Conv, ...] | Pool
"""One step on maps; a tuple of convolutions reads the same maps, results side by side."""
Block = tuple[tuple[Step, ...], ...]
"""Branches of steps that read the same maps; their results are put side by side."""


def average(maps: Maps) -> Maps:
    """Means over 3x3 pixels, without the padding, one for each pixel."""
    return nn.avg_pool(maps, (3, 3), padding="SAME", count_include_pad=False)


def maximum(maps: Maps) -> Maps:
    """Maxima over 3x3 pixels, one for each pixel."""
    return nn.max_pool(maps, (3, 3), padding="SAME")


def halved(maps: Maps) -> Maps:
    """Maxima over 3x3 pixels, one for every other pixel of each axis, without padding."""
    return nn.max_pool(maps, (3, 3), strides=(2, 2))


def _side_35(pooled: int) -> Block:
    return (
        (Conv("branch1x1", 64),),
        (Conv("branch5x5_1", 48), Conv("branch5x5_2", 64, (5, 5))),
        (
            Conv("branch3x3dbl_1", 64),
            Conv("branch3x3dbl_2", 96, (3, 3)),
            Conv("branch3x3dbl_3", 96, (3, 3)),
        ),
        (average, Conv("branch_pool", pooled)),
    )


def _side_17(inner: int) -> Block:
    return (
        (Conv("branch1x1", 192),),
        (
            Conv("branch7x7_1", inner),
            Conv("branch7x7_2", inner, (1, 7)),
            Conv("branch7x7_3", 192, (7, 1)),
        ),
        (
            Conv("branch7x7dbl_1", inner),
            Conv("branch7x7dbl_2", inner, (7, 1)),
            Conv("branch7x7dbl_3", inner, (1, 7)),
            Conv("branch7x7dbl_4", inner, (7, 1)),
            Conv("branch7x7dbl_5", 192, (1, 7)),
        ),
        (average, Conv("branch_pool", 192)),
    )


def _side_8(pool: Pool) -> Block:
    return (
        (Conv("branch1x1", 320),),
        (
            Conv("branch3x3_1", 384),
            (Conv("branch3x3_2a", 384, (1, 3)), Conv("branch3x3_2b", 384, (3, 1))),
        ),
        (
            Conv("branch3x3dbl_1", 448),
            Conv("branch3x3dbl_2", 384, (3, 3)),
            (Conv("branch3x3dbl_3a", 384, (1, 3)), Conv("branch3x3dbl_3b", 384, (3, 1))),
        ),
        (pool, Conv("branch_pool", 192)),
    )


STEM: tuple[Conv | Pool, ...] = (
    Conv("Conv2d_1a_3x3", 32, (3, 3), stride=2, padding="VALID"),
    Conv("Conv2d_2a_3x3", 32, (3, 3), padding="VALID"),
    Conv("Conv2d_2b_3x3", 64, (3, 3)),
    halved,
    Conv("Conv2d_3b_1x1", 80),
    Conv("Conv2d_4a_3x3", 192, (3, 3), padding="VALID"),
    halved,
)

BLOCKS: dict[str, Block] = {
    "Mixed_5b": _side_35(32),
    "Mixed_5c": _side_35(64),
    "Mixed_5d": _side_35(64),
    "Mixed_6a": (
        (Conv("branch3x3", 384, (3, 3), stride=2, padding="VALID"),),
        (
            Conv("branch3x3dbl_1", 64),
            Conv("branch3x3dbl_2", 96, (3, 3)),
            Conv("branch3x3dbl_3", 96, (3, 3), stride=2, padding="VALID"),
        ),
        (halved,),
    ),
    "Mixed_6b": _side_17(128),
    "Mixed_6c": _side_17(160),
    "Mixed_6d": _side_17(160),
    "Mixed_6e": _side_17(192),
    "Mixed_7a": (
        (
            Conv("branch3x3_1", 192),
            Conv("branch3x3_2", 320, (3, 3), stride=2, padding="VALID"),
        ),
        (
            Conv("branch7x7x3_1", 192),
            Conv("branch7x7x3_2", 192, (1, 7)),
            Conv("branch7x7x3_3", 192, (7, 1)),
            Conv("branch7x7x3_4", 192, (3, 3), stride=2, padding="VALID"),
        ),
        (halved,),
    ),
    "Mixed_7b": _side_8(average),
    "Mixed_7c": _side_8(maximum),
}


def _run(step: Step, maps: Maps) -> Maps:
    """Run one step; called inside a module, whose parameters take the convolutions' names."""
    if isinstance(step, tuple):
        return jnp.concatenate([_run(conv, maps) for conv in step], axis=-1)
    if isinstance(step, Conv):
        convolution = nn.Conv(
            step.channels,
            step.kernel,
            step.stride,
            step.padding,
            precision=jax.lax.Precision.HIGHEST,
            name=step.name,
        )
        return nn.relu(convolution(maps))
    return step(maps)


class Mixed(nn.Module):
    """One block of branches, as a module."""

    branches: Block

    @nn.compact
    def __call__(self, maps: Maps) -> Maps:
        results = []
        for branch in self.branches:
            result = maps
            for step in branch:
                result = _run(step, result)
            results.append(result)
        return jnp.concatenate(results, axis=-1)


class InceptionNetwork(nn.Module):
    """Inception-v3: RGB squares of side 299, levels 0..255, to 2,048 features and 1,008 logits.

    Logits are without the last layer's bias, as the inception score is computed from this network
    (Salimans et al. 2016, in its TensorFlow implementation).
    """

    @nn.compact
    def __call__(self, squares: Float[Array, "n 299 299 3"]) -> Read:
        maps = (squares - 128) / 128
        for step in STEM:
            maps = _run(step, maps)
        for name, branches in BLOCKS.items():
            maps = Mixed(branches, name=name)(maps)
        features = maps.mean(axis=(1, 2))
        classify = nn.Dense(CLASSES, use_bias=False, precision=jax.lax.Precision.HIGHEST, name="fc")
        return Read(features, classify(features))
