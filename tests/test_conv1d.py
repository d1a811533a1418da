"""The pair for sequences: windows against NumPy, shapes, strands, letters, factors, refusals."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan import networks
from cgan.config import ConfigError, Discriminator, Embedding, Experiment, Generator
from cgan.networks.chance import noise_of
from cgan.networks.conv1d import spaced_pairs, windows
from cgan.types import present
from tests.products import products_of, sums_in

KEY, SHAPE, CLASSES = jax.random.key(0), (21, 4), 3
LABELS = jnp.array([0, 2, 1])
SAMPLES, LATENTS = jax.random.normal(KEY, (3, *SHAPE)), jax.random.normal(KEY, (3, 6))


def experiment(precision: Any = "float32", letters: Any = "softmax", **settings: Any) -> Experiment:
    return Experiment(
        workdir=Path("runs/test"),
        generator=Generator("conv1d", latent_dim=6, width=4, depth=2, letters=letters),
        discriminator=Discriminator("conv1d", width=4, depth=2, **settings),
        embedding=Embedding(weight=1.0, dimensions=3),
        precision=precision,
    )


def randomized(shapes: Any) -> Any:
    rng = np.random.default_rng(1)
    return jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(scale=0.4, size=leaf.shape), jnp.float32), shapes
    )


def pair_of(**settings: Any) -> tuple[networks.Networks, Any, Any]:
    pair = networks.build(experiment(**settings), SHAPE, CLASSES)
    generator, discriminator = (
        randomized(jax.eval_shape(init, KEY))
        for init in (pair.init_generator, pair.init_discriminator)
    )
    return pair, generator, discriminator


@pytest.mark.parametrize("size", [1, 4, 5])
def test_a_product_with_windows_is_a_correlation(size: int) -> None:
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(1, 10, 2)), rng.normal(size=(size, 2))
    found = windows(jnp.asarray(x), size) @ kernel.ravel()
    expected = sum(np.correlate(x[0, :, c], kernel[:, c], "same") for c in range(2))
    np.testing.assert_allclose(found[0], expected, rtol=1e-5, atol=1e-6)


TAPS = {"level_0": (21, 4), "level_1": (11, 8), "level_2": (6, 16), "trunk": (16,)}
OF_GENERATOR = {
    "level_0": (6, 16),
    "level_1": (12, 8),
    "level_2": (24, 4),
    "trunk": (21, 4),
    "samples": SHAPE,
}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_maps_have_these_shapes_also_where_the_length_is_odd(precision: Any) -> None:
    pair, generator, (params, stats) = pair_of(precision=precision, both_strands=True)
    for tap, shape in TAPS.items():
        found = jax.eval_shape(lambda tap=tap: pair.features(params, stats, SAMPLES, tap=tap))
        assert found == jax.ShapeDtypeStruct((3, *shape), jnp.float32)
    for tap, shape in OF_GENERATOR.items():
        found = jax.eval_shape(
            lambda tap=tap: pair.generator_features(generator, LATENTS, LABELS, tap=tap)
        )
        assert found == jax.ShapeDtypeStruct((3, *shape), jnp.float32)
    assert [level.tap for level in pair.levels] == list(TAPS)[:-1]
    assert set(params["trunk"]) == {g for level in pair.levels for g in level.groups} | {"mix"}


def test_products_of_float32_are_in_full_and_sums_in_bfloat16_are_short() -> None:
    pair, generator, (params, stats) = pair_of()
    with jax.default_matmul_precision("bfloat16"):
        found = products_of(lambda x: pair.discriminate(params, stats, x, LABELS).score, SAMPLES)
        found += products_of(lambda z: pair.generate(generator, z, LABELS), LATENTS)
    assert len(found) > 10
    assert not [product for product in found if product.is_rounded]
    rounded, _, _ = pair_of(precision="bfloat16")

    def total(params: Any) -> jax.Array:
        return present(rounded.discriminate(params, stats, SAMPLES, LABELS).score).sum()

    sums = sums_in(jax.make_jaxpr(jax.grad(total))(params).jaxpr)
    assert max((each.terms for each in sums if each.dtype == "bfloat16"), default=0) <= 4


@pytest.mark.parametrize(
    "settings",
    [{}, {"both_strands": True}, {"spectral_norm": True}, {"pairs": 2}, {"kmer": 6}],
)
def test_a_row_is_seen_alone_and_its_score_is_multiplied_by_its_factor(
    settings: dict[str, Any],
) -> None:
    pair, _, (params, stats) = pair_of(**settings)
    factors = jnp.array([0.3, 1.0, 4.0])
    said = pair.discriminate(params, stats, SAMPLES, LABELS)
    alone = pair.discriminate(params, stats, SAMPLES[1:2], LABELS[1:2])
    np.testing.assert_allclose(alone.score, present(said.score)[1:2], rtol=1e-4, atol=1e-5)
    scaled = pair.discriminate(params, stats, SAMPLES, LABELS, factors)
    np.testing.assert_allclose(scaled.score, factors * said.score, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scaled.embedding, said.embedding, rtol=1e-4, atol=1e-5)
    assert np.abs(present(said.score)).min() > 1e-3


@pytest.mark.parametrize("kmer", [6, 9])
def test_what_is_read_on_both_strands_is_the_same_for_either(kmer: int) -> None:
    turned = SAMPLES[:, ::-1, ::-1]

    def said(both: bool, x: jax.Array) -> Any:
        pair, _, variables = pair_of(both_strands=both, kmer=kmer)
        return pair.discriminate(*variables, x, LABELS)

    for one, other in zip(said(True, SAMPLES), said(True, turned), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert np.abs(said(False, SAMPLES).score - said(False, turned).score).min() > 1e-3
    pair, _, variables = pair_of(both_strands=True, kmer=kmer)
    one, other = (pair.features(*variables, x, tap="level_0") for x in (SAMPLES, turned))
    np.testing.assert_allclose(one, other[:, ::-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("k", [6, 9])
def test_without_halvings_features_are_soft_counts_of_kmers_on_both_strands(k: int) -> None:
    """Window by window in NumPy; a filter that is a k-mer answers where that is."""
    config = experiment()
    settings = dataclasses.replace(config.discriminator, depth=0, both_strands=True, kmer=k)
    pair = networks.build(dataclasses.replace(config, discriminator=settings), SHAPE)
    params, stats = randomized(jax.eval_shape(pair.init_discriminator, KEY))
    kernel, bias = (np.asarray(params["trunk"]["stem"][of], float) for of in ("kernel", "bias"))

    def leaky(x: Any) -> Any:
        return np.where(x > 0, x, 0.2 * x)

    def counted(sequence: Any) -> Any:
        room = np.pad(sequence, [(k // 2, (k - 1) // 2), (0, 0)])
        found = [leaky(room[at : at + k].ravel() @ kernel + bias) for at in range(SHAPE[0])]
        return np.mean(found, axis=0)

    rows = np.asarray(SAMPLES, float)
    both = np.array([(counted(row) + counted(row[::-1, ::-1])) / 2 for row in rows])
    mix = params["trunk"]["mix"]
    expected = leaky(both @ np.asarray(mix["kernel"]) + np.asarray(mix["bias"]))
    found = pair.features(params, stats, SAMPLES)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert [level.tap for level in pair.levels] == ["level_0"]
    with pytest.raises(ConfigError, match=r"^discriminator\.depth = 0: must be more than 0$"):
        Discriminator("conv", depth=0)


def test_letters_are_shares_or_one_of_them() -> None:
    soft, generator, _ = pair_of()
    shares = np.asarray(soft.generate(generator, LATENTS, LABELS))
    np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-5)
    assert shares.min() > 0
    hard, _, _ = pair_of(letters="gumbel")
    drawn = np.asarray(hard.generate(generator, LATENTS, LABELS))
    np.testing.assert_allclose(np.sort(drawn)[..., :-1], 0, atol=1e-6)
    np.testing.assert_allclose(drawn.max(axis=-1), 1, atol=1e-6)
    again = np.asarray(hard.generate(generator, LATENTS[1:2], LABELS[1:2]))
    np.testing.assert_array_equal(again.argmax(-1), drawn[1:2].argmax(-1))


def test_noise_is_gumbels_another_for_each_latent_and_draws_letters_by_their_shares() -> None:
    noise = np.asarray(noise_of(jax.random.normal(KEY, (2_000, 3)), (5, 4), jax.random.gumbel))
    assert noise.mean() == pytest.approx(np.euler_gamma, abs=0.03)
    assert noise.var() == pytest.approx(np.pi**2 / 6, abs=0.08)
    assert len(np.unique(noise[:, 0, 0])) > 1_990
    assert np.abs(np.corrcoef(noise[:-1, 0, 0], noise[1:, 0, 0])[0, 1]) < 0.1
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    letters = (np.log(shares) + noise).argmax(axis=-1).ravel()
    np.testing.assert_allclose(np.bincount(letters) / len(letters), shares, atol=0.02)


def test_the_gradient_of_one_letter_is_that_of_its_softmax() -> None:
    soft, generator, _ = pair_of()
    hard, _, _ = pair_of(letters="gumbel")
    weights = jax.random.normal(jax.random.key(5), SHAPE)
    logits = jnp.log(soft.generate(generator, LATENTS, LABELS))

    def softened(logits: jax.Array) -> jax.Array:
        return (
            jax.nn.softmax(logits + noise_of(LATENTS, SHAPE, jax.random.gumbel)) * weights
        ).sum()

    bias = jax.grad(softened)(logits).sum(axis=(0, 1))
    found = jax.grad(lambda p: (hard.generate(p, LATENTS, LABELS) * weights).sum())(generator)
    np.testing.assert_allclose(found["head"]["out"]["bias"], bias, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((8, 8, 1), r"needs sequences, .* \(8, 8, 1\); must be 'mlp' or 'conv'$"),
        ((2,), r"needs sequences, .* \(2,\); must be 'mlp'$"),
        ((3, 4), r"^generator.depth = 2: sequences of 3 places .* must be at most 1$"),
        ((21, 5), r"^discriminator.both_strands = True: needs the 4 bases .* 5 letters"),
    ],
)
def test_samples_that_do_not_fit_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        networks.build(experiment(both_strands=True), shape)


def test_pairs_are_counted_at_each_lag_and_refused_on_both_strands() -> None:
    """Of ACCA: AC, CC and CA at one place, AC and CA at two, by hand; of proteins none for X."""
    x = jnp.eye(4)[jnp.array([[0, 1, 1, 0]])]
    found = np.square(np.asarray(spaced_pairs(x, 2, None))).reshape(2, 4, 4)
    expected = np.zeros((2, 4, 4))
    expected[0, 0, 1] = expected[0, 1, 1] = expected[0, 1, 0] = 1 / 4
    expected[1, 0, 1] = expected[1, 1, 0] = 1 / 4
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert spaced_pairs(jnp.eye(21)[None], 3, None).shape == (1, 3 * 400)
    pair, _, (params, stats) = pair_of(pairs=3)
    assert pair.features(params, stats, SAMPLES).shape == (3, 16 + 3 * 16)
    with pytest.raises(ConfigError, match=r"^discriminator.pairs = 2: must be 0 with .*both_str"):
        Discriminator("conv1d", pairs=2, both_strands=True)
    with pytest.raises(ConfigError, match=r"^discriminator.pairs = 30: sequences of 21 places"):
        networks.build(experiment(pairs=30), (21, 4))


def test_networks_for_images_name_it_for_sequences() -> None:
    config = Experiment(workdir=Path("runs/x"), generator=Generator("conv"))
    with pytest.raises(ConfigError, match=r"needs images, .* must be 'mlp' or 'conv1d'$"):
        networks.build(config, SHAPE)
