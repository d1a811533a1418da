"""Eight simulated devices, set up before JAX starts."""

import os

# XLA's CPU backend needs more threads than devices, or its collectives deadlock.
os.environ.setdefault("NPROC", "16")

# Whatever accelerator the environment has: these tests count simulated devices.
os.environ["JAX_PLATFORMS"] = "cpu"

import jax

jax.config.update("jax_num_cpu_devices", 8)
