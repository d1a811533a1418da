"""Shards: which samples of a train split are whose, where clients train without sharing them.

Each sample is one client's. By Dirichlet's law each class is cut into shares of the clients, drawn
from `Dir(alpha)` (Yurochkin et al. 2019, "Bayesian nonparametric federated learning of neural
networks", section 4); by classes each client has so many of them and no others (McMahan et al.
2017, "Communication-efficient learning of deep networks from decentralized data", section 3, whose
clients have two digits each). Otherwise shards are random and alike.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgan.config import Federated, require
from cgan.data.abilities import classes_shared_out, content_in
from cgan.data.source import Source

STREAM = 0xC11E
"""What tells the draw of shards from others of the same seed."""

Numbers = Int[np.ndarray, " _"]


class Shards(NamedTuple):
    """The numbers of each client's samples in the whole split, ascending."""

    rows: tuple[Numbers, ...]
    classes: tuple[Numbers, ...]
    """How many samples of each class each client has, of the classes that were shared out."""

    @property
    def shares(self) -> Float[np.ndarray, " clients"]:
        """Share of all samples that each client has."""
        sizes = np.array([len(rows) for rows in self.rows], np.float64)
        return sizes / sizes.sum()


def shards_of(source: Source, federated: Federated, at_least: int) -> Shards:
    """The shards of a train split, the same in every process and run.

    Args:
        source: the split.
        federated: the settings; they have clients.
        at_least: samples that each client needs: those of a step.

    Raises:
        ConfigError: a client with fewer, classes that would be nobody's, or data without classes.
    """
    labels = _labels(source, federated)
    rng = np.random.default_rng([federated.shard_seed, STREAM])
    if federated.classes is not None:
        rows = _by_classes(labels, federated, rng)
    elif federated.alpha is not None:
        rows = _by_dirichlet(labels, federated.clients, federated.alpha, rng)
    else:
        rows = np.array_split(rng.permutation(len(labels)), federated.clients)
    smallest = int(np.argmin([len(of) for of in rows]))
    deciding = next(
        (name for name in ("classes", "alpha") if getattr(federated, name) is not None), "clients"
    )
    expected = (
        f"such that each client has the {at_least} samples of a step: client {smallest} has "
        f"{len(rows[smallest])}; federated.shard_seed draws other shards"
    )
    enough = len(rows[smallest]) >= at_least
    require(enough, f"federated.{deciding}", getattr(federated, deciding), expected)
    count = int(labels.max()) + 1
    return Shards(
        tuple(np.sort(of) for of in rows),
        tuple(np.bincount(labels[of], minlength=count) for of in rows),
    )


def _labels(source: Source, federated: Federated) -> Numbers:
    """The class of each sample that decides whose it may be; all alike where none does."""
    for name in ("alpha", "classes"):
        value = getattr(federated, name)
        expected = "None for data without classes"
        require(value is None or bool(source.class_names), f"federated.{name}", value, expected)
    if not source.class_names:
        return np.zeros(len(source), np.int64)
    labels = np.asarray(content_in(source).labels, np.int64)
    return np.asarray(classes_shared_out(source), np.int64)[labels]


def _by_classes(labels: Numbers, federated: Federated, rng: np.random.Generator) -> list[Numbers]:
    """Classes dealt round in a random order; what several have is cut into even parts."""
    present = rng.permutation(np.unique(labels))
    clients, each = federated.clients, federated.classes
    assert each is not None
    least = -(-len(present) // clients)
    expected = (
        f"from {least} to {len(present)} with {clients} clients, so that each of the "
        f"{len(present)} classes of the data is some client's"
    )
    require(least <= each <= len(present), "federated.classes", each, expected)
    dealt = np.arange(clients * each).reshape(clients, each) % len(present)
    rows: list[list[Numbers]] = [[] for _ in range(clients)]
    for number, label in enumerate(present):
        owners = [client for client in range(clients) if number in dealt[client]]
        of_class = rng.permutation(np.flatnonzero(labels == label))
        for client, part in zip(owners, np.array_split(of_class, len(owners)), strict=True):
            rows[client].append(part)
    return [np.concatenate(of) for of in rows]


def _by_dirichlet(
    labels: Numbers, clients: int, alpha: float, rng: np.random.Generator
) -> list[Numbers]:
    """Each class cut at the sums of shares drawn from `Dir(alpha, ..., alpha)`."""
    rows: list[list[Numbers]] = [[] for _ in range(clients)]
    for label in np.unique(labels):
        of_class = rng.permutation(np.flatnonzero(labels == label))
        ends = np.cumsum(rng.dirichlet(np.full(clients, alpha)))[:-1]
        cuts = np.rint(np.nan_to_num(ends) * len(of_class)).astype(np.int64)
        for client, part in enumerate(np.split(of_class, cuts)):
            rows[client].append(part)
    return [np.concatenate(of) for of in rows]
