"""Names of before trunks and heads: a seed starts as it always did, and checkpoints are read.

`former_starts.json` was made by the code before (commit 095450a): for the small pair of each
architecture by class, at 8x8 and two at 32x32, every array as `networks.build(...)` starts it from
the keys 0 and 1, the stats after one `update_stats`: its name then, shape, first entry and length.
"""

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from cgan import networks
from cgan.assemble import assemble
from cgan.config import ConfigError
from cgan.networks.former_names import FormerNames, former_path
from cgan.run_folder.checkpoint import Checkpoints
from cgan.state import TrainState
from tests.backbones import PAIRS, experiment

STARTS = json.loads((Path(__file__).parent / "former_starts.json").read_text())
CASES = list(dict.fromkeys(case for case, *_ in STARTS))
FAST = ("mlp", "conv", "sngan")
"""Enough for the fast suite: layers of all forms, and attention."""


def started(case: str) -> tuple[networks.Networks, dict[str, Any]]:
    """The pair of a case, and how its arrays start."""
    architecture, _, side = case.partition("-")
    shape = (32, 32, 3) if side else (8, 8, 1)
    pair = networks.build(experiment(architecture), shape, 3)
    generator = jax.jit(pair.init_generator)(jax.random.key(0))
    discriminator, stats = jax.jit(pair.init_discriminator)(jax.random.key(1))
    stats = jax.jit(pair.update_stats)(discriminator, stats)
    trees = {
        "generator": generator,
        "discriminator": discriminator,
        "discriminator_stats": stats,
    }
    return pair, trees


def by_name(tree: Any) -> dict[str, Any]:
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf, float)
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=() if case in FAST else pytest.mark.slow) for case in CASES],
)
def test_a_seed_starts_as_it_did_under_the_former_names(case: str) -> None:
    pair, trees = started(case)
    for field, tree in trees.items():
        player = field.removesuffix("_stats")
        found = {
            pair.former_names.of_path(player, name): array for name, array in by_name(tree).items()
        }
        expected = {name: about for of, at, name, *about in STARTS if (of, at) == (case, field)}
        assert found.keys() == expected.keys()
        for name, (shape, first, length) in expected.items():
            array = found[name]
            assert list(array.shape) == shape, name
            assert array.ravel()[0] == pytest.approx(first, rel=1e-4, abs=1e-6), name
            assert np.linalg.norm(array) == pytest.approx(length, rel=1e-4, abs=1e-6), name


def test_every_architecture_has_former_starts() -> None:
    assert {case.partition("-")[0] for case in CASES} == set(PAIRS)


def test_a_module_without_a_former_name_keeps_its_own_and_the_innermost_name_counts() -> None:
    names = {"trunk": "", "trunk/level_0": "Block_0", "trunk/level_0/expand": "Block_0/Pointwise_0"}
    for path, former in {
        "trunk/level_0/expand/kernel": "Block_0/Pointwise_0/kernel",
        "trunk/level_0/bias": "Block_0/bias",
        "trunk/basis": "basis",
        "trunk": "",
        "other/kernel": "other/kernel",
    }.items():
        assert former_path(names, path) == former


def test_the_arrays_of_a_whole_state_are_found_by_their_former_names() -> None:
    former = FormerNames(
        {"trunk/a": "A_0"}, {"head": "", "trunk/a": "B_0", "trunk/a_norm/a": "N/a"}
    )
    names = [
        "step",
        "learnt/critic/log_temperature",
        "generator_ema/trunk/a/kernel",
        "generator_optim/0/mu/trunk/a/kernel",
        "discriminator_optim/0/nu/0/head/score/kernel",
        "discriminator_stats/trunk/a_norm/a/kernel/u",
    ]
    assert [former.of_array(name) for name in names] == [
        "step",
        "learnt/critic/log_temperature",
        "generator_ema/A_0/kernel",
        "generator_optim/0/mu/A_0/kernel",
        "discriminator_optim/0/nu/0/score/kernel",
        "discriminator_stats/N/a/kernel/u",
    ]


def formerly_named(state: TrainState, former: FormerNames) -> TrainState:
    """The state with every parameter by its former name, as earlier versions saved it."""

    def renested(player: str, params: Any) -> Any:
        nested: dict[str, Any] = {}
        for path, leaf in jax.tree_util.tree_leaves_with_path(params):
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            *folders, last = former.of_path(player, name).split("/")
            inner = nested
            for folder in folders:
                inner = inner.setdefault(folder, {})
            inner[last] = leaf
        return nested

    def of_field(field: str, tree: Any) -> Any:
        player = "generator" if field.startswith("generator") else "discriminator"
        return jax.tree.map(
            lambda part: renested(player, part) if isinstance(part, dict) else part,
            tree,
            is_leaf=lambda part: isinstance(part, dict) and "trunk" in part,
        )

    return TrainState(**{field: of_field(field, tree) for field, tree in state._asdict().items()})


def test_a_checkpoint_of_before_is_read_array_for_array(tmp_path: Path) -> None:
    parts = assemble(experiment("conv"))
    form, names = parts.abstract_state(), parts.networks.former_names
    rng = np.random.default_rng(0)
    state = jax.tree.map(
        lambda leaf: np.asarray(100 * rng.normal(size=leaf.shape)).astype(leaf.dtype), form
    )
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(8, formerly_named(state, names))
        read = checkpoints.restore(8, form, names.of_array).state
        jax.tree.map(np.testing.assert_array_equal, read, state)
        with pytest.raises(ConfigError, match="no such array"):
            checkpoints.restore(8, form)
