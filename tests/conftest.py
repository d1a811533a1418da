"""Eight simulated devices, set up before JAX starts."""

import os

# XLA's CPU backend needs more threads than devices, or its collectives deadlock.
os.environ.setdefault("NPROC", "16")

import jax

jax.config.update("jax_num_cpu_devices", 8)
