"""Messages for where JAX can't use the kind of devices that the environment asks for."""

import os
import sys

from cgan.config import ConfigError

VARIABLE = "JAX_PLATFORMS"


def refusal() -> ConfigError | None:
    """The error that says why there are no devices; None where there are, or nobody asked."""
    asked = os.environ.get(VARIABLE)
    if not asked or "jax" not in sys.modules:
        return None
    import jax

    try:
        jax.devices()
    except Exception:
        jax.config.update("jax_platforms", None)
        found = ", ".join(sorted({device.platform for device in jax.devices()}))
        return ConfigError(
            f"{VARIABLE} = {asked!r}: must be {found}, which is all that JAX finds here, or left "
            "out; for another accelerator its driver and its JAX must be installed "
            f"(make train ACCELERATOR=cuda13, cuda12 or tpu){_hidden()}"
        )
    return None


def _hidden() -> str:
    """Words for an environment that hides devices; empty if it doesn't."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return "" if visible is None else f"; CUDA_VISIBLE_DEVICES = {visible!r} hides all others"
