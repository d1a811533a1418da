"""Samples of earlier steps as further columns: against float64 NumPy, one pair at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective_oracles import (
    BATCH,
    CURVE_NAMES,
    ORACLES,
    cosine,
    embedding_batch,
    label,
    play,
    score_batch,
    softplus,
    some_embeddings,
    some_scores,
    total,
)

from cgan.objectives import PairedOutputs, Stale
from cgan.objectives.classic import CLASSIC
from cgan.objectives.comparisons import EmbeddingComparison, ScoreComparison
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES
from cgan.objectives.neighbor import NeighborGame
from cgan.objectives.outputs import NO_OUTPUT
from cgan.types import DiscriminatorOutput

SLOTS = 6
THERE = np.array([True, False, True, True, False, True])
LABELS, OLD_LABELS = np.array([0, 1, 0, 2]), np.array([0, 0, 1, 2, 1, 1])
"""The real of class 2 meets one old sample alone, that of class 0 another."""
MEANS = [name for name in CURVE_NAMES if name[1] == "mean"]
every_curve = pytest.mark.parametrize("curve", MEANS, ids=label)
TAU = 0.4
classes = pytest.mark.parametrize("classed", [False, True], ids=["all", "same class"])


def met(classed: bool) -> np.ndarray:
    """Whether each row meets each old column, `[rows, slots]`."""
    found = np.broadcast_to(THERE, (BATCH, SLOTS))
    return found & (LABELS[:, None] == OLD_LABELS) if classed else found


def old_embeddings() -> list[np.ndarray]:
    """Embeddings of reals, of their other views and of fakes, in the bank's slots."""
    return some_embeddings(seed=7, size=SLOTS)


def stale(classed: bool = False, there: np.ndarray = THERE) -> Stale:
    """Columns of embeddings."""
    real, other, fake = map(jnp.asarray, old_embeddings())
    agreement = jnp.sum(real * other, axis=1)
    of = (DiscriminatorOutput(None, side) for side in (real, fake))
    meets = jnp.asarray(LABELS[:, None] == OLD_LABELS) if classed else None
    return Stale(PairedOutputs(*of, agreement), jnp.asarray(there), meets)


def replayed(there=THERE[:BATCH], classed: bool = False, seed: int = 5) -> Stale:
    """Columns of scores: as many as the batch has rows."""
    scores = jnp.asarray(some_scores(seed)[1])
    meets = jnp.asarray(LABELS[:, None] == OLD_LABELS[:BATCH]) if classed else None
    outputs = PairedOutputs(NO_OUTPUT, DiscriminatorOutput(scores, None))
    return Stale(outputs, jnp.asarray(there), meets)


def in_class(batch, classed: bool):
    mask = jnp.asarray(LABELS[:, None] == LABELS) if classed else None
    return batch._replace(mask=mask)


@classes
@every_curve
def test_a_real_meets_old_fakes_beside_those_of_today(curve, classed):
    real, fake = some_scores()
    old, columns = np.float64(some_scores(5)[1]), replayed(classed=classed)
    game = Contrastive(ScoreComparison(), CURVES[curve], temperature=TAU, meets_stale=True)
    batch = in_class(score_batch(real, fake)._replace(stale=columns), classed)
    found = play(game, "discriminator", batch)
    alike = LABELS[:, None] == LABELS if classed else np.ones((BATCH, BATCH), bool)
    mask = met(classed)[:, :BATCH]
    for row in range(BATCH):
        margins = [np.float64(real[row]) - np.float64(fake[j]) for j in np.flatnonzero(alike[row])]
        margins += [np.float64(real[row]) - old[j] for j in np.flatnonzero(mask[row])]
        margins = np.sort(margins) / TAU
        expected = ORACLES[curve](margins, np.ones(len(margins))) / 2
        np.testing.assert_allclose(found["real_vs_fakes"][row], expected, rtol=2e-5)
    without = play(game, "discriminator", in_class(score_batch(real, fake), classed))
    np.testing.assert_array_equal(found["fake_vs_reals"], without["fake_vs_reals"])


@classes
@every_curve
def test_the_mirrored_game_meets_old_fakes_and_by_the_dual_old_reals(curve, classed):
    real, other, fake = some_embeddings()
    old_real, old_other, old_fake = old_embeddings()
    game = Contrastive(EmbeddingComparison(), CURVES[curve], temperature=TAU, meets_stale=True)
    batch = in_class(embedding_batch(real, other, fake), classed)._replace(stale=stale(classed))
    found = play(game, "discriminator", batch)
    alike = LABELS[:, None] == LABELS if classed else np.ones((BATCH, BATCH), bool)
    for row in range(BATCH):
        today, before = np.flatnonzero(alike[row]), np.flatnonzero(met(classed)[row])
        own = cosine(real[row], other[row])
        margins = {
            "real_vs_fakes": [own - cosine(real[row], fake[j]) for j in today]
            + [own - cosine(real[row], old_fake[j]) for j in before],
            "fake_vs_reals": [cosine(real[i], other[i]) - cosine(fake[row], real[i]) for i in today]
            + [cosine(old_real[i], old_other[i]) - cosine(fake[row], old_real[i]) for i in before],
        }
        for name, values in margins.items():
            values = np.sort(values) / TAU
            expected = ORACLES[curve](values, np.ones(len(values))) / 2
            np.testing.assert_allclose(found[name][row], expected, rtol=2e-5, err_msg=name)


@classes
@pytest.mark.parametrize("negatives", ["both", "fakes", "reals"])
def test_another_view_of_a_real_is_told_from_old_samples_of_the_same_kinds(negatives, classed):
    real, other, fake = some_embeddings()
    old_real, _, old_fake = old_embeddings()
    game = NeighborGame(TAU, negatives=negatives, graded=True, meets_stale=True)
    batch = in_class(embedding_batch(real, other, fake), classed)
    found = play(game, "discriminator", batch._replace(stale=stale(classed)))
    alike = LABELS[:, None] == LABELS if classed else np.ones((BATCH, BATCH), bool)
    for row in range(BATCH):
        before = np.flatnonzero(met(classed)[row])
        columns = []
        if negatives != "reals":
            columns += [fake[j] for j in np.flatnonzero(alike[row])]
            columns += [old_fake[j] for j in before]
        if negatives != "fakes":
            columns += [real[k] for k in np.flatnonzero(alike[row]) if k != row]
            columns += [old_real[k] for k in before]
        logits = [cosine(real[row], of) / TAU for of in columns]
        expected = softplus(np.logaddexp.reduce(logits) - cosine(real[row], other[row]) / TAU)
        np.testing.assert_allclose(found["contrast"][row], expected, rtol=2e-5)
    densities = play(game, "discriminator", batch)
    for name in ("covering", "realism"):  # of today's reals and fakes alone
        np.testing.assert_array_equal(found[name], densities[name])


@pytest.mark.parametrize("loss", CLASSIC)
def test_a_classic_loss_takes_the_mean_over_fakes_of_today_and_of_before(loss):
    game, (real, fake), columns = CLASSIC[loss], some_scores(), replayed()
    batch = score_batch(real, fake)
    local = batch.local._replace(stale=columns.outputs.fake.score)
    found = play(game, "discriminator", batch._replace(local=local, stale=columns))
    old = some_scores(5)[1][THERE[:BATCH]]
    expected = np.mean(np.float64(game.fake(jnp.concatenate([fake, old]))))
    np.testing.assert_allclose(found["fake"].mean() + found["stale"].mean(), expected, rtol=1e-6)
    np.testing.assert_array_equal(found["real"], game.real(jnp.asarray(real)))


GAMES = {
    **{
        " ".join(curve): (Contrastive(ScoreComparison(), CURVES[curve], meets_stale=True), "score")
        for curve in MEANS
    },
    "hard": (
        Contrastive(
            ScoreComparison(), CURVES["softmax", "mean"], hardness=2.0, top_k=3, meets_stale=True
        ),
        "score",
    ),
    "hinge": (CLASSIC["hinge"], "score"),
    "mirrored": (
        Contrastive(EmbeddingComparison(), CURVES["pairwise", "mean"], meets_stale=True),
        "embedding",
    ),
    "neighbor": (NeighborGame(meets_stale=True, graded=True), "embedding"),
}


def batches(head: str, there: np.ndarray, seed: int = 7):
    """A batch without a bank, and with one in which only some slots are filled."""
    if head == "score":
        batch, columns = score_batch(*some_scores()), replayed(there[:BATCH], seed=seed)
        local = batch.local._replace(stale=columns.outputs.fake.score)
        return batch, batch._replace(local=local, stale=columns)
    batch = embedding_batch(*some_embeddings())
    return batch, batch._replace(stale=stale(there=there))


@pytest.mark.parametrize("name", GAMES)
def test_an_empty_bank_does_nothing(name):
    game, head = GAMES[name]
    without, empty = batches(head, np.zeros(SLOTS, bool))
    expected, found = (play(game, "discriminator", batch) for batch in (without, empty))
    assert not found.pop("stale", jnp.zeros(1)).any()
    for term in expected:
        np.testing.assert_allclose(found[term], expected[term], rtol=1e-6, err_msg=term)


@pytest.mark.parametrize("name", GAMES)
def test_the_generator_meets_nothing_of_a_bank(name):
    game, head = GAMES[name]
    without, full = batches(head, np.ones(SLOTS, bool))
    expected, found = (play(game, "generator", batch) for batch in (without, full))
    assert found.keys() == expected.keys()
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    told = [total(play(game, "discriminator", batch)) for batch in (without, full)]
    assert abs(told[0] - told[1]) > 1e-3  # the discriminator does


@pytest.mark.parametrize("curve", [("softmax", "mean"), ("pairwise", "mean")], ids=label)
def test_with_gradients_through_old_scores_no_loss_moves_the_level_of_all_scores(curve):
    """Differences alone count. Were old scores constants, all others would be pushed up forever."""
    game = Contrastive(ScoreComparison(), CURVES[curve], meets_stale=True)
    batch, full = batches("score", np.ones(SLOTS, bool))

    def loss(level, of_old):
        both = jax.tree.map(lambda scores: scores + level, batch.local)
        outputs = jax.tree.map(lambda scores: scores + of_old, full.stale.outputs)
        moved = batch._replace(local=both, whole=both, stale=full.stale._replace(outputs=outputs))
        return total(play(game, "discriminator", moved))

    level, old = jax.grad(loss, argnums=(0, 1))(0.0, 0.0)
    np.testing.assert_allclose(level + old, 0, atol=1e-6)
    assert old > 0.05


def test_a_missing_bank_is_refused_where_one_is_read():
    with pytest.raises(TypeError, match="nothing stale is there"):
        score_batch(*some_scores()).with_stale()
