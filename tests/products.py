"""The operations of a traced program: products with the precision that they state, and sums."""

from collections.abc import Callable, Iterator
from math import prod
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
    return products_in(jax.make_jaxpr(function)(*arguments).jaxpr)


def products_in(program: Any) -> list[Product]:
    """Those of a traced program."""
    found = []
    for equation in _equations(program):
        if equation.primitive.name in PRODUCTS:
            dtypes = tuple(str(operand.aval.dtype) for operand in equation.invars)
            result, precision = equation.outvars[0].aval.dtype, equation.params["precision"]
            found.append(Product(equation.primitive.name, dtypes, str(result), precision))
    return found


class Sum(NamedTuple):
    """One sum over axes of an array."""

    dtype: str
    """That it is summed in."""
    terms: int
    """Of each of its results."""


def sums_in(program: Any) -> list[Sum]:
    """Those of a traced program."""
    found = []
    for equation in _equations(program):
        if equation.primitive.name == "reduce_sum":
            of, result = (variables[0].aval for variables in (equation.invars, equation.outvars))
            found.append(Sum(str(result.dtype), prod(of.shape) // max(prod(result.shape), 1)))
    return found


def _equations(jaxpr: Any) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        yield equation
        for inner in jaxprs_in_params(equation.params):
            yield from _equations(inner)
