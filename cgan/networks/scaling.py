"""Whether a discriminator that says so really multiplies its scores by factors.

One that ignored them would be trained on a gradient of 0, one that applied them half-way on a wrong
one, and neither would show: see `cgan/objectives/penalties.py`.
"""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cgan.config import ConfigError
from cgan.networks.modules import ModuleDiscriminate
from cgan.networks.pair import Networks
from cgan.types import Params, present

FACTORS = (0.5, 3.0)
CLOSE = 0.02
"""Error that is allowed, as a share of the largest score; rounding in bfloat16 is below."""
ASKED = (
    "must multiply its scores by `factors` (cgan/networks/factors.py), or be in a pair with "
    "scales_with_factors = False"
)


def check(networks: Networks, sample_shape: tuple[int, ...], classes: int) -> None:
    """Refuse a discriminator whose scores are not multiplied by factors, though it says they are.

    It is asked for the scores of two random samples, with parameters near those that it starts
    from; the first factor is below 1, the other above. The architectures of this package are not:
    `tests/test_factors.py` holds each of them to it.

    Args:
        networks: the pair.
        sample_shape: of the samples.
        classes: of their labels; 0 for a pair that sees none.

    Raises:
        ConfigError: it takes no factors, or its scores do not follow them.
    """
    discriminate = networks.discriminate
    if not networks.scales_with_factors or isinstance(discriminate, ModuleDiscriminate):
        return
    name = getattr(discriminate, "__qualname__", repr(discriminate))
    if not _takes_factors(discriminate):
        raise ConfigError(f"networks.discriminate = {name}: takes no factors; {ASKED}")
    with jax.ensure_compile_time_eval():
        rng = np.random.default_rng(0)
        params, stats = jax.jit(networks.init_discriminator)(jax.random.key(0))
        params = _moved(params, rng)
        samples = jnp.asarray(rng.normal(size=(len(FACTORS), *sample_shape)), jnp.float32)
        labels = jnp.zeros(len(FACTORS), int) if classes else None

        @jax.jit
        def scores(factors: Any) -> Any:
            return present(discriminate(params, stats, samples, labels, factors).score)

        output = jax.eval_shape(discriminate, params, stats, samples, labels)
        if output.score is None:
            return
        found, alone = np.asarray(scores(jnp.array(FACTORS))), np.asarray(scores(None))
    expected = np.array(FACTORS) * alone
    if not np.abs(found - expected).max() <= CLOSE * np.abs(expected).max():
        raise ConfigError(
            f"networks.discriminate = {name}: scores of {_listed(alone)} became {_listed(found)} "
            f"with factors of {_listed(np.array(FACTORS))}, not {_listed(expected)}; {ASKED}"
        )


def _takes_factors(discriminate: Any) -> bool:
    try:
        inspect.signature(discriminate).bind(*"psxlf")
    except TypeError:
        return False
    return True


def _moved(params: Params, rng: np.random.Generator) -> Params:
    """Parameters a little away from where they start; those that start at 0 hide nothing then."""

    def move(leaf: Any) -> Any:
        noise = rng.normal(size=leaf.shape)
        start = np.asarray(leaf, float)
        moved = start * (1 + 0.1 * noise) if start.any() else 0.5 * noise
        return jnp.asarray(moved, leaf.dtype)

    return jax.tree.map(move, params)


def _listed(values: np.ndarray) -> str:
    return " and ".join(f"{value:.3g}" for value in values)
