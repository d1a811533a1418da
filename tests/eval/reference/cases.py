"""The arrays of `recipes.py` with the values that reference libraries gave on them."""

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np
from reference import recipes

CASES = json.loads((Path(__file__).parent / "values.json").read_text())["cases"]


def names(make):
    """The cases of one kind of arrays: features, logits or images."""
    return [name for name, case in CASES.items() if case["recipe"]["make"] == make]


FINITE = [name for name in names("features") if name != "nonfinite"]


def sha256(array):
    header = repr((array.dtype.str, array.shape)).encode()
    return hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()


@cache
def arrays(name):
    """The arrays of a case, checked to be those that the values belong to."""
    made = recipes.build(CASES[name]["recipe"])
    assert {key: sha256(array) for key, array in made.items()} == CASES[name]["arrays"]
    return made


def target(name, metric):
    return CASES[name]["targets"][metric]


def pair(name):
    """Real and fake features of a case."""
    made = arrays(name)
    return made["real"], made["fake"]
