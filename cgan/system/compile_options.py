"""Options with which training steps are compiled: those that their backend is faster with."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax

YNN: dict[str, Any] = {
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"
}
"""Option by which YNNPACK computes products of matrices, fused with what follows, and sums.

With products XLA also leaves to a library the convolutions of weight gradients, for which it writes
a loop otherwise: gradients of layers of convolutions are 1.4 to 3.7 times as fast
(`docs/decisions/0003-convolutions.md`). The option replaces XLA's own list, in which sums are:
products alone would leave sums and maxima of long rows to a tree of windows, 2 to 5 times as slow.
An experiment of XLA's, so releases may lack it, or a name in it.
"""
QUICK: dict[str, Any] = {"xla_backend_optimization_level": 1}
"""Option for programs that run once, as one that draws weights: compiled in 0.6 of the time."""
UNKNOWN = ("No such compile option", "is not a valid enum value")
"""Words of XLA's errors for an option, or a name in it, that it does not know."""


@cache
def options() -> dict[str, Any]:
    """Compile options of the default backend; none where this release of JAX doesn't know them."""
    return _known(YNN)


@cache
def for_once() -> dict[str, Any]:
    """Compile options of programs that run once, on the default backend."""
    return _known(QUICK)


def _known(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return these options on CPUs, where this release of JAX knows them, and none elsewhere."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x).lower(0).compile(compiler_options=wanted)
    except jax.errors.JaxRuntimeError as error:
        if not any(words in str(error) for words in UNKNOWN):
            raise
        return {}
    return wanted


class CompiledStep:
    """A mapped function, compiled with `options` once for each kind of arguments."""

    def __init__(self, mapped: Callable[..., Any]) -> None:
        self.mapped: Any = mapped
        """The mapped function itself, to be traced or lowered otherwise."""
        self._programs: dict[Any, Any] = {}

    def compile(self, *arguments: Any) -> Any:
        """Compile the program for arguments of these types, once."""
        leaves, tree = jax.tree.flatten(arguments)
        key = (tree, *map(jax.typeof, leaves))
        if key not in self._programs:
            lowered = self.mapped.lower(*arguments)
            self._programs[key] = lowered.compile(compiler_options=options())
        return self._programs[key]

    def __call__(self, *arguments: Any) -> Any:
        # Of several processes, each brings a part: the map joins them, its program alone does not.
        if not options() or jax.process_count() > 1:
            return self.mapped(*arguments)
        return self.compile(*arguments)(*arguments)
