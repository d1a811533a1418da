"""Runs of several seeds in one dispatch against each of them trained alone."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from cgan import parallel
from cgan.assemble import Parts, assemble
from cgan.config import ConfigError, Data, Discriminator, Experiment, Generator, Objective, Penalty
from cgan.multi_seed import SeedTrainer
from cgan.training import loop

SMALL = Experiment(
    workdir=Path("unused"),
    data=Data("ring8"),
    generator=Generator(latent_dim=3, width=8, depth=1),
    discriminator=Discriminator(width=8, depth=1, spectral_norm=True),
    objective=Objective(fakes_per_real=3),
    penalty=Penalty(r1=0.2, r2=0.1, estimator="hutchinson"),
    batch_size=8,
    total_nimg=48,
    steps_per_dispatch=2,
)
"""Draws from every stream of keys (latents, directions of the penalty, which fakes a real meets),
and carries spectral norms beside the parameters."""


@pytest.fixture(scope="module")
def trainer():
    return SeedTrainer(assemble(SMALL), jax.local_devices()[0])


@pytest.fixture(scope="module")
def trained(trainer):
    return trainer.train([0, 2**32 - 1])


def assert_close(found, expected):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), found, expected
    )


def test_each_of_several_seeds_at_once_is_the_run_of_that_seed_alone(trained, tmp_path):
    last = trained[-1]
    assert (last.seed, last.failure, int(last.state.step)) == (2**32 - 1, None, 6)
    assert jax.tree.leaves(last.state.discriminator_stats)
    config = dataclasses.replace(SMALL, workdir=tmp_path / "run", seed=last.seed)
    assert_close(last.state, loop.train(config, jax.local_devices()[:1]))


def test_seeds_differ(trained):
    first, second = (jax.tree.leaves(run.state.generator)[1] for run in trained)
    assert np.abs(first - second).max() > 0.1


def test_states_on_the_way_are_those_between_dispatches_and_the_end_is_that_of_training_through(
    trainer, trained
):
    """Dispatches of 16 images: 16 are one of them, 20 are rounded up to two. Equal to the bit."""
    seeds = [0, 2**32 - 1]
    *on_the_way, last = list(trainer.course(seeds, (16, 20, 48)))
    carried = trainer.begin(seeds)
    for number, runs in enumerate(on_the_way):
        carried, _ = trainer.dispatch(carried, trainer.place(2 * number, seeds))
        _, states = parallel.fetch(carried)
        for at, run in enumerate(runs):
            assert (run.seed, run.failure, int(run.state.step)) == (seeds[at], None, 2 * number + 2)
            expected = jax.tree.map(lambda leaf, at=at: leaf[at], states)
            jax.tree.map(np.testing.assert_array_equal, run.state, expected)
    for run, through in zip(last, trained, strict=True):
        jax.tree.map(np.testing.assert_array_equal, run.state, through.state)


@pytest.mark.parametrize("nimgs", [(32, 16), (16, 16), (0, 48), (16, 49)])
def test_images_that_do_not_ascend_to_the_end_are_refused(trainer, nimgs):
    with pytest.raises(ConfigError, match=r"nimgs = .*: must be ascending numbers from 1 to 48"):
        next(trainer.course([0], nimgs))


def test_a_run_that_leaves_the_numbers_says_where_and_the_others_go_on(
    trainer, trained, monkeypatch
):
    original = Parts.init_state

    def broken(parts, seed=None):
        state = original(parts, seed)
        lost = jax.tree.map(lambda leaf: leaf + np.inf, state.generator)
        return state if seed == 0 else state._replace(generator=lost)

    monkeypatch.setattr(Parts, "init_state", broken)
    (_, early), (sound, lost) = trainer.course([0, 7], (16, 48))
    assert early.failure == lost.failure
    assert sound.failure is None
    jax.tree.map(np.testing.assert_array_equal, sound.state, trained[0].state)
    assert lost.failure is not None
    assert lost.failure.startswith("step 0: ")
    assert "generated samples" in lost.failure
