"""The matrix products and convolutions of a traced program, and what precision they state."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
from jax.extend.core import jaxprs_in_params

PRODUCTS = ("dot_general", "conv_general_dilated")
HIGHEST = 2 * (jax.lax.Precision.HIGHEST,)


class Product(NamedTuple):
    """One operation of a program."""

    name: str
    dtypes: tuple[str, ...]
    """Of both operands."""
    result: str
    precision: Any

    @property
    def is_rounded(self) -> bool:
        """Whether an accelerator may round its float32 operands."""
        return "float32" in self.dtypes and self.precision != HIGHEST


def products_of(function: Callable[..., Any], *arguments: Any) -> list[Product]:
    """Those of a function, whose arguments may be shapes; nothing is compiled."""
    return list(_products(jax.make_jaxpr(function)(*arguments).jaxpr))


def _products(jaxpr: Any) -> Iterator[Product]:
    for equation in jaxpr.eqns:
        if equation.primitive.name in PRODUCTS:
            dtypes = tuple(str(operand.aval.dtype) for operand in equation.invars)
            result = str(equation.outvars[0].aval.dtype)
            yield Product(equation.primitive.name, dtypes, result, equation.params["precision"])
        for inner in jaxprs_in_params(equation.params):
            yield from _products(inner)
