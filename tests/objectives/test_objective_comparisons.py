"""Where margins come from: scores and cosines, whose rows, and which fakes a real meets."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective_oracles import (
    BATCH,
    OFFSETS,
    PLAYERS,
    assert_terms,
    embedding_batch,
    embedding_margin,
    oracle_terms,
    play,
    score_batch,
    score_margin,
    some_embeddings,
    some_scores,
)

from cgan.objectives import BatchOutputs, PairedOutputs, draw_offsets, gaps
from cgan.objectives.comparisons import (
    Comparison,
    EmbeddingComparison,
    ScoreComparison,
    products,
)
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES
from cgan.system.compile_options import options
from cgan.types import DiscriminatorOutput

SOFTMAX = "softmax", "mean"
CASES = {
    "critic": (ScoreComparison(), score_batch, score_margin, some_scores),
    "embedding": (EmbeddingComparison(), embedding_batch, embedding_margin, some_embeddings),
}
every_comparison = pytest.mark.parametrize(
    ("comparison", "batch_of", "margin_of", "draw"), CASES.values(), ids=CASES
)


def some_pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return tuple(
        rng.normal(size=shape).astype(np.float32) for shape in ((48, 8), (40, 8), (48, 40))
    )


def pulled_back(rows, columns, slopes):
    return jax.vjp(products, rows, columns)[1](slopes)


def test_inner_products_have_derivatives_and_batches():
    rows, columns, slopes = some_pairs()
    both = rows @ columns.T
    batched = jax.vmap(products)(np.stack([rows, -rows]), np.stack([columns, columns]))
    found = {
        "value and tangent": np.stack(jax.jvp(products, (rows, columns), (rows, columns))),
        "of rows": pulled_back(rows, columns, slopes)[0],
        "of columns": pulled_back(rows, columns, slopes)[1],
        "batched": batched,
    }
    expected = {
        "value and tangent": np.stack([both, 2 * both]),
        "of rows": slopes @ columns,
        "of columns": slopes.T @ rows,
        "batched": np.stack([both, -both]),
    }
    assert_terms(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="accelerators transpose as they like")
def test_the_gradient_of_inner_products_does_not_transpose_all_pairs():
    """XLA would transpose `[n, m]` slopes to make the columns' `[m, d]` by one product."""
    program = jax.jit(pulled_back).lower(*some_pairs()).compile(compiler_options=options())
    shapes = re.findall(r"= f32\[(\d+,\d+)\]\S* (?:dot|fusion)\(", program.as_text())
    assert "8,40" in shapes
    assert "40,48" not in shapes


@every_comparison
def test_margins_equal_those_of_each_pair_in_float64(comparison, batch_of, margin_of, draw):
    sides = draw()
    margin, batch = margin_of(*sides), batch_of(*sides)
    expected = [[margin(i, j) for j in range(BATCH)] for i in range(BATCH)]
    assert isinstance(comparison, Comparison)
    np.testing.assert_allclose(comparison.real_rows(batch), expected, rtol=1e-5, atol=1e-6)
    found = comparison.fake_rows(batch)
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-5, atol=1e-6)


@every_comparison
def test_margins_of_bfloat16_outputs_are_computed_in_float32(comparison, batch_of, margin_of, draw):
    rounded = [jnp.asarray(side, jnp.bfloat16) for side in draw()]
    batch, exact = batch_of(*rounded), batch_of(*(side.astype(jnp.float32) for side in rounded))
    if comparison is CASES["embedding"][0]:  # the agreement is an output: rounded before it comes
        agreement = batch.local.agreement
        outputs = exact.local._replace(agreement=agreement.astype(jnp.float32))
        exact = exact._replace(local=outputs, whole=outputs)
    for rows in (comparison.real_rows, comparison.fake_rows):
        assert rows(batch).dtype == jnp.float32
        np.testing.assert_array_equal(rows(batch), rows(exact))


@every_comparison
@pytest.mark.parametrize("k", OFFSETS)
@pytest.mark.parametrize("player", PLAYERS)
def test_each_sample_is_graded_on_the_right_pairs(comparison, batch_of, margin_of, draw, k, player):
    sides = draw()
    game = Contrastive(comparison, CURVES[SOFTMAX], temperature=0.2)
    settings = {"player": player, "temperature": 0.2}
    expected = oracle_terms(SOFTMAX, margin_of(*sides), OFFSETS[k], **settings)
    assert_terms(play(game, player, batch_of(*sides, OFFSETS[k])), expected, rtol=2e-5)


@every_comparison
@pytest.mark.parametrize("k", OFFSETS)
def test_local_rows_are_graded_against_the_whole_batch(comparison, batch_of, margin_of, draw, k):
    """As on a device that holds rows 2 and 3 only, one after the other or not."""
    batch = batch_of(*draw(), OFFSETS[k])
    game = Contrastive(comparison, CURVES[SOFTMAX])
    terms = jax.jit(lambda batch: {player: play(game, player, batch) for player in PLAYERS})
    whole = terms(batch)
    for rows in (np.array([2, 3]), np.array([3, 0])):
        local = jax.tree.map(lambda leaf, rows=rows: np.asarray(leaf)[rows], batch.whole)
        part = batch._replace(local=jax.tree.map(jnp.asarray, local), rows=jnp.asarray(rows))
        for player, found in terms(part).items():
            expected = {name: np.asarray(term)[rows] for name, term in whole[player].items()}
            assert_terms(found, expected, rtol=1e-6)


@pytest.mark.parametrize("k", OFFSETS)
def test_both_directions_grade_the_same_pairs_and_none_twice(k):
    met = []

    def recording_curve(margins, weights):
        met.append(np.asarray(margins).ravel().tolist())
        return margins.mean(axis=1)

    real, fake = 100 * jnp.arange(4.0), jnp.arange(4.0)  # a margin names its pair
    game = Contrastive(ScoreComparison(), recording_curve)
    game.discriminator_terms({}, score_batch(real, fake, OFFSETS[k]))
    from_reals, from_fakes = met
    assert len(set(from_reals)) == BATCH * k
    assert sorted(from_reals) == sorted(from_fakes)


@pytest.mark.parametrize(
    "comparison", [ScoreComparison(), EmbeddingComparison()], ids=["critic", "embedding"]
)
def test_a_missing_head_is_refused(comparison):
    nothing = PairedOutputs(DiscriminatorOutput(None, None), DiscriminatorOutput(None, None))
    batch = BatchOutputs(nothing, nothing, jnp.arange(BATCH), jnp.arange(BATCH))
    for rows in (comparison.real_rows, comparison.fake_rows):
        with pytest.raises(TypeError, match="no such head"):
            rows(batch)


@pytest.mark.parametrize(("size", "k"), [(8, 1), (8, 3), (8, 8), (1, 1)])
def test_offsets_are_distinct_and_in_range_under_jit_too(size, k):
    draw = jax.jit(lambda key: draw_offsets(key, size, k))
    for seed in range(5):
        offsets = draw(jax.random.key(seed))
        assert offsets.shape == (k,)
        np.testing.assert_array_equal(offsets, draw_offsets(jax.random.key(seed), size, k))
        assert len(set(offsets.tolist()) & set(range(size))) == k


def test_offsets_differ_between_keys_and_all_are_drawn_equally_often():
    keys = jax.random.split(jax.random.key(0), 2000)
    drawn = np.asarray(jax.vmap(lambda key: draw_offsets(key, 8, 3))(keys))
    assert len(np.unique(np.sort(drawn, axis=1), axis=0)) == 56  # all of 8 over 3
    np.testing.assert_allclose(np.bincount(drawn.ravel()) / 2000, 3 / 8, atol=0.05)


def test_gaps_are_mean_margins_of_the_heads_that_are_there():
    scores, vectors = some_scores(), some_embeddings()
    by_scores, by_vectors = score_batch(*scores), embedding_batch(*vectors)
    pairs = [(i, j) for i in range(BATCH) for j in range(BATCH)]
    mean_score = np.mean([score_margin(*scores)(*pair) for pair in pairs])
    mean_cosine = np.mean([embedding_margin(*vectors)(*pair) for pair in pairs])
    found = {**gaps(by_scores), **gaps(by_vectors)}
    expected = {"score_gap": mean_score, "embedding_gap": mean_cosine}
    assert_terms(found, expected, rtol=1e-4)
