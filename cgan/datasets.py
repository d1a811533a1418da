"""Data sets by name. A new one is a file in `cgan/data/` and an entry here, and nothing else.

The configuration takes the names from here, `cgan.data` the loaders. An entry imports its file when
the data set is loaded and not before, so that a command line knows all names without loading one:
this registry is the only file that points at rooms above its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cgan.kinds import DNA, IMAGE, POINT, PROTEIN, Kind

Loader = Callable[[Any, Any], Any]
"""From settings (`cgan.config.Data`) and a split's name to a `cgan.data.Source`."""
OWN = "own"
"""The name of what no file loads: an object that a program hands to `train(config, source=...)`."""


@dataclass(frozen=True)
class Dataset:
    """What is known of a data set before it is loaded."""

    kind: Kind
    load: Loader
    from_files: bool = False
    """Whether it lies on the user's disk; others need no download."""
    has_shares: bool = False
    """Whether its modes' shares can be chosen (`data.imbalance`)."""
    has_distances: bool = False
    """Whether it knows how far apart its classes are: targets of a graded regression."""
    independent_channels: bool = False
    """Whether an image's channels are images of their own, whose colours mean nothing."""


DATASETS: dict[str, Dataset] = {}
"""Data sets by name, in the order in which the help lists them."""


def register(name: str, kind: Kind, **known: bool) -> Callable[[Loader], Loader]:
    """Enter a loader; what is `known` are the other fields of `Dataset`."""

    def entered(load: Loader) -> Loader:
        DATASETS[name] = Dataset(kind, load, **known)
        return load

    return entered


def named(**known: bool) -> tuple[str, ...]:
    """The names of the data sets of which all of this is so, such as `has_shares=True`."""
    return tuple(
        name
        for name, one in DATASETS.items()
        if all(getattr(one, field) == value for field, value in known.items())
    )


@register("digits", IMAGE)
def _digits(data: Any, split: Any) -> Any:
    from cgan.data.digits import load_digits

    return load_digits(split)


@register("stacked_digits", IMAGE, has_shares=True, independent_channels=True)
def _stacked_digits(data: Any, split: Any) -> Any:
    from cgan.data.digits import load_stacked_digits

    return load_stacked_digits(split, data.imbalance)


@register("ring8", POINT, has_shares=True)
def _ring8(data: Any, split: Any) -> Any:
    from cgan.data.mixtures import load_ring8

    return load_ring8(split, data.imbalance)


@register("grid25", POINT, has_shares=True)
def _grid25(data: Any, split: Any) -> Any:
    from cgan.data.mixtures import load_grid25

    return load_grid25(split, data.imbalance)


@register("grid100", POINT, has_shares=True)
def _grid100(data: Any, split: Any) -> Any:
    from cgan.data.mixtures import load_grid100

    return load_grid100(split, data.imbalance)


@register("mnist_5k", IMAGE, from_files=True)
def _mnist_5k(data: Any, split: Any) -> Any:
    from cgan.data.mnist import load_shipped

    return load_shipped(split)


@register("mnist_8x8", IMAGE, from_files=True)
def _mnist_8x8(data: Any, split: Any) -> Any:
    from cgan.data.mnist import load_reduced

    return load_reduced(split)


@register("mnist_8x8_boxed", IMAGE, from_files=True)
def _mnist_8x8_boxed(data: Any, split: Any) -> Any:
    from cgan.data.mnist import load_boxed

    return load_boxed(split)


@register("stacked_mnist", IMAGE, from_files=True, has_shares=True, independent_channels=True)
def _stacked_mnist(data: Any, split: Any) -> Any:
    from cgan.data.mnist import load_stacked

    return load_stacked(data, split)


@register("tfds", IMAGE, from_files=True)
def _tfds(data: Any, split: Any) -> Any:
    from cgan.data.tensorflow_datasets import load

    return load(data, split)


@register("folder", IMAGE, from_files=True)
def _folder(data: Any, split: Any) -> Any:
    from cgan.data.folder import load

    return load(data, split)


@register("dna", DNA, from_files=True)
def _dna(data: Any, split: Any) -> Any:
    from cgan.data.dna import load

    return load(data, split)


@register("lattice", IMAGE, from_files=True)
def _lattice(data: Any, split: Any) -> Any:
    from cgan.data.lattice import load

    return load(data, split)


@register("proteins", PROTEIN, from_files=True, has_distances=True)
def _proteins(data: Any, split: Any) -> Any:
    from cgan.data.proteins import load

    return load(data, split)
