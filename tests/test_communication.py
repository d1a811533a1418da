"""What a step sends between devices: its gradients, and a few bytes for each score or embedding."""

import dataclasses
from functools import cache

import jax
import pytest

from benchmarks.communication import BYTES_OF_A_REAL, Collective, collectives, of_step, seconds
from cgan.assemble import assemble
from cgan.config import Discriminator, Embedding, Generator
from cgan.networks import count_parameters
from configs import CONFIGS

RING = dataclasses.replace(
    CONFIGS["ring8"],
    generator=Generator(width=8, depth=1, latent_dim=2),
    discriminator=Discriminator(width=8, depth=1),
    batch_size=16,
)
FLOAT = 4


@cache
def sent(count):
    return of_step(RING, jax.local_devices()[:count])


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow), 8])
def test_a_step_sends_its_gradients_and_a_few_bytes_for_each_score(count):
    state = assemble(RING).init_state()
    gradients = FLOAT * sum(map(count_parameters, (state.generator, state.discriminator)))
    reduced = sum(one.size for one in sent(count) if one.kind == "all-reduce")
    rest = [one for one in sent(count) if one.kind != "all-reduce"]
    assert gradients <= reduced <= gradients + 40 * FLOAT  # means of metrics ride along
    stages = count * 5  # a flag for each device and stage: see cgan/finite.py
    scores = sum(one.size for one in rest) - stages
    assert scores == BYTES_OF_A_REAL * RING.batch_size


@pytest.mark.parametrize("coupling", [pytest.param("sample", marks=pytest.mark.slow), "two_sided"])
def test_the_neighbor_game_sends_embeddings_beside_the_scores_and_nothing_of_their_pairs(coupling):
    """Four gathers of a vector for each real or fake, two of an agreement, and as many transposes
    at the most: the matrix of pairs, which grows with the square of the batch, stays at home."""
    dimensions, count = 4, 4
    embedding = Embedding(weight=1.0, dimensions=dimensions, coupling=coupling)
    config = dataclasses.replace(RING, embedding=embedding)
    rest = {}
    for size in (16, 64):
        sent = of_step(dataclasses.replace(config, batch_size=size), jax.local_devices()[:count])
        stages = count * 5
        rest[size] = sum(one.size for one in sent if one.kind != "all-reduce") - stages
        vectors = rest[size] - BYTES_OF_A_REAL * size
        assert 0 < vectors <= FLOAT * size * (8 * dimensions + 4)
    assert rest[64] == 4 * rest[16]


@pytest.mark.parametrize("counts", [(2, 8), pytest.param((2, 4, 8), marks=pytest.mark.slow)])
def test_bytes_do_not_grow_with_devices(counts):
    totals = {sum(one.size for one in sent(count)) - 5 * count for count in counts}
    assert len(totals) == 1


def test_shapes_are_read_from_text():
    text = """
      %a = (f32[16]{0}, bf16[2,3]{1,0}, f32[]) all-reduce(%x, %y, %z), channel_id=1
      %b = f32[8]{0} reduce-scatter(%x), dimensions={0}
      %c = pred[2,5]{1,0} all-gather(%x), dimensions={0}
      %d = f32[4]{0} add(%x, %y)
    """
    assert collectives(text, devices=2) == [
        Collective("all-reduce", 16 * 4 + 6 * 2 + 4),
        Collective("reduce-scatter", 8 * 4 * 2),
        Collective("all-gather", 10),
    ]


def test_a_ring_takes_twice_the_bytes_less_one_share():
    sent = [Collective("all-reduce", 1_000), Collective("all-gather", 100)]
    assert seconds(sent, 4, 1_000.0) == pytest.approx(2 * 3 / 4 + 0.1 * 3 / 4)
