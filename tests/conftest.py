"""Eight simulated devices, set up before JAX starts."""

import atexit
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator

import pytest

# XLA's CPU backend needs more threads than devices, or its collectives deadlock.
os.environ.setdefault("NPROC", "16")

# Whatever accelerator the environment has: these tests count simulated devices.
os.environ["JAX_PLATFORMS"] = "cpu"

# Many tests compile the same programs; worker processes inherit the folder.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="cgan-tests-")
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")

# Of XLA's two ways to write fused loops for a CPU, that which takes a third of the time to compile.
QUICK = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
os.environ["XLA_FLAGS"] = f"{QUICK} {os.environ.get('XLA_FLAGS', '')}"

import jax

jax.config.update("jax_num_cpu_devices", 8)

# XLA's optimisations take most of the suite's time and change results by rounding only.
jax.config.update("jax_disable_most_optimizations", True)

# What started the tests may have these ignored (nohup, a script's background), which is inherited.
for number, usual in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture(scope="module", autouse=True)
def _forget_compiled_programs() -> Iterator[None]:
    """Each compiled program maps memory of its own, and Linux allows a process 65,530 maps: kept to
    the end, those of the whole suite come to that, and the compiler crashes."""
    yield
    jax.clear_caches()
    gc.collect()
