"""Precision of the networks' products: float32 means float32 on every kind of device.

Accelerators take products of float32 in shorter floats where nothing is said: TPUs round what is
multiplied to bfloat16, GPUs to TF32, which has as few digits as float16. Whoever wants that asks
for the precision bfloat16; what is float32 stays it.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

HIGHEST = jax.lax.Precision.HIGHEST

in_full = jax.default_matmul_precision("highest")
"""Decorator by which all products traced in a function are in full precision, Flax's own too.

Their gradients state what they do. A product that states its own precision keeps it.
"""


def of_operand(x: Float[Array, "..."]) -> jax.lax.Precision:
    """Precision of a product that is computed in its input's dtype.

    Nothing of bfloat16: such products are exact in float32, in which backends sum them.
    """
    return HIGHEST if x.dtype == jnp.float32 else jax.lax.Precision.DEFAULT
