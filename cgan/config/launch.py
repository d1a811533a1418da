"""Settings of a run's start: its processes, and what a signal, a collapse or a NaN does."""

from dataclasses import dataclass
from typing import Literal

from cgan.config.checks import check_types, only_defaults, positive, require
from cgan.config.data import Data

FROM_CLUSTER = "auto"
OF_MANY = ("num_processes", "process_id")
DataChanged = Literal["refuse", "accept"]
"""Ways to deal with data that are not those that a run learnt."""
TrackerName = Literal["wandb"]
"""Services that a run's numbers and pictures can be sent to."""
WORKERS_AT_MOST = 2**8
"""Most worker processes: each imports the libraries, and holds dispatches of its own."""


@dataclass(frozen=True)
class Processes:
    """Who works together as one, on one machine or many; alone unless there is a coordinator."""

    coordinator: str | None = None
    """HOST:PORT of process 0 of many; auto asks Slurm, Open MPI, Kubernetes or Cloud TPU."""
    num_processes: int | None = None
    """Number of processes that work together; with auto the cluster knows."""
    process_id: int | None = None
    """Number of this process among them, from 0 on."""
    wait_sec: int = 300
    """Seconds to wait for processes that start late."""
    heartbeat_sec: int = 30
    """Seconds without a sign of life after which a process ends the others."""

    def __post_init__(self) -> None:
        check_types(self, "")
        positive(self, "", "wait_sec", "heartbeat_sec")
        if self.coordinator is None:
            only_defaults(self, "", OF_MANY, "without a coordinator")
        elif self.coordinator == FROM_CLUSTER:
            only_defaults(self, "", OF_MANY, "with coordinator = 'auto'")
        else:
            self._check_address(self.coordinator)

    def _check_address(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        fits = bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 2**16
        expected = "HOST:PORT with a port from 1 to 65535, or auto"
        require(fits, "coordinator", address, expected)
        when = f"with coordinator = {address!r}"
        count, number = self.num_processes, self.process_id
        require(count is not None and count > 0, "num_processes", count, f"1 or more {when}")
        inside = number is not None and count is not None and 0 <= number < count
        require(inside, "process_id", number, f"from 0 to num_processes - 1 {when}")


@dataclass(frozen=True)
class Launch(Processes):
    """How a run is started; nothing here changes what is learnt, so it may differ on resume."""

    grace_sec: int = 60
    """Seconds that saving may take after a signal."""
    workers: int = 0
    """Processes that decode images of data that is not cached; 0 decodes in threads."""
    on_collapse: Literal["warn", "stop"] = "warn"
    """Whether the collapse alarm only warns, or ends the run with the checkpoint before it."""
    data_changed: DataChanged = "refuse"
    """Whether to go on where the data are not those that the run learnt so far."""
    track: TrackerName | None = None
    """Where metrics, pictures and config go as well: wandb, which is a package to be installed."""
    debug_nans: bool = False
    """Find the operation that makes the first NaN: compiles and runs several times slower."""

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "", "grace_sec")
        inside = 0 <= self.workers <= WORKERS_AT_MOST
        require(inside, "workers", self.workers, f"from 0 to {WORKERS_AT_MOST}")

    def check_for(self, data: Data) -> None:
        """Refuse worker processes that would have nothing to decode.

        Raises:
            ConfigError: such a number of workers.
        """
        expected = "0 with data.cached = True, which leaves nothing to decode"
        require(self.workers == 0 or not data.cached, "workers", self.workers, expected)
