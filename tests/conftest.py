"""Eight simulated devices, set up before JAX starts."""

import os

# XLA's CPU backend needs more threads than devices, or its collectives deadlock.
os.environ.setdefault("NPROC", "16")

# Whatever accelerator the environment has: these tests count simulated devices.
os.environ["JAX_PLATFORMS"] = "cpu"

import jax

jax.config.update("jax_num_cpu_devices", 8)

# XLA's optimisations take most of the suite's time and change results by rounding only.
jax.config.update("jax_disable_most_optimizations", True)
