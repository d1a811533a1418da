"""The settings of federated training: clients with shards of the data that average weights."""

from dataclasses import dataclass
from typing import Any

from cgan.config.checks import (
    SIZE_AT_MOST,
    check_types,
    not_negative,
    positive,
    require,
    require_seed,
)
from cgan.config.setting import AllBut, check_read, setting

BY_CLIENTS = {"clients": AllBut(0)}


@dataclass(frozen=True)
class Federated:
    """Clients that train on shards of the data and average both players. See docs/federated.md."""

    clients: int = 0
    """Clients with a shard of the data each, which divide the batch; 0 trains on all data."""
    local_steps: int = setting(8, read_by=BY_CLIENTS)
    """Steps that each client takes alone between two averages; 0 never averages."""
    alpha: float | None = setting(None, read_by=BY_CLIENTS)
    """Shards whose classes have shares by Dirichlet's law of this alpha: small is uneven."""
    classes: int | None = setting(None, read_by=BY_CLIENTS)
    """Shards of so many classes each; without this and alpha all shards are alike."""
    dropout: float = setting(0.0, read_by=BY_CLIENTS)
    """Probability that a client drops out of a round, and is left out of its average."""
    shard_seed: int = setting(0, read_by=BY_CLIENTS)
    """Seed of the shards, which are the same for all seeds of training."""

    def __post_init__(self) -> None:
        check_types(self, "federated.")
        not_negative(self, "federated.", "clients", at_most=SIZE_AT_MOST)
        expected = "2 or more, or 0 to train on all the data at once"
        require(self.clients != 1, "federated.clients", self.clients, expected)
        not_negative(self, "federated.", "local_steps", at_most=SIZE_AT_MOST)
        if self.alpha is not None:
            positive(self, "federated.", "alpha")
        if self.classes is not None:
            positive(self, "federated.", "classes")
        require(0 <= self.dropout < 1, "federated.dropout", self.dropout, "from 0 to below 1")
        require_seed(self.shard_seed, "federated.shard_seed")
        check_read(self, "federated.")
        if self.classes is not None:
            expected = f"None with federated.classes = {self.classes}, which decides the shards"
            require(self.alpha is None, "federated.alpha", self.alpha, expected)
        if not self.local_steps:
            expected = "0 with federated.local_steps = 0, without an average to drop out of"
            require(self.dropout == 0, "federated.dropout", self.dropout, expected)

    @property
    def is_off(self) -> bool:
        """Whether all the data are trained on at once."""
        return self.clients == 0


def check_federated(config: Any) -> None:
    """Raise a `ConfigError` where an `Experiment` has clients beside what they do not do."""
    federated = config.federated
    if federated.is_off:
        return
    clients, size = federated.clients, config.batch_size
    when = f"with federated.clients = {clients}"
    lower, upper = size // clients * clients, -(-size // clients) * clients
    nearest = f"{lower} or {upper}" if lower else f"{upper}"
    expected = f"a multiple of federated.clients = {clients}; the nearest is {nearest}"
    require(size % clients == 0, "batch_size", size, expected)
    expected = f"1 {when}, each of which takes its rows at once"
    require(config.micro_batches == 1, "micro_batches", config.micro_batches, expected)
    expected = f"None {when}, whose signs of scores would have to be shared at each step"
    require(config.augment.target is None, "augment.target", config.augment.target, expected)
    if not config.bank.is_off:
        expected = f"'embeddings' {when}, which exchange no samples"
        require(config.bank.of == "embeddings", "bank.of", config.bank.of, expected)
    for name, root in (
        ("init_from", config.init_from),
        ("prior.pre", config.prior.pre),
        ("prior.par", config.prior.par),
    ):
        require(root is None, name, root, f"None {when}, which start afresh")
    if not federated.local_steps:
        expected = "0 with federated.local_steps = 0, without an average to be probed"
        require(config.probe_nimg == 0, "probe_nimg", config.probe_nimg, expected)
