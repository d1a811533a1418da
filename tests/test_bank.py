"""The memory bank in the step: its ring, what it keeps, when it is read, and that it is saved."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan import bank as bank_lib
from cgan.assemble import Parts, assemble
from cgan.bank import NEVER, Ring
from cgan.config import (
    Augment,
    Bank,
    ConfigError,
    Data,
    Embedding,
    Experiment,
    Objective,
    Penalty,
    from_json,
    to_json,
)
from cgan.multi_seed import SeedTrainer
from cgan.objectives import BatchOutputs, PairedOutputs, Stale
from cgan.objectives.outputs import NO_OUTPUT
from cgan.rng import stream_key
from cgan.run_folder.checkpoint import Checkpoints
from cgan.state import TrainState
from cgan.training import loop
from cgan.types import DiscriminatorOutput
from tests.plain_step import PlainStep, plain_step
from tests.test_loop import ONE_DEVICE, rows, train_until
from tests.test_step import (
    APART,
    BATCH,
    MIRRORED,
    RECORDER,
    STEPS,
    TOGETHER,
    VARIANTS,
    experiment,
    relative_error,
    run,
)

SLOTS = STEPS * BATCH
FAST = ("bank of embeddings within classes", "bank of samples within classes")
OF_EMBEDDINGS, OF_SAMPLES = Bank(SLOTS), Bank(SLOTS, "samples")
BANKED = {
    **{name: VARIANTS[name] for name in FAST},
    "mirrored": experiment(embedding=MIRRORED, augment=Augment(0.3), bank=OF_EMBEDDINGS),
    "samples, hinge": experiment(
        spectral_norm=True, objective=Objective("hinge"), penalty=Penalty(0.0, 0.0), bank=OF_SAMPLES
    ),
}


def test_a_ring_takes_the_newest_batch_for_the_oldest_and_knows_how_old_each_is() -> None:
    """Against a list of the last three batches."""
    form = {
        "fake": jax.ShapeDtypeStruct((2,), "float32"),
        "label": jax.ShapeDtypeStruct((), "int32"),
    }
    bank = bank_lib.empty(6, form)
    kept: list[tuple[int, np.ndarray]] = []
    for step in range(8):
        told = bank_lib.readings(bank, jnp.int32(step))
        ages = [step - number for number, _ in kept for _ in range(2)]
        assert told["bank/filled"] == pytest.approx(len(ages) / 6)
        assert told["bank/age"] == pytest.approx(np.mean(ages) if ages else 0)
        assert told["bank/oldest"] == max(ages, default=0) == min(step, 3)
        batch = np.random.default_rng(step).normal(size=(2, 2)).astype(np.float32)
        kept = [*kept, (step, batch)][-3:]
        entries = {"fake": jnp.asarray(batch), "label": jnp.full(2, 10 * step)}
        bank = bank_lib.write(bank, jnp.int32(step), entries)
        for number, batch in kept:
            slots = np.flatnonzero(bank.written == number)
            np.testing.assert_array_equal(slots, number % 3 * 2 + np.arange(2))
            np.testing.assert_array_equal(bank.entries["fake"][slots], batch)
            np.testing.assert_array_equal(bank.entries["label"][slots], 10 * number)
        empty = np.flatnonzero(~np.asarray(bank_lib.filled(bank)))
        np.testing.assert_array_equal(bank.written[empty], NEVER)
        assert len(empty) == 6 - 2 * len(kept)


def test_a_replay_draws_each_slot_at_most_once_and_each_device_its_rows_of_it() -> None:
    fakes = jnp.arange(12.0)[:, None]
    bank = Ring(jnp.where(jnp.arange(12) < 8, 0, NEVER), {"fake": fakes})
    draw = [
        bank_lib.replay(bank, jax.random.key(0), 8, jnp.arange(start, start + count))
        for start, count in ((0, 8), (0, 4), (4, 4))
    ]
    whole, *parts = ([*one.fake[:, 0].tolist()] for one in draw)
    assert len(set(whole)) == 8
    assert parts == [whole[:4], whole[4:]]
    np.testing.assert_array_equal(draw[0].there, np.array(whole) < 8)
    assert 0 < draw[0].there.sum() < 8


def some_bank(parts: Parts, empty: int) -> Ring:
    """A bank of the parts' form in which some slots were never written."""
    rng = np.random.default_rng(0)

    def some(name: str, leaf: Any) -> Any:
        if name == "label":
            return jnp.asarray(rng.integers(0, 10, leaf.shape), leaf.dtype)
        values = rng.normal(size=leaf.shape)
        if name in ("real", "fake") and leaf.ndim == 2:
            values /= np.linalg.norm(values, axis=1, keepdims=True)
        return jnp.asarray(np.tanh(values), leaf.dtype)

    form = jax.eval_shape(parts.init_state).bank
    entries = {name: some(name, leaf) for name, leaf in form.entries.items()}
    written = np.where(np.arange(SLOTS) < SLOTS - empty, 0, NEVER)
    return Ring(jnp.asarray(written, jnp.int32), entries)


@dataclasses.dataclass(frozen=True, eq=False)
class Banked(PlainStep):
    """The plain step, whose discriminator meets a bank too."""

    def outputs(self, state: TrainState, fakes: jax.Array, player: str) -> BatchOutputs:
        """The plain step's, and for the discriminator what the bank holds."""
        outputs, config = super().outputs(state, fakes, player), self.parts.config
        if player == "generator":
            return outputs
        written, of = state.bank
        slots = jnp.arange(len(written))
        if config.bank.of == "samples":
            key = stream_key(config.seed, "bank", self.number)
            slots = jax.random.permutation(key, len(written))[: len(fakes)]
            networks, labels = self.parts.networks, of.get("label")
            scores = networks.discriminate(
                state.discriminator,
                state.discriminator_stats,
                self.view("discriminator/stale", of["fake"][slots]),
                None if labels is None else labels[slots],
            ).score
            old = PairedOutputs(NO_OUTPUT, DiscriminatorOutput(scores, None))
            both = outputs.local._replace(stale=scores)
            outputs = outputs._replace(local=both, whole=both)
        else:
            sides = (DiscriminatorOutput(None, of[side]) for side in ("real", "fake"))
            old = PairedOutputs(*sides, of["agreement"])
        meets = None
        if config.conditioning.compare == "same_class":
            meets = self.labels[:, None] == of["label"][slots]
        return outputs._replace(stale=Stale(old, written[slots] >= 0, meets))


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        *(pytest.param(name, TOGETHER, id=name) for name in FAST),
        *(
            pytest.param(name, APART, id=f"{name}, apart", marks=pytest.mark.slow)
            for name in BANKED
        ),
    ],
)
def test_gradients_equal_those_of_the_whole_batch_and_the_bank_written_plainly(
    name: str, splits: tuple[tuple[int, int], ...]
) -> None:
    """On several devices, and in micro-batches, with a bank that is half full.

    The generator's are those of a state without a bank, to the bit: it never meets one.
    """
    config = BANKED[name]
    parts = assemble(config)._replace(optimizer=RECORDER)
    start = parts.init_state()._replace(step=jnp.int32(0))
    start = start._replace(bank=some_bank(parts, empty=SLOTS // 4))

    def found_in(config: Experiment, split: tuple[int, int], start: TrainState) -> Any:
        divided = assemble(dataclasses.replace(config, micro_batches=split[1]))
        return run(divided._replace(optimizer=RECORDER), split[0], 1, start)

    found = [found_in(config, split, start) for split in splits]
    whole = plain_step(parts)
    plain = Banked(parts, whole.number, whole.reals, whole.labels)
    stats = parts.networks.update_stats(start.discriminator, start.discriminator_stats)
    before = start._replace(discriminator_stats=stats)
    players = (before.discriminator, before.learnt)
    loss, gradients = jax.jit(jax.value_and_grad(plain.discriminator_loss))(players, before)
    for state, metrics in found:
        np.testing.assert_allclose(metrics["discriminator/loss"][0], loss, rtol=1e-5)
        assert relative_error(state.discriminator_optim, gradients) < 1e-5
        assert metrics["bank/filled"][0] == 0.75
    bare = dataclasses.replace(config, bank=Bank())
    without, _ = found_in(bare, splits[0], start._replace(bank=None))
    jax.tree.map(
        np.testing.assert_array_equal, found[0][0].generator_optim, without.generator_optim
    )
    assert relative_error(found[0][0].discriminator_optim, without.discriminator_optim) > 1e-3


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (FAST[0], (8,)),
        (FAST[1], (2,)),
        pytest.param(FAST[0], (2,), marks=pytest.mark.slow),
        pytest.param(FAST[1], (8,), marks=pytest.mark.slow),
    ],
)
def test_a_bank_holds_what_the_discriminator_saw_on_any_number_of_devices(
    name: str, counts: tuple[int, ...]
) -> None:
    """Three steps fill it; those of the first are checked, of the state before it, plainly."""
    config = BANKED[name]
    parts = assemble(config)
    state, metrics = run(parts, 1)
    np.testing.assert_allclose(metrics["bank/filled"], [0, 1 / 3, 2 / 3], rtol=1e-6)
    np.testing.assert_array_equal(metrics["bank/age"], [0, 1, 1.5])
    np.testing.assert_array_equal(metrics["bank/oldest"], [0, 1, 2])
    np.testing.assert_array_equal(state.bank.written, np.repeat([0, 1, 2], BATCH))
    for count in counts:
        other, other_metrics = run(parts, count)
        assert relative_error(other.bank, state.bank) < 1e-5
        assert relative_error(other.discriminator, state.discriminator) < 1e-5
        for key in metrics:
            np.testing.assert_allclose(other_metrics[key], metrics[key], rtol=1e-5, atol=1e-6)
    plain, start = plain_step(parts), parts.init_state()
    fakes = plain.fakes(start.generator, "discriminator")
    if config.bank.of == "samples":
        expected = {"fake": fakes, "label": plain.labels}
    else:
        outputs = plain.outputs(start, fakes, "discriminator").whole
        expected = {
            "real": outputs.real.embedding,
            "fake": outputs.fake.embedding,
            "agreement": outputs.agreement,
            "label": plain.labels,
        }
    assert state.bank.entries.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(state.bank.entries[key][:BATCH], values, atol=1e-5)


SMALL = Experiment(
    workdir=Path("replaced"),
    data=Data("digits", limit=100),
    generator=VARIANTS["all fakes"].generator,
    discriminator=VARIANTS["all fakes"].discriminator,
    embedding=Embedding(weight=0.5, dimensions=4),
    batch_size=8,
    total_nimg=80,
    log_nimg=16,
    snapshot_nimg=80,
    checkpoint_nimg=40,
    probe_nimg=0,
)


@pytest.mark.parametrize("of", ["embeddings", pytest.param("samples", marks=pytest.mark.slow)])
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit_and_as_one_of_several_seeds(
    of: Any, one_step: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at 64 of 80 images, the newest checkpoint at 40, when the bank of 3 batches is full."""
    config = dataclasses.replace(SMALL, workdir=tmp_path / "whole", bank=Bank(24, of))
    expected = loop.train(config, ONE_DEVICE)
    again = dataclasses.replace(config, workdir=tmp_path / "cut")
    train_until(again, 64, monkeypatch)
    state = loop.train(again, ONE_DEVICE)
    assert jax.tree.structure(state) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, state, expected)
    assert rows(again) == rows(config)
    told = json.loads((config.workdir / "metrics.jsonl").read_text().splitlines()[-1])
    assert (told["bank/filled"], told["bank/age"], told["bank/oldest"]) == (1, 2, 3)
    assert sorted(set(np.asarray(state.bank.written))) == [7, 8, 9]
    if of == "embeddings":
        found = SeedTrainer(assemble(config), ONE_DEVICE[0]).train([config.seed, 5])[0].state
        for field, tree, other in zip(found._fields, found, expected, strict=True):
            if jax.tree.leaves(other):
                assert relative_error(tree, other) < 1e-4, field
    with pytest.raises(ConfigError, match=r"bank\.size is 24 there, not 16"):
        loop.train(dataclasses.replace(again, bank=Bank(16, of)), ONE_DEVICE)


def test_a_config_and_a_checkpoint_of_before_there_were_banks_are_read(tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, workdir=tmp_path)
    written = json.loads(to_json(config))
    assert written.pop("bank") == {"size": 0, "of": "embeddings"}
    assert from_json(json.dumps(written)) == config
    parts = assemble(config)
    state = jax.device_get(parts.init_state())
    fields = {name: of for name, of in state._asdict().items() if name != "bank"}
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        checkpoints.save(8, fields)
        read = checkpoints.restore(8, parts.abstract_state()).state
    assert read.bank is None
    jax.tree.map(np.testing.assert_array_equal, read, state)


def test_networks_in_short_floats_keep_a_bank_in_float32() -> None:
    config = dataclasses.replace(BANKED["mirrored"], precision="bfloat16")
    state, metrics = run(assemble(config), 1)
    assert {leaf.dtype.name for leaf in state.bank.entries.values()} == {"float32"}
    norms = np.linalg.norm(state.bank.entries["real"], axis=1)
    np.testing.assert_allclose(norms, 1, atol=0.02)
    assert np.isfinite(metrics["discriminator/loss"]).all()
