"""The examples in docstrings say what comes out."""

import doctest
import inspect
from types import ModuleType

import pytest

from cgan.objectives import classic, comparisons, contrastive, curves, games, penalties
from eval.metrics import (
    birthday,
    cmmd,
    density_coverage,
    frechet,
    inception_score,
    kernel_distance,
    memorization,
    ms_ssim,
    ndb,
    precision_recall,
    quality,
    reverse_kl,
    total_variation,
    vendi,
)

EVERY_FUNCTION = (contrastive, curves, penalties)
"""Modules of which each public function has an example."""
SOME = (
    classic,
    comparisons,
    games,
    birthday,
    cmmd,
    density_coverage,
    frechet,
    inception_score,
    kernel_distance,
    memorization,
    ms_ssim,
    ndb,
    precision_recall,
    quality,
    reverse_kl,
    total_variation,
    vendi,
)
"""Modules that have one where it helps."""


def name_of(module: ModuleType) -> str:
    return module.__name__


@pytest.mark.parametrize("module", EVERY_FUNCTION + SOME, ids=name_of)
def test_the_examples_of_a_module_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0, "standard output says what was found"


@pytest.mark.parametrize("module", EVERY_FUNCTION, ids=name_of)
def test_every_public_function_has_an_example(module: ModuleType) -> None:
    own = [
        function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    ]
    assert own
    for function in own:
        assert ">>> " in (function.__doc__ or ""), function.__name__
