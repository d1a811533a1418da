"""Batches to grade, and the contrastive game once more in float64 NumPy, one pair at a time."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from cgan.objectives import BatchOutputs, PairedOutputs
from cgan.objectives.comparisons import ScoreComparison
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES
from cgan.types import DiscriminatorOutput

BATCH = 4
OFFSETS = {1: [1], 2: [3, 0], BATCH: list(range(BATCH))}
"""Which fakes each real meets, for K of 1, 2 and the whole batch; others if counted backwards."""

CURVE_NAMES = list(CURVES)
PLAYERS = {"discriminator": 1.0, "generator": -1.0}
"""The sign that a player gives the margins."""

HARD_CURVES = [name for name in CURVE_NAMES if name[0] in ("softmax", "pairwise", "average")]
TOP_K_CURVES = [name for name in CURVE_NAMES if name[0] != "hardest"]
GAMES = [
    *[(curve, 0.0, None) for curve in CURVE_NAMES],
    *[(curve, 5.0, None) for curve in HARD_CURVES],
    (("softmax", "mean"), 0.0, 1),
    (("listwise", "mean"), 0.0, 1),
]
"""Curve, hardness and top_k, to be played with two fakes per real."""


def label(value) -> str:
    """Readable parts of a test's name."""
    return " ".join(value) if isinstance(value, tuple) else str(value)


def on_one_device(outputs: PairedOutputs, offsets=None) -> BatchOutputs:
    """Outputs as one device that holds the whole batch sees them."""
    size = len(outputs.real.embedding if outputs.real.score is None else outputs.real.score)
    offsets = range(size) if offsets is None else offsets
    return BatchOutputs(outputs, outputs, jnp.arange(size), jnp.asarray(list(offsets)))


def score_batch(real, fake, offsets=None) -> BatchOutputs:
    """A batch of scores alone."""
    real, fake = jnp.asarray(real), jnp.asarray(fake)
    return on_one_device(
        PairedOutputs(DiscriminatorOutput(real, None), DiscriminatorOutput(fake, None)), offsets
    )


def embedding_batch(real, other, fake, offsets=None) -> BatchOutputs:
    """A batch of embeddings alone; `other` are those of the reals' other views."""
    real, other, fake = (jnp.asarray(side) for side in (real, other, fake))
    outputs = PairedOutputs(
        DiscriminatorOutput(None, real),
        DiscriminatorOutput(None, fake),
        jnp.sum(real * other, axis=1),
    )
    return on_one_device(outputs, offsets)


def some_scores(seed=0, size=BATCH, scale=3.0):
    """Scores of reals and of fakes."""
    rng = np.random.default_rng(seed)
    return [rng.normal(scale=scale, size=size).astype(np.float32) for _ in range(2)]


def some_embeddings(seed=0, size=BATCH, dimensions=4):
    """Unit vectors of reals, of their other views and of fakes."""
    vectors = np.random.default_rng(seed).normal(size=(3, size, dimensions))
    vectors[1] += vectors[0]
    return list((vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32))


def score_margin(real, fake):
    """`margin(i, j)` of the critic."""
    return lambda i, j: np.float64(real[i]) - np.float64(fake[j])


def cosine(a, b):
    """The cosine of two vectors in float64."""
    a, b = np.float64(a), np.float64(b)
    return a @ b / np.sqrt((a @ a) * (b @ b))


def embedding_margin(real, other, fake):
    """`margin(i, j)` of the embedding: agreement of two views less similarity to a fake."""
    return lambda i, j: cosine(real[i], other[i]) - cosine(real[i], fake[j])


def total(terms):
    """The loss that the terms make up."""
    return sum(term.mean() for term in terms.values())


def play(game, player, batch, learnt=None):
    """A player's terms."""
    return getattr(game, f"{player}_terms")(learnt or {}, batch)


def both_players(curve, k, real, fake, **settings):
    """Each player's terms of the game on scores."""
    game = Contrastive(ScoreComparison(), CURVES[curve], **settings)
    batch = score_batch(real, fake, OFFSETS[k])
    return {player: play(game, player, batch) for player in PLAYERS}


@cache
def slopes_and_losses(curve, hardness, top_k):
    """Compiled: each player's loss in each direction, after its gradient by reals and by fakes."""
    directions = "real_vs_fakes", "fake_vs_reals"

    def losses(real, fake):
        found = both_players(curve, 2, real, fake, hardness=hardness, top_k=top_k)
        means = {(who, name): found[who][name].mean() for who in PLAYERS for name in directions}
        return means, means

    return jax.jit(jax.jacrev(losses, argnums=(0, 1), has_aux=True))


def assert_terms(found, expected, **tolerance):
    """The same names, the same values."""
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], err_msg=name, **tolerance)


def softplus(x):
    """`log(1 + e^x)`."""
    return np.logaddexp(0, x)


def _list(margins, weights):
    """Plackett-Luce: the real first, then the negatives by their scores; chosen place by place."""
    worths = [1.0, *sorted(np.exp(-margins), reverse=True)]
    probability = 1.0
    for place, worth in enumerate(worths):
        probability *= worth / sum(worths[place:])
    return -np.log(probability)


ORACLES = {
    ("softmax", "mean"): lambda m, w: np.log(1 + np.mean(w * np.exp(-m))),
    ("softmax", "sum"): lambda m, w: -np.log(1 / (1 + np.sum(w * np.exp(-m)))),
    ("pairwise", "mean"): lambda m, w: (
        sum(b * softplus(-a) for a, b in zip(m, w, strict=True)) / len(m)
    ),
    ("average", "mean"): lambda m, w: softplus(-np.average(m, weights=w)),
    ("hardest", "mean"): lambda m, w: max(softplus(-a) for a in m),
    ("listwise", "mean"): lambda m, w: (
        np.log(1 + np.mean(np.exp(-m))) + (_list(m, w) - np.log(1 + np.sum(np.exp(-m)))) / len(m)
    ),
    ("listwise", "sum"): _list,
}
"""The curves on one row of margins, with weights of mean 1."""


def oracle_terms(
    curve,
    margin,
    offsets,
    *,
    player="discriminator",
    temperature=1.0,
    dual=True,
    hardness=0.0,
    top_k=None,
    size=BATCH,
):
    """A player's terms, from the margin of each pair that meets."""
    pairs = {"real_vs_fakes": lambda real, offset: (real, (real + offset) % size)}
    if dual:
        pairs["fake_vs_reals"] = lambda fake, offset: ((fake - offset) % size, fake)
    terms = {name: [] for name in pairs}
    for name, pair in pairs.items():
        for row in range(size):
            met = [PLAYERS[player] * margin(*pair(row, offset)) for offset in offsets]
            margins = np.sort(met)[:top_k] / temperature
            likelihood_ratios = np.exp(-hardness * margins)
            weights = likelihood_ratios / np.mean(likelihood_ratios)
            terms[name].append(ORACLES[curve](margins, weights) / len(pairs))
    return terms
