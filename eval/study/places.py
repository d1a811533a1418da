"""Where the workers of a machine work: each has an accelerator of its own, or a share of the cores.

What a process sees of a machine is fixed when JAX starts in it, and a process that has looked at
accelerators holds them. So they are counted in a process of its own, and each worker takes its
place before it imports JAX.
"""

import multiprocessing
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from cgan.config import require

ON_CPU = 2
"""Workers where there is no accelerator and nobody says how many."""

VISIBLE = {"gpu": "CUDA_VISIBLE_DEVICES", "tpu": "TPU_VISIBLE_CHIPS"}
"""The variable that says which accelerators a process sees, by JAX's name of the platform."""


class Place(NamedTuple):
    """What one of several workers has of the machine."""

    number: int
    """From 0."""
    workers: int
    environment: dict[str, str]
    """Variables under which JAX sees one accelerator; empty where there are none."""

    def take(self) -> None:
        """Have this process use its place and no more; before it imports JAX."""
        cores = sorted(os.sched_getaffinity(0))
        own = set(cores[self.number % len(cores) :: self.workers])
        os.sched_setaffinity(0, own)
        if len(own) == 1:
            os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        os.environ.update(self.environment)


def places(workers: int | None = None) -> list[Place]:
    """A place for each worker on this machine.

    Args:
        workers: how many; None for one on each accelerator, or `ON_CPU`.

    Raises:
        ConfigError: more workers than there are accelerators.
    """
    if workers == 1:
        return [Place(0, 1, {})]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        platform, count = pool.submit(_accelerators).result()
    return places_on(platform, count, workers, os.environ)


def places_on(
    platform: str, count: int, workers: int | None, environment: Mapping[str, str]
) -> list[Place]:
    """A place for each worker on a machine whose accelerators are known.

    Args:
        platform: what JAX calls it: `cpu`, `gpu`, `tpu`.
        count: its accelerators that this process may use.
        workers: how many; None for one on each of them, or `ON_CPU`.
        environment: of this process, which may see only some of the machine's.

    Raises:
        ConfigError: more workers than there are accelerators.
    """
    if platform == "cpu":
        number = workers or ON_CPU
        return [Place(at, number, {}) for at in range(number)]
    number = workers or count
    expected = f"at most {count}, one on each {platform.upper()} of this machine"
    require(number <= count, "jobs", number, expected)
    return [Place(at, number, _alone(platform, at, environment)) for at in range(number)]


def _alone(platform: str, at: int, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which JAX sees one accelerator."""
    variable = VISIBLE[platform]
    visible = [name.strip() for name in environment.get(variable, "").split(",") if name.strip()]
    of_chips = {"TPU_CHIPS_PER_PROCESS_BOUNDS": "1,1,1", "TPU_PROCESS_BOUNDS": "1,1,1"}
    named = {variable: visible[at] if visible else str(at)}
    return named | (of_chips if platform == "tpu" else {})


def _accelerators() -> tuple[str, int]:
    import jax

    devices = jax.local_devices()
    # Two devices of an older TPU are the cores of one chip.
    chips = {getattr(device, "coords", device.id) for device in devices}
    return devices[0].platform, len(chips)
