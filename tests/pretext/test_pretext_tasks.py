"""Each pretext against its plain form: orders, puzzles, masks, losses, and what it is judged by."""

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import log_softmax

from cgan.config import Augment, Data, Descent, Discriminator, Generator, Pretext, Pretraining
from cgan.data import load_source
from cgan.pretext import jigsaw
from cgan.pretext.parts import PretextParts, assemble, descent, mean_image
from cgan.pretext.task import Answered
from cgan.rng import row_keys, stream_key

BATCH = 12


def pretraining(task: Any, **pretext: Any) -> Pretraining:
    return Pretraining(
        workdir=Path("unused"),
        data=Data("digits"),
        pretext=Pretext(task, **pretext),
        generator=Generator("conv", latent_dim=5, width=4, depth=1),
        discriminator=Discriminator("conv", width=4, depth=1),
        augment=Augment(strength=0.5 if task == "contrastive" else 0.0),
        batch_size=BATCH,
    )


def images() -> Any:
    source = load_source(Data("digits"), "train")
    return jnp.asarray(source.encode(source[np.arange(BATCH)].x))


def posed(parts: PretextParts) -> Any:
    return parts.task.pose(parts.draws("train", jnp.arange(BATCH), 3, 3), images())


def graded(parts: PretextParts, answers: Any, learnt: Any) -> Any:
    return parts.task.grade(learnt, Answered(answers, answers, jnp.arange(BATCH)))


def hamming(one: Any, other: Any) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def distances(orders: Any) -> list[int]:
    return [hamming(one, other) for one, other in itertools.combinations(orders.tolist(), 2)]


@pytest.mark.parametrize("places", [4, 9])
def test_the_first_orders_of_as_many_things_differ_in_every_place(places: int) -> None:
    """As the rows of a Latin square do: no set of as many orders is further apart."""
    assert set(distances(jigsaw.far_apart(places, places))) == {places}


def test_orders_are_permutations_and_further_apart_than_random_ones() -> None:
    orders = jigsaw.far_apart(9, 30)
    assert [sorted(order) for order in orders.tolist()] == [list(range(9))] * 30
    rng = np.random.default_rng(0)
    of_chance = (
        min(distances(rng.permuted(np.tile(range(9), (30, 1)), axis=1))) for _ in range(50)
    )
    assert min(distances(orders)) > max(of_chance)


def test_each_next_order_is_a_furthest_one() -> None:
    """By going through all orders again, without the running minimum."""
    chosen = jigsaw.far_apart(4, 7).tolist()
    everything = [list(order) for order in itertools.permutations(range(4))]
    for count in range(1, len(chosen)):
        before = chosen[:count]
        of_next = [
            (min(hamming(one, other) for other in before), sum(hamming(one, o) for o in before))
            for one in everything
        ]
        assert of_next[everything.index(chosen[count])] == max(of_next)


def test_all_orders_are_had_and_many_places_are_drawn_from() -> None:
    assert len({tuple(order) for order in jigsaw.far_apart(4, 24).tolist()}) == 24
    orders = jigsaw.far_apart(16, 30)
    assert [sorted(order) for order in orders.tolist()] == [list(range(16))] * 30
    assert min(distances(orders)) >= 14


def test_a_puzzle_shows_windows_of_the_tiles_in_the_order_that_is_told() -> None:
    parts = assemble(pretraining("jigsaw"))
    task: Any = parts.task
    found = posed(parts)
    assert task.orders.shape == (24, 4)
    assert len(set(found.order.tolist())) > 3
    side = 3  # of 4 pixels, a quarter is left out
    for image, puzzle, number in zip(images(), found.posed, found.order.tolist(), strict=True):
        for place, tile in enumerate(task.orders[number]):
            row, column = divmod(int(tile), 2)
            whole = np.asarray(image)[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            windows = [
                0.5 * (window - window.mean()) / np.sqrt(window.var() + 0.01)
                for top, left in itertools.product(range(2), repeat=2)
                for window in [whole[top : top + side, left : left + side]]
            ]
            at_row, at_column = divmod(place, 2)
            shown = np.asarray(puzzle)[4 * at_row :, 4 * at_column :][:4, :4]
            assert any(np.allclose(shown[:side, :side], window, atol=1e-5) for window in windows)
            assert not shown[side:].any()
            assert not shown[:, side:].any()


def test_tiles_are_cut_and_put_together_again() -> None:
    image = images()[0]
    cut = jigsaw.in_tiles(image, 2)
    np.testing.assert_array_equal(cut[1], image[:4, 4:])
    np.testing.assert_array_equal(jigsaw.out_of_tiles(cut, 2), image)


def test_the_right_answer_solves_a_puzzle_and_a_wrong_one_does_not() -> None:
    """The likeliest order is made the right one for the first half, and one beside it else."""
    parts = assemble(pretraining("jigsaw"))
    state, questions = parts.init_state(), posed(parts)
    right = np.asarray(questions.order)
    wrong = np.where(np.arange(BATCH) < BATCH // 2, right, (right + 1) % 24)
    parts.task._logits = lambda *_: jnp.asarray(np.eye(24)[wrong])  # type: ignore[attr-defined]
    panels = parts.task.panels(state.trained, state.discriminator_stats, questions, images())
    solved, original = np.asarray(panels[:, 1]), np.asarray(panels[:, 2])
    np.testing.assert_array_equal(original, images())
    same = (solved == original).all(axis=(1, 2, 3))
    assert same.tolist() == [True] * (BATCH // 2) + [False] * (BATCH // 2)


def test_the_jigsaws_loss_is_the_cross_entropy_of_its_logits() -> None:
    parts = assemble(pretraining("jigsaw", orders=6))
    state, questions = parts.init_state(), posed(parts)
    answers = parts.task.answer(state.trained, state.discriminator_stats, questions)
    terms, readings = graded(parts, answers, {})
    features = parts.networks.features(
        state.discriminator, state.discriminator_stats, questions.posed
    )
    logits = np.asarray(features, float) @ np.asarray(state.readout["kernel"], float)
    rows, right = np.arange(BATCH), np.asarray(questions.order)
    expected = -log_softmax(logits, axis=1)[rows, right]
    np.testing.assert_allclose(terms["cross_entropy"], expected, rtol=1e-4)
    assert readings["accuracy"] == pytest.approx((logits.argmax(axis=1) == right).mean())


def test_as_many_patches_are_hidden_and_what_is_hidden_is_grey() -> None:
    parts = assemble(pretraining("masked", hidden=0.3))
    found = posed(parts)
    masks = np.asarray(found.mask)[..., 0]
    patches = masks.reshape(BATCH, 4, 2, 4, 2)
    np.testing.assert_array_equal(patches.min(axis=(2, 4)), patches.max(axis=(2, 4)))
    assert (masks.sum(axis=(1, 2)) == 5 * 4).all()  # 0.3 of 16, rounded
    assert len({mask.tobytes() for mask in masks}) > BATCH // 2
    np.testing.assert_array_equal(found.images, images())


def test_the_trunk_sees_nothing_of_what_is_hidden() -> None:
    parts = assemble(pretraining("masked"))
    state, questions = parts.init_state(), posed(parts)
    changed = questions._replace(
        images=jnp.where(questions.mask > 0, -questions.images + 0.3, questions.images)
    )
    made = [
        parts.task._made(state.trained, state.discriminator_stats, of)  # type: ignore[attr-defined]
        for of in (questions, changed)
    ]
    np.testing.assert_array_equal(*made)


def test_errors_are_of_hidden_and_of_visible_pixels() -> None:
    parts = assemble(pretraining("masked", visible_weight=0.25))
    state, questions = parts.init_state(), posed(parts)
    answers = parts.task.answer(state.trained, state.discriminator_stats, questions)
    terms, readings = graded(parts, answers, {})
    features = parts.networks.features(
        state.discriminator,
        state.discriminator_stats,
        questions.images * (1 - questions.mask),
    )
    codes = np.asarray(features, float) @ np.asarray(state.readout["kernel"], float)
    codes *= math.sqrt(5) / np.linalg.norm(codes, axis=1, keepdims=True)
    made = parts.networks.generate(state.generator, jnp.asarray(codes, jnp.float32))
    hidden = np.broadcast_to(np.asarray(questions.mask) > 0, made.shape)
    of_made, of_mean = (
        np.square(np.asarray(of) - np.asarray(questions.images))
        for of in (made, mean_image(parts.source)[None])
    )
    of_hidden = [square[which].mean() for square, which in zip(of_made, hidden, strict=True)]
    of_visible = [square[~which].mean() for square, which in zip(of_made, hidden, strict=True)]
    np.testing.assert_allclose(terms["hidden"], of_hidden, rtol=1e-4)
    np.testing.assert_allclose(terms["visible"], 0.25 * np.array(of_visible), rtol=1e-4)
    assert readings["hidden_error"] == pytest.approx(of_made[hidden].mean(), rel=1e-4)
    assert readings["visible_error"] == pytest.approx(of_made[~hidden].mean(), rel=1e-4)
    explained = 1 - of_made[hidden].mean() / of_mean[hidden].mean()
    assert readings["explained"] == pytest.approx(explained, rel=1e-3)


def test_pictures_of_masks_keep_what_was_to_be_seen() -> None:
    parts = assemble(pretraining("masked"))
    state, questions = parts.init_state(), posed(parts)
    panels = parts.task.panels(state.trained, state.discriminator_stats, questions, images())
    shown, filled, made, original = (np.asarray(panels[:, at]) for at in range(4))
    hidden = np.asarray(questions.mask) > 0
    np.testing.assert_array_equal(shown, np.where(hidden, 0, original))
    np.testing.assert_array_equal(filled, np.where(hidden, made, original))
    np.testing.assert_array_equal(original, images())


def embedded(parts: PretextParts, samples: Any) -> np.ndarray:
    state = parts.init_state()
    said = parts.networks.discriminate(state.discriminator, state.discriminator_stats, samples)
    return np.asarray(said.embedding, float)


def test_the_contrast_is_that_of_a_real_with_all_others_and_no_fakes() -> None:
    parts = assemble(pretraining("contrastive", dimensions=3, temperature=0.2))
    state, questions = parts.init_state(), posed(parts)
    answers = parts.task.answer(state.trained, state.discriminator_stats, questions)
    terms, readings = graded(parts, answers, {})
    one, other = embedded(parts, questions.one), embedded(parts, questions.other)
    expected, right = [], []
    for row in range(BATCH):
        positive = one[row] @ other[row]
        negatives = [one[row] @ one[at] for at in range(BATCH) if at != row]
        total = sum(math.exp(of / 0.2) for of in (positive, *negatives))
        expected.append(-math.log(math.exp(positive / 0.2) / total))
        right.append(positive > max(negatives))
    np.testing.assert_allclose(terms["contrast"], expected, rtol=1e-4)
    assert readings["accuracy"] == pytest.approx(np.mean(right))


def test_either_view_may_be_told_from_both_views_of_all_others() -> None:
    parts = assemble(pretraining("contrastive", dimensions=3, temperature=0.2, both_views=True))
    state, questions = parts.init_state(), posed(parts)
    answers = parts.task.answer(state.trained, state.discriminator_stats, questions)
    terms, _ = graded(parts, answers, {})
    both = np.concatenate([embedded(parts, questions.one), embedded(parts, questions.other)])
    logits = both @ both.T / 0.2
    np.fill_diagonal(logits, -np.inf)
    partners = np.roll(np.arange(2 * BATCH), BATCH)
    losses = -log_softmax(logits, axis=1)[np.arange(2 * BATCH), partners]
    expected = losses.reshape(2, BATCH).mean(axis=0)
    np.testing.assert_allclose(terms["contrast"], expected, rtol=1e-4)


def test_a_learnt_temperature_is_told_and_kept_within_its_bounds() -> None:
    parts = assemble(pretraining("contrastive", dimensions=3, temperature_bounds=(0.05, 0.2)))
    state, questions = parts.init_state(), posed(parts)
    answers = parts.task.answer(state.trained, state.discriminator_stats, questions)
    _, readings = graded(parts, answers, state.learnt)
    assert readings["temperature"] == pytest.approx(0.1)
    kept = parts.task.project({"log_temperature": jnp.asarray(5.0)})
    assert float(jnp.exp(kept["log_temperature"])) == pytest.approx(0.2)


def test_neighbors_are_the_nearest_of_the_gallery_the_nearest_first() -> None:
    parts = assemble(pretraining("contrastive", dimensions=3))
    state, questions = parts.init_state(), posed(parts)
    gallery = -images()[::-1] + 0.1
    panels = parts.task.panels(state.trained, state.discriminator_stats, questions, gallery)
    cosines = embedded(parts, images()) @ embedded(parts, gallery).T
    np.testing.assert_array_equal(panels[:, 0], images())
    assert np.isnan(panels[:, 1]).all()
    for row, order in enumerate(np.argsort(-cosines, axis=1)[:, :6]):
        np.testing.assert_array_equal(panels[row, 2:], np.asarray(gallery)[order])


@pytest.mark.parametrize("task", ["contrastive", "jigsaw", "masked"])
def test_what_is_drawn_is_each_rows_own_and_other_at_each_step(task: Any) -> None:
    parts = assemble(pretraining(task))
    everything = posed(parts)
    draws = parts.draws("train", jnp.arange(4, 8), 3, 3)
    some = parts.task.pose(draws, images()[4:8])
    for whole, part in zip(jax.tree.leaves(everything), jax.tree.leaves(some), strict=True):
        np.testing.assert_allclose(whole[4:8], part, atol=1e-6)
    later = parts.task.pose(parts.draws("train", jnp.arange(BATCH), 4, 4), images())
    assert any(
        (np.asarray(a) != np.asarray(b)).any()
        for a, b in zip(jax.tree.leaves(everything), jax.tree.leaves(later), strict=True)
    )


def test_a_long_gradient_is_cut_and_its_direction_kept() -> None:
    """To length 1, so that Adam's memory of its square is that of a short one."""
    of_all = dataclasses.replace(pretraining("jigsaw"), optim=Descent(beta1=0.0, beta2=0.5))
    for limit, factor in ((1.0, 0.1), (None, 1.0), (20.0, 1.0)):
        config = dataclasses.replace(
            of_all, optim=dataclasses.replace(of_all.optim, max_grad_norm=limit)
        )
        optimizer, params = descent(config), jnp.zeros(2)
        _, state = optimizer.update(jnp.array([6.0, 8.0]), optimizer.init(params), params)
        (squares,) = (leaf.nu for leaf in jax.tree.leaves(state, is_leaf=is_adam) if is_adam(leaf))
        np.testing.assert_allclose(squares, 0.5 * np.square([6 * factor, 8 * factor]), rtol=1e-5)


def is_adam(of: Any) -> bool:
    return isinstance(of, optax.ScaleByAdamState)


def test_streams_of_a_row_are_apart() -> None:
    parts = assemble(pretraining("contrastive"))
    draws = parts.draws("train", jnp.arange(2), 0, 0)
    kinds = [jax.random.key_data(draws.keys(name)) for name in ("views/one", "views/other")]
    assert (kinds[0] != kinds[1]).all()
    images = jax.random.uniform(jax.random.key(1), (2, 8, 8, 1))
    posed = parts.task.pose(draws, images)
    assert float(jnp.abs(posed.one - posed.other).max()) > 0.01
    expected = row_keys(stream_key(0, "pretext/train/views/one"), jnp.arange(2))
    np.testing.assert_array_equal(kinds[0], jax.random.key_data(expected))
