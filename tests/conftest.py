"""Eight simulated devices, set up before JAX starts."""

import gc
import os
from collections.abc import Iterator

import pytest

# XLA's CPU backend needs more threads than devices, or its collectives deadlock.
os.environ.setdefault("NPROC", "16")

# Whatever accelerator the environment has: these tests count simulated devices.
os.environ["JAX_PLATFORMS"] = "cpu"

import jax

jax.config.update("jax_num_cpu_devices", 8)

# XLA's optimisations take most of the suite's time and change results by rounding only.
jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture(scope="module", autouse=True)
def _forget_compiled_programs() -> Iterator[None]:
    """Each compiled program maps memory of its own, and Linux allows a process 65,530 maps: kept to
    the end, those of the whole suite come to that, and the compiler crashes."""
    yield
    jax.clear_caches()
    gc.collect()
