"""The neighbour game: float64 loops over pairs, signs in small cases, and what makes it fragile."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective_oracles import (
    PLAYERS,
    assert_terms,
    embedding_batch,
    play,
    softplus,
    some_embeddings,
    total,
)

from cgan.objectives import BatchOutputs, PairedOutputs
from cgan.objectives.neighbor import NeighborGame
from cgan.types import DiscriminatorOutput

SIZE, TAU = 6, 0.3
LABELS = np.array([0, 1, 0, 2, 1, 0])
"""The only row of class 2 has nobody to be compared with."""
GAMES = {
    "plain": NeighborGame(TAU),
    "covering": NeighborGame(TAU, halves="covering"),
    "realism": NeighborGame(TAU, halves="realism"),
    "other reals": NeighborGame(TAU, negatives="reals"),
    "fakes": NeighborGame(TAU, negatives="fakes"),
    "graded": NeighborGame(TAU, graded=True),
    "graded, covering": NeighborGame(TAU, graded=True, halves="covering"),
    "tolerant": NeighborGame(TAU, graded=True, tolerance=1.5),
    "two temperatures": NeighborGame(TAU, generator_temperature=0.7, graded=True),
}
TWO_SIDED = NeighborGame(TAU, coupling="two_sided")
every_game = pytest.mark.parametrize("name", GAMES)
classes = pytest.mark.parametrize("labels", [None, LABELS], ids=["all", "same class"])


def batch_of(sides, labels=None) -> BatchOutputs:
    batch = embedding_batch(*sides)
    if labels is None:
        return batch
    return batch._replace(mask=jnp.asarray(labels[:, None] == labels[None, :]))


def oracle(game: NeighborGame, player: str, sides, labels=None):
    """The terms in float64, one pair at a time, from the tables of `docs/neighbours.md`."""
    real, other, fake = (np.asarray(side, np.float64) for side in sides)
    labels = np.zeros(SIZE) if labels is None else labels
    met = {
        row: [column for column in range(SIZE) if labels[row] == labels[column]]
        for row in range(SIZE)
    }

    def density(sample, row, columns, tau):
        near = [math.exp(sample[row] @ columns[k] / tau) for k in met[row] if k != row]
        return math.log(sum(near) / len(near)) if near else None

    def at(samples, own, others, tau, sign):
        found = []
        for row in range(SIZE):
            more, less = density(samples, row, own, tau), density(samples, row, others, tau)
            found.append(0.0 if more is None else softplus(sign * (more - less) - game.tolerance))
        return found

    def graded(tau, sign):
        found = {"covering": at(real, real, fake, tau, sign)}
        found["realism"] = at(fake, fake, real, tau, sign)
        return {name: found[name] for name in found if game.halves in ("both", name)}

    if player == "generator":
        return graded(game.generator_temperature or game.temperature, 1)
    contrast = []
    for row in range(SIZE):
        worth = 0.0
        if game.negatives != "reals":
            worth += sum(math.exp(real[row] @ fake[k] / TAU) for k in met[row])
        if game.negatives != "fakes":
            worth += sum(math.exp(real[row] @ real[k] / TAU) for k in met[row] if k != row)
        contrast.append(math.log(1 + worth / math.exp(real[row] @ other[row] / TAU)))
    return {"contrast": contrast} | (graded(TAU, -1) if game.graded else {})


@every_game
@classes
def test_terms_equal_the_float64_oracle(name, labels):
    sides = some_embeddings(size=SIZE)
    for player in PLAYERS:
        found = play(GAMES[name], player, batch_of(sides, labels))
        assert_terms(found, oracle(GAMES[name], player, sides, labels), rtol=2e-5, atol=1e-6)


def test_the_learnt_temperature_is_the_discriminators_and_the_generators_may_be_another():
    sides = some_embeddings(size=SIZE)
    learnt = {"log_temperature": jnp.log(0.5)}
    for own in (None, 0.7):
        game = NeighborGame(9.0, (0.1, 10.0), generator_temperature=own, graded=True)
        plain = NeighborGame(0.5, generator_temperature=own, graded=True)
        for player in PLAYERS:
            found = play(game, player, batch_of(sides), learnt)
            assert_terms(found, play(plain, player, batch_of(sides)), rtol=1e-6)
    np.testing.assert_allclose(game.init()["log_temperature"], math.log(9), rtol=1e-6)
    hotter = game.project({"log_temperature": jnp.asarray(50.0)})
    np.testing.assert_allclose(game.readings(hotter)["temperature"], 10, rtol=1e-6)


def drift_by_algorithm_2(fake, real, tau):
    """Drifting (arXiv 2602.04770, algorithm 2) on cosines, written out: V of each fake."""
    size = len(fake)
    logits = np.full((size, 2 * size), -np.inf)
    for j in range(size):
        for i in range(size):
            logits[j, i] = fake[j] @ real[i] / tau
            if i != j:
                logits[j, size + i] = fake[j] @ fake[i] / tau
    kernel = np.exp(logits)
    weights = np.zeros_like(kernel)
    for j in range(size):
        for c in range(2 * size):
            by_row, by_column = kernel[j, c] / kernel[j].sum(), kernel[j, c] / kernel[:, c].sum()
            weights[j, c] = math.sqrt(by_row * by_column)
    drift = np.zeros_like(fake)
    for j in range(size):
        to_reals, to_fakes = weights[j, :size], weights[j, size:]
        for c in range(size):
            drift[j] += to_reals[c] * to_fakes.sum() * real[c]
            drift[j] -= to_fakes[c] * to_reals.sum() * fake[c]
    return drift


@pytest.mark.parametrize("tau", [0.1, 0.5])
def test_the_two_sided_coupling_moves_each_fake_along_the_drift_of_the_paper(tau):
    real, other, fake = some_embeddings(size=SIZE)
    game = NeighborGame(9.0, coupling="two_sided", generator_temperature=tau)

    def loss(fake):
        terms = play(game, "generator", batch_of([real, other, fake]))
        assert terms.keys() == {"coupling"}
        return SIZE * total(terms)

    drift = drift_by_algorithm_2(np.float64(fake), np.float64(real), tau)
    slopes = jax.grad(loss)(jnp.asarray(fake))
    np.testing.assert_allclose(slopes, -drift / tau, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(loss(jnp.asarray(fake)), -np.sum(fake * drift) / tau, rtol=1e-5)
    tolerant = dataclasses.replace(game, temperature=TAU, graded=True, tolerance=1.5)
    sides = [real, other, fake]
    graded = play(tolerant, "discriminator", batch_of(sides))
    assert_terms(graded, oracle(GAMES["tolerant"], "discriminator", sides), rtol=2e-5, atol=1e-6)
    contrast = play(game, "discriminator", batch_of([real, other, fake]))
    plain = play(NeighborGame(9.0), "discriminator", batch_of([real, other, fake]))
    assert_terms(contrast, plain, rtol=0)


@pytest.mark.parametrize("name", [*GAMES, "two-sided"])
def test_local_rows_are_graded_against_the_whole_batch_less_themselves(name):
    """As on a device that holds some rows only: a row is known by its number, not its place."""
    game = TWO_SIDED if name == "two-sided" else GAMES[name]
    batch = batch_of(some_embeddings(size=SIZE), LABELS)
    for rows in (np.array([2, 3]), np.array([5, 0])):
        local = jax.tree.map(lambda leaf, rows=rows: jnp.asarray(leaf)[rows], batch.whole)
        part = batch._replace(local=local, rows=jnp.asarray(rows), mask=batch.mask[rows])
        for player in PLAYERS:
            whole = play(game, player, batch)
            expected = {name: np.asarray(term)[rows] for name, term in whole.items()}
            assert_terms(play(game, player, part), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("game", [GAMES["graded"], TWO_SIDED], ids=["plain", "two-sided"])
def test_rows_may_come_in_any_order(game):
    """Terms follow their rows. A row's real and fake share its number, so they move together."""
    sides, order = some_embeddings(size=SIZE), np.array([3, 0, 5, 1, 4, 2])
    moved = [side[order] for side in sides]
    for player in PLAYERS:
        found = play(game, player, batch_of(moved))
        expected = play(game, player, batch_of(sides))
        assert_terms(found, {n: t[order] for n, t in expected.items()}, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("half", ["covering", "realism"])
def test_the_order_of_fakes_among_themselves_matters_only_by_the_row_that_is_left_out(half):
    """With that row's fake among others alike, it does not matter at all."""
    real, other, _ = some_embeddings(size=SIZE)
    fake = np.concatenate([np.repeat(real[:1], 3, axis=0), np.repeat(real[1:2], 3, axis=0)])
    swapped = fake[[1, 2, 0, 5, 3, 4]]
    game = NeighborGame(TAU, halves=half)
    one, two = (play(game, "generator", batch_of([real, other, f])) for f in (fake, swapped))
    assert_terms(one, {half: two[half]}, rtol=1e-6)


def slopes_of_fakes(game, real, fake):
    """The gradient of the generator's loss by each fake, along the sphere."""
    real, fake = (np.float32(side) / np.linalg.norm(side, axis=1)[:, None] for side in (real, fake))

    def loss(fake):
        batch = embedding_batch(real, real, fake)
        return len(real) * total(play(game, "generator", batch))

    found = np.asarray(jax.grad(loss)(jnp.asarray(fake)))
    return found - np.sum(found * fake, axis=1, keepdims=True) * fake


def direction(angle):
    return [math.cos(math.radians(angle)), math.sin(math.radians(angle))]


def turned(angle):
    """Where a vector of this angle goes when its angle grows."""
    return np.array(direction(angle + 90))


def test_a_real_without_a_fake_near_it_pulls_its_nearest_fake_most():
    reals, fakes = [0, 130, 10, 120], [0, 10, 60, 5]
    slopes = slopes_of_fakes(
        NeighborGame(0.2, halves="covering"),
        list(map(direction, reals)),
        list(map(direction, fakes)),
    )
    moves = [-slope @ turned(angle) for slope, angle in zip(slopes, fakes, strict=True)]
    assert moves.index(max(moves, key=abs)) == 2
    assert moves[2] > 0.1  # towards the reals at 120 and 130


def test_fakes_that_crowd_repel_each_other():
    """At the place of as many reals as elsewhere: they part, to either side."""
    reals, fakes = [0, 90, 180, 270], [-4, -1, 1, 4]
    slopes = slopes_of_fakes(
        NeighborGame(0.2, halves="realism"),
        list(map(direction, reals)),
        list(map(direction, fakes)),
    )
    moves = [-slope @ turned(angle) for slope, angle in zip(slopes, fakes, strict=True)]
    assert moves[0] < 0 < moves[3]
    assert moves[0] < moves[1]
    assert moves[2] < moves[3]


@pytest.mark.parametrize("half", ["realism", "both"])
def test_fakes_far_from_all_reals_are_drawn_to_them(half):
    """Two, that lie where no real is. Of them as a pair, since they part besides."""
    reals, fakes = [0, 5, 10, 15], [5, 8, 65, 70]
    slopes = slopes_of_fakes(
        NeighborGame(0.2, halves=half), list(map(direction, reals)), list(map(direction, fakes))
    )
    moves = [-slope @ turned(angle) for slope, angle in zip(slopes, fakes, strict=True)]
    assert moves[2] + moves[3] < -1


def test_a_lone_stray_among_fakes_that_lie_as_the_reals_do_hardly_moves():
    """Its own kernel is left out, so both densities slope alike where it is: the score's task."""
    reals, fakes = [0, 5, 10, 15], [5, 10, 70, 0]
    for game in (NeighborGame(0.2, halves="realism"), NeighborGame(0.2)):
        slopes = slopes_of_fakes(game, list(map(direction, reals)), list(map(direction, fakes)))
        assert np.linalg.norm(slopes[2]) < 0.3  # each of a pair there: about 3


def test_the_discriminator_draws_views_of_a_real_together_and_all_else_from_it():
    real, other, fake = some_embeddings(size=SIZE)

    def loss(sides):
        return total(play(GAMES["plain"], "discriminator", batch_of(sides)))

    def along(sides, moves):
        return jax.jvp(loss, (sides,), (moves,))[1]

    sides = [jnp.asarray(side) for side in (real, other, fake)]
    nothing = [jnp.zeros_like(side) for side in sides]
    assert along(sides, [nothing[0], sides[0], nothing[2]]) < 0
    assert along(sides, [nothing[0], nothing[1], sides[0]]) > 0
    assert along(sides, [sides[0].mean(axis=0) + nothing[0], nothing[1], nothing[2]]) > 0


def compiled(game):
    """Both players' losses and gradients by reals, other views and fakes."""

    def loss(sides, labels):
        batch = embedding_batch(*sides)
        if labels is not None:
            batch = batch._replace(mask=labels[:, None] == labels[None, :])
        return sum(total(play(game, player, batch)) for player in PLAYERS)

    return jax.jit(jax.value_and_grad(loss))


EVERY_KIND = [NeighborGame(TAU, graded=True), TWO_SIDED]
kinds = pytest.mark.parametrize("game", EVERY_KIND, ids=["plain", "two-sided"])


def assert_finite(tree):
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]
    assert leaves
    assert all(np.isfinite(leaf).all() for leaf in leaves)


@kinds
@pytest.mark.parametrize("tau", [1e-3, 1e3])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_any_temperature_duplicates_and_short_floats_are_finite(game, tau, dtype):
    """The same real twice, fakes that are reals, all of them one vector, and opposite ones."""
    real, other, fake = some_embeddings(size=SIZE)
    same = np.repeat(real[:1], SIZE, axis=0)
    evaluate = compiled(dataclasses.replace(game, temperature=tau))
    for sides in (
        [real, other, fake],
        [real[[0, 0, 1, 2, 3, 4]], other, fake],
        [real, real, real],
        [same, same, same],
        [same, same, -same],
        [same, -same, same],
    ):
        assert_finite(evaluate([jnp.asarray(side, dtype) for side in sides], None))


@kinds
def test_a_batch_of_two_compares_each_row_with_the_other(game):
    real, other, fake = (side[:2] for side in some_embeddings(size=SIZE))
    sides = [jnp.asarray(side) for side in (real, other, fake)]
    assert_finite(compiled(game)(sides, None))
    if game.coupling == "sample":
        found = play(game, "generator", embedding_batch(*sides))
        ratio = (real[0] @ real[1] - real[0] @ fake[1]) / TAU
        np.testing.assert_allclose(found["covering"][0], softplus(np.float64(ratio)), rtol=1e-5)


def test_a_class_of_one_row_costs_nothing_and_its_gradient_is_finite():
    sides = [jnp.asarray(side) for side in some_embeddings(size=SIZE)]
    game = NeighborGame(TAU, graded=True, negatives="reals")
    evaluate = compiled(game)
    for labels in (LABELS, np.arange(SIZE)):
        value, slopes = evaluate(sides, jnp.asarray(labels))
        assert_finite((value, slopes))
        alone = [row for row in range(SIZE) if np.sum(labels == labels[row]) == 1]
        for side in slopes:
            np.testing.assert_array_equal(np.asarray(side)[alone], 0)
        for player in PLAYERS:
            batch = embedding_batch(*sides)
            batch = batch._replace(mask=jnp.asarray(labels[:, None] == labels[None, :]))
            for term in play(game, player, batch).values():
                np.testing.assert_array_equal(np.asarray(term)[alone], 0)


@every_game
def test_how_many_fakes_the_score_meets_is_nothing_to_it(name):
    """Beside pairing, where a real's score meets one fake, densities are still of all."""
    batch = batch_of(some_embeddings(size=SIZE))
    for player in PLAYERS:
        found = play(GAMES[name], player, batch._replace(offsets=jnp.array([2])))
        assert_terms(found, play(GAMES[name], player, batch), rtol=0)


def test_a_missing_head_is_refused():
    nothing = PairedOutputs(DiscriminatorOutput(None, None), DiscriminatorOutput(None, None))
    batch = BatchOutputs(nothing, nothing, jnp.arange(SIZE), jnp.arange(SIZE))
    for game in EVERY_KIND:
        for player in PLAYERS:
            with pytest.raises(TypeError, match="no such head"):
                play(game, player, batch)


def test_equal_sides_are_at_the_logarithm_of_two():
    """Where each density of reals is that of fakes, both halves stand at `log 2`."""
    real, other, _ = some_embeddings(size=SIZE)
    found = play(GAMES["plain"], "generator", batch_of([real, other, real]))
    assert_terms(found, dict.fromkeys(found, np.full(SIZE, math.log(2))), rtol=1e-6)


def test_with_a_tolerance_missed_reals_pull_as_hard_and_those_that_are_met_hardly():
    """Two modes, that the fakes hold alike, or of which they hold one."""
    plain, tolerant = (NeighborGame(0.1, halves="covering", tolerance=t) for t in (0.0, 2.0))
    reals = [direction(angle) for angle in (-1, 0, 0, 1, 89, 90, 90, 91)]
    held = [direction(angle) for angle in (-2, -1, 1, 2, 88, 89, 91, 92)]
    dropped = [direction(angle) for angle in (-2, -1, -1, 0, 0, 1, 1, 2)]

    def ratio(fakes):
        before, after = (slopes_of_fakes(game, reals, fakes) for game in (plain, tolerant))
        return np.linalg.norm(after) / np.linalg.norm(before)

    assert ratio(held) < 0.3
    assert ratio(dropped) > 0.9
