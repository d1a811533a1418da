"""The masked pretext of sequences: layouts of spans, no leak, the loss in NumPy, runs."""

import dataclasses
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import chisquare

from benchmarks import masked_letters as benchmark
from cgan.config import (
    Augment,
    ConfigError,
    Data,
    Descent,
    Discriminator,
    Generator,
    Pretext,
    Pretraining,
)
from cgan.data import load_source
from cgan.kinds import SEQUENCE
from cgan.pretext import masked_letters
from cgan.pretext.parts import PretextParts, assemble
from cgan.pretext.runs import restore_pretraining
from cgan.pretext.task import Answered
from cgan.training.loop import train
from cgan.types import Batch
from tests.dna_files import two_genomes

ROWS, LENGTH, LETTERS = 12, 45, 20
KEYS = jax.random.split(jax.random.key(3), 2_000)


@dataclasses.dataclass(frozen=True)
class Peptides:
    """Sequences of an alphabet of 20, whose letters are drawn one by one."""

    name: str = "peptides"
    kind = SEQUENCE
    class_names = ()
    sample_shape = (LENGTH, LETTERS)

    @property
    def class_weights(self) -> np.ndarray:
        return np.zeros(0)

    @property
    def held_out(self) -> "Peptides":
        return self

    def __len__(self) -> int:
        return 64

    def __getitem__(self, indices: np.ndarray) -> Batch:
        codes = np.random.default_rng(0).integers(LETTERS, size=(64, LENGTH))
        return Batch(np.eye(LETTERS, dtype=np.uint8)[codes[indices]], np.zeros(len(indices), int))

    def encode(self, stored: Any) -> Any:
        return stored.astype("float32")

    def decode(self, samples: np.ndarray) -> np.ndarray:
        return np.eye(LETTERS, dtype=np.uint8)[samples.argmax(axis=-1)]


def pretraining(path: Path = Path("unused"), **pretext: Any) -> Pretraining:
    return Pretraining(
        workdir=path,
        data=Data("own"),
        pretext=Pretext("masked", **{"span": 4, "hidden": 0.3} | pretext),
        generator=Generator("conv1d", latent_dim=4, width=4, depth=1),
        discriminator=Discriminator("conv1d", width=6, depth=2),
        augment=Augment(),
        optim=Descent(lr=5e-3),
        batch_size=ROWS,
        total_nimg=2 * ROWS,
        log_nimg=ROWS,
        snapshot_nimg=2 * ROWS,
        checkpoint_nimg=2 * ROWS,
        probe_nimg=ROWS,
    )


def parts_of(**pretext: Any) -> PretextParts:
    return assemble(pretraining(**pretext), Peptides())


def posed(parts: PretextParts) -> Any:
    samples = jnp.asarray(Peptides()[np.arange(ROWS)].x, jnp.float32)
    return parts.task.pose(parts.draws("train", jnp.arange(ROWS), 3, 3), samples)


def test_every_layout_of_spans_is_as_likely() -> None:
    """All ways to put two spans of 3 among 10 letters, listed one by one."""
    masks = jax.vmap(lambda key: masked_letters.spans(key, 10, 3, 2))(KEYS)
    layouts = [
        tuple(int(a <= at < a + 3 or b <= at < b + 3) for at in range(10))
        for a, b in itertools.combinations(range(8), 2)
        if b >= a + 3
    ]
    found = Counter(tuple(row) for row in np.asarray(masks, int).tolist())
    assert set(found) == set(layouts)
    assert chisquare([found[layout] for layout in layouts]).pvalue > 1e-3


@pytest.mark.parametrize(
    ("length", "span", "hidden", "count"),
    [(250, 8, 0.15, 5), (45, 20, 0.01, 1), (20, 5, 0.99, 3)],
)
def test_as_many_letters_are_hidden_as_the_share_says(
    length: int, span: int, hidden: float, count: int
) -> None:
    assert masked_letters.spans_in(length, span, hidden) == count
    masks = jax.vmap(lambda key: masked_letters.spans(key, length, span, count))(KEYS[:200])
    assert set(np.asarray(masks.sum(axis=1)).tolist()) == {span * count}
    assert span * count < length


def test_the_network_sees_no_letter_where_one_is_hidden() -> None:
    parts = parts_of()
    state, questions = parts.init_state(), posed(parts)
    hidden = np.asarray(questions.mask) > 0
    seen = np.asarray(masked_letters.to_be_seen(questions))
    assert (seen[hidden] == 0).all()
    np.testing.assert_array_equal(seen[~hidden], np.asarray(questions.sequences)[~hidden])
    others = jnp.roll(questions.sequences, 1, axis=-1)
    changed = questions._replace(
        sequences=jnp.where(hidden[..., None], others, questions.sequences)
    )
    said = [
        parts.task.logits(state.trained, state.discriminator_stats, of)  # type: ignore[attr-defined]
        for of in (questions, changed)
    ]
    np.testing.assert_array_equal(*said)


def test_losses_and_shares_are_those_of_the_logits_place_by_place() -> None:
    parts = parts_of(visible_weight=0.25)
    state, questions = parts.init_state(), posed(parts)
    answers = parts.task.answer(state.trained, state.discriminator_stats, questions)
    answered = Answered(answers, answers, jnp.arange(ROWS))
    terms, readings = parts.task.grade({}, answered)
    seen = np.asarray(questions.sequences) * (1 - np.asarray(questions.mask)[..., None])
    maps, features = (
        np.asarray(parts.networks.features(state.discriminator, {}, jnp.asarray(seen), tap=tap))
        for tap in ("level_2", "trunk")
    )
    by_map, by_features = (np.asarray(state.readout[tap]) for tap in ("level_2", "trunk"))
    hidden_losses, visible_losses, right, common = [], [], [], []
    for row in range(ROWS):
        letters = np.asarray(questions.sequences[row]).argmax(axis=-1)
        mask = np.asarray(questions.mask[row]) > 0
        commonest = np.bincount(letters[~mask], minlength=LETTERS).argmax()
        losses = np.zeros(LENGTH)
        for place in range(LENGTH):
            which = slice(LETTERS * (place % 4), LETTERS * (place % 4) + LETTERS)
            logits = maps[row, place // 4] @ by_map[:, which] + features[row] @ by_features
            losses[place] = -log_softmax(logits)[letters[place]]
            if mask[place]:
                right.append(logits.argmax() == letters[place])
                common.append(commonest == letters[place])
        hidden_losses.append(losses[mask].mean())
        visible_losses.append(losses[~mask].mean())
    np.testing.assert_allclose(terms["hidden"], hidden_losses, rtol=1e-4)
    np.testing.assert_allclose(terms["visible"], 0.25 * np.array(visible_losses), rtol=1e-4)
    assert readings["accuracy"] == pytest.approx(np.mean(right), abs=1e-5)
    assert readings["accuracy_of_commonest"] == pytest.approx(np.mean(common), abs=1e-5)
    assert readings["hidden_loss"] == pytest.approx(np.mean(hidden_losses), rel=1e-4)


def test_places_that_a_shift_left_without_a_letter_do_not_count() -> None:
    parts = parts_of()
    state, questions = parts.init_state(), posed(parts)
    gone = jnp.arange(LENGTH) < 9
    left = jnp.where(gone[:, None], 0, questions.sequences)
    told = [
        parts.task.answer(
            state.trained, {}, questions._replace(sequences=left, mask=jnp.where(gone, at, mask))
        )
        for at, mask in ((0.0, questions.mask), (1.0, questions.mask))
    ]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), *told)


def test_residues_that_are_not_known_are_not_asked_for() -> None:
    """Of the 21 letters of proteins the last is none; of 20 or 4 letters each is one."""
    for letters in (4, 20, 21):
        sequences = jnp.eye(letters)[jnp.array([[0, letters - 1, letters - 2]])]
        known = [True, letters != 21, True]
        assert np.asarray(masked_letters.known(sequences)).tolist() == [known]
    proteins = dataclasses.replace(pretraining(), data=Data("proteins", length=40))
    assert proteins.pretext.task == "masked"


def test_panels_leave_what_is_hidden_open_and_keep_the_rest() -> None:
    parts = parts_of()
    state, questions = parts.init_state(), posed(parts)
    panels = parts.task.panels(
        state.trained, state.discriminator_stats, questions, questions.sequences
    )
    shown, filled, original = (np.asarray(panels[:, at]) for at in range(3))
    hidden, sequences = np.asarray(questions.mask) > 0, np.asarray(questions.sequences)
    np.testing.assert_array_equal(original, sequences)
    assert np.isnan(shown[hidden]).all()
    np.testing.assert_array_equal(shown[~hidden], sequences[~hidden])
    np.testing.assert_array_equal(filled[~hidden], sequences[~hidden])
    np.testing.assert_array_equal(filled.sum(axis=-1), 1)


def test_spans_longer_than_a_sequence_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^pretext\.span = 45: must be less than 45, the lett"):
        parts_of(span=45)


@pytest.mark.parametrize("depth", [0, 2])
def test_all_that_is_trained_moves_and_a_run_on_any_alphabet_is_read_again(
    depth: int, tmp_path: Path
) -> None:
    config = pretraining(tmp_path / "run")
    network = Discriminator("conv1d", width=6, depth=depth)
    config = dataclasses.replace(config, discriminator=network)
    start = assemble(config, Peptides()).init_state()
    state = train(config, jax.devices()[:1], source=Peptides())
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), start.trained, state.trained)
    assert all(jax.tree.leaves(moved)), moved
    assert restore_pretraining(config.workdir, source=Peptides()).nimg == 2 * ROWS
    assert (config.workdir / "samples" / "0000000024.png").is_file()


def test_the_table_beside_the_network_counts_what_stands_between_what() -> None:
    """Against a dictionary of contexts that are read off letter by letter."""
    codes = np.random.default_rng(0).integers(3, size=(60, 20))
    codes[:, 5::7] = codes[:, 4::7][:, :3]  # a letter that the one on its left tells
    masks = jax.vmap(lambda key: masked_letters.spans(key, 20, 2, 3))(KEYS[:60])
    mask = np.asarray(masks) > 0

    def contexts_of(row: int) -> list[tuple[Any, ...]]:
        text = ["?" if mask[row, at] else str(codes[row, at]) for at in range(20)]
        text = ["?", "?", *text, "?", "?"]
        found = []
        for place in np.flatnonzero(mask[row]) + 2:
            left = next((at for at in range(place, 1, -1) if text[at] != "?"), 1)
            right = next((at for at in range(place, 22) if text[at] != "?"), 22)
            beside = (*text[left - 1 : left + 1], *text[right : right + 2])
            found.append((place - left, right - place, *beside))
        return found

    told = [context for row in range(60) for context in contexts_of(row)]
    numbers = benchmark.contexts(codes, mask, 3, 2)
    assert len(set(zip(told, numbers.tolist(), strict=True))) == len(set(told))
    assert len(set(numbers.tolist())) == len(set(told))
    counts: dict[Any, Counter[int]] = {}
    for context, letter in zip(told, codes[mask].tolist(), strict=True):
        counts.setdefault(context, Counter())[letter] += 1
    best = [max(range(3), key=lambda of, c=c: (counts[c][of], -of)) for c in told]
    found = benchmark.table_rule((codes, mask), (codes, mask), 3, 2)
    np.testing.assert_array_equal(found, np.array(best) == codes[mask])


@pytest.mark.slow
def test_letters_of_a_genome_are_named_better_than_by_the_commonest(tmp_path: Path) -> None:
    """Genomes that repeat a word of 7 letters: what is hidden is told by what is around it."""
    folder = two_genomes(tmp_path / "genomes")
    for name, word in (("poor", "AATTACA"), ("rich", "GCGACCG")):
        (folder / f"{name}.fasta").write_text(f">{name}\n{word * 300}\n")
    config = pretraining(tmp_path / "run")
    config = dataclasses.replace(
        config,
        data=Data("dna", path=folder, length=60),
        discriminator=Discriminator("conv1d", width=16, depth=1),
        augment=Augment(policy="reverse_complement", probability=0.5, window=48),
        batch_size=32,
        total_nimg=32 * 300,
        steps_per_dispatch=20,
        log_nimg=32 * 300,
        snapshot_nimg=32 * 300,
        checkpoint_nimg=32 * 300,
        probe_nimg=0,
    )
    state = train(config, jax.devices()[:1])
    parts = assemble(config)
    held_out = load_source(config.data, "test")
    samples = jnp.asarray(held_out.encode(held_out[np.arange(64)].x))
    asked = parts.task.pose(parts.draws("held_out", jnp.arange(64), 0, 0), samples)
    answers = parts.task.answer(state.trained, state.discriminator_stats, asked)
    _, readings = parts.task.grade({}, Answered(answers, answers, jnp.arange(64)))
    assert readings["accuracy"] > readings["accuracy_of_commonest"] + 0.2
