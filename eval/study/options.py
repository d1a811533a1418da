"""What a command line says of who does the jobs, and what each asks of a cluster."""

from dataclasses import dataclass
from typing import Any, Literal

from cgan.config import require

ExecutorName = Literal["processes", "local", "slurm"]
"""Processes of the program, or those that submitit starts: on this machine, on a cluster."""


@dataclass(frozen=True)
class Slurm:
    """Options of sbatch that `--executor slurm` hands over with each job."""

    partition: str | None = None
    """Queue; the cluster's own choice unless given."""
    minutes: int = 240
    """Time limit of a job, which holds a variant's runs on one benchmark (see seeds_at_once)."""
    memory_gb: int | None = None
    """Memory of a job."""
    cpus: int | None = None
    """Cores of a job."""
    gpus: int | None = None
    """Accelerators of a job; a run uses one."""
    extra: tuple[str, ...] = ()
    """More options by their long names, as in account=lab qos=high."""

    def __post_init__(self) -> None:
        for name in ("minutes", "memory_gb", "cpus", "gpus"):
            value = getattr(self, name)
            require(value is None or value > 0, f"slurm.{name}", value, "more than 0")
        for option in self.extra:
            name, equals, _ = option.partition("=")
            given = bool(name and equals) and not name.startswith("-")
            require(given, "slurm.extra", option, "an option of sbatch, as in account=lab")

    @property
    def parameters(self) -> dict[str, Any]:
        """All options that are set, as submitit's executor takes them."""
        named = {
            "partition": self.partition,
            "time": self.minutes,
            "mem": None if self.memory_gb is None else f"{self.memory_gb}GB",
            "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus,
            "additional_parameters": dict(option.split("=", 1) for option in self.extra) or None,
        }
        return {name: value for name, value in named.items() if value is not None}
