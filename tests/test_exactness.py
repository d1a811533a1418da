"""float32 means float32: no product of it is left to what accelerators would rather do.

Programs are traced, not compiled, under a default of bfloat16, as the environment variable
JAX_DEFAULT_MATMUL_PRECISION sets it: what states its precision does not mind.
"""

import ast
import dataclasses
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cgan import parallel
from cgan.assemble import assemble
from cgan.config import Experiment
from cgan.data.pipeline import load_batches
from cgan.kinds import IMAGE, POINT
from cgan.networks import convolution, heads, layers
from cgan.networks.factors import add_bias, times
from cgan.objectives.comparisons import EmbeddingComparison, ScoreComparison
from cgan.probe import measures, space
from cgan.sampling.ranking import compare_row
from configs import CONFIGS
from eval.extractors import resize
from eval.extractors.classifier import ClassifierNetwork
from eval.extractors.dinov2_network import DinoNetwork
from eval.extractors.inception_network import InceptionNetwork
from eval.few_labels import fine_tuning, representations
from eval.few_labels.probed import Weights
from eval.graded import measure as graded
from eval.metrics import balls, candidates, distances
from eval.robustness import measure as robustness
from eval.study import representation
from tests import backbones
from tests.products import HIGHEST, Product, products_in, products_of, sums_in
from tests.test_step import RANDOM_PENALTIES, VARIANTS

ROOT = Path(__file__).parents[1]
KEY = jax.random.key(0)


def struct(*shape: int, dtype: Any = "float32") -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)


@pytest.fixture(autouse=True)
def _another_default() -> Iterator[None]:
    with jax.default_matmul_precision("bfloat16"):
        yield


@pytest.fixture
def _on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convolutions and sines take the form of accelerators."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")


def assert_in_full(found: list[Product], at_least: int = 1) -> None:
    assert len(found) >= at_least
    assert not [product for product in found if product.is_rounded]


def square(x: jax.Array) -> jax.Array:
    return x @ x


def with_own_slope(function: Any) -> Any:
    """A function whose derivative is called its own value."""
    custom = jax.custom_jvp(function)
    custom.defjvp(lambda primals, tangents: (custom(*primals), custom(*tangents)))
    return custom


def with_own_pullback(function: Any) -> Any:
    custom = jax.custom_vjp(function)
    custom.defvjp(lambda x: (custom(x), x), lambda x, slopes: (custom(slopes),))
    return lambda x: jax.vjp(custom, x)[1](x)


NESTED = {
    "jit": jax.jit,
    "checkpoint": jax.checkpoint,
    "scan": lambda f: lambda x: jax.lax.scan(lambda x, _: (f(x), None), x, length=2)[0],
    "while": lambda f: lambda x: jax.lax.while_loop(lambda x: x[0, 0] < 1, f, x),
    "cond": lambda f: lambda x: jax.lax.cond(x[0, 0] > 0, f, lambda x: x, x),
    "vmap": lambda f: lambda x: jax.vmap(f)(x[None])[0],
    "pmap": lambda f: lambda x: jax.pmap(f)(x[None])[0],
    "custom_jvp": with_own_slope,
    "custom_vjp": with_own_pullback,
    "grad": lambda f: jax.grad(lambda x: f(jnp.sin(x)).sum()),
}


@pytest.mark.parametrize("name", NESTED)
def test_a_product_that_states_nothing_is_found_wherever_it_is_and_stated_ones_keep_it(
    name: str,
) -> None:
    matrix = struct(2, 2)
    found = products_of(NESTED[name](square), matrix)
    assert found
    assert all(product.is_rounded for product in found)
    with jax.default_matmul_precision("highest"):
        assert_in_full(products_of(NESTED[name](square), matrix), len(found))


def traced(config: Experiment) -> Any:
    """One whole dispatch: both players' passes and gradients."""
    parts = assemble(config)
    step = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), jax.devices()[:1])
    batches = load_batches(parts.source, config.batch_size, 0, 0, config.steps_per_dispatch)
    of_device = jax.tree.map(lambda x: struct(1, *x.shape, dtype=x.dtype), batches)
    return jax.make_jaxpr(step.mapped)(parts.abstract_state(), of_device).jaxpr


@cache
def traced_pair(architecture: str, precision: str) -> Any:
    """A dispatch of these networks, in the form of accelerators."""
    return traced(backbones.experiment(architecture, precision=precision))


@pytest.mark.usefixtures("_on_gpu")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("architecture", backbones.PAIRS)
def test_every_product_of_float32_in_a_step_of_each_architecture_is_in_full(
    architecture: str, precision: str
) -> None:
    """Both players' passes, gradients, R1, both heads and classes. bfloat16 is left as it is."""
    found = products_in(traced_pair(architecture, precision))
    assert_in_full(found, 20)
    short = [product for product in found if product.result == "bfloat16"]
    assert bool(short) == (precision == "bfloat16")
    assert all(product.precision != HIGHEST for product in short)


@pytest.mark.usefixtures("_on_gpu")
@pytest.mark.parametrize("architecture", backbones.PAIRS)
def test_no_more_than_four_numbers_are_summed_in_bfloat16(architecture: str) -> None:
    """Gradients of biases are sums over all pixels; in bfloat16 a sum of ones ends at 256."""
    found = sums_in(traced_pair(architecture, "bfloat16"))
    of_floats = {each.dtype for each in found} - {"int32"}  # those are counts
    assert {"float32", "bfloat16"} >= of_floats >= {"float32"}
    assert max((each.terms for each in found if each.dtype == "bfloat16"), default=0) <= 4


def test_the_gradient_of_a_value_at_many_places_is_all_of_it() -> None:
    maps = jnp.ones((4, 32, 32, 3), jnp.bfloat16)

    def total(bias: jax.Array, factors: jax.Array) -> jax.Array:
        spread = add_bias(times(maps, factors), bias, factors)
        return (spread.astype("float32") * maps.astype("float32")).sum()

    slopes = jax.jit(jax.grad(total, argnums=(0, 1)))(jnp.zeros(3), jnp.ones(4))
    np.testing.assert_array_equal(slopes[0], 4 * 32 * 32)
    np.testing.assert_array_equal(slopes[1], 32 * 32 * 3)


FOURIER = dataclasses.replace(CONFIGS["grid100"], batch_size=16, steps_per_dispatch=1)
STEPS = {
    **VARIANTS,
    **RANDOM_PENALTIES,
    "four micro-batches": dataclasses.replace(VARIANTS["both, 5 fakes"], micro_batches=4),
    "Fourier features": FOURIER,
}
FAST = (
    "pairwise, hard",
    "both, 5 fakes",
    "wasserstein",
    "ada",
    "hutchinson",
    "adversarial views of both heads",
    "four micro-batches",
    "Fourier features",
)


@pytest.mark.usefixtures("_on_gpu")
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in STEPS],
)
def test_every_product_in_a_step_of_each_objective_penalty_and_augmentation_is(name: str) -> None:
    assert_in_full(products_in(traced(STEPS[name])), 10)


@pytest.mark.usefixtures("_on_gpu")
@pytest.mark.parametrize(
    "architecture",
    [
        pytest.param(name, marks=() if name in ("mlp", "sngan") else pytest.mark.slow)
        for name in backbones.PAIRS
    ],
)
def test_so_is_every_product_where_networks_start_and_where_fakes_are_ranked(
    architecture: str,
) -> None:
    parts = assemble(backbones.experiment(architecture))
    state, networks = parts.abstract_state(), parts.networks
    real, label = struct(*parts.source.sample_shape), struct(dtype="int32")
    latents = struct(3, parts.config.generator.latent_dim)
    products_of(networks.init_generator, KEY)
    products_of(networks.init_discriminator, KEY)
    for comparison in (ScoreComparison(), EmbeddingComparison()):
        ranked = partial(compare_row, comparison, networks)
        assert_in_full(products_of(ranked, state, real, latents, label), 4)
    updated = products_of(networks.update_stats, state.discriminator, state.discriminator_stats)
    assert_in_full(updated, 2 if state.discriminator_stats else 0)


def test_fourier_phases_and_heads_say_so_themselves() -> None:
    """Wherever they are used: outside of a network too."""
    found = products_of(lambda x: layers.FourierFeatures(4, 3.0).apply({}, x), struct(5, 2))
    assert found == [Product("dot_general", ("float32", "float32"), "float32", HIGHEST)]

    alone = heads.Heads(heads.HeadSpec(True, 3, 4))
    features, labels = jnp.ones((5, 2), jnp.bfloat16), jnp.zeros(5, int)
    params = alone.init(KEY, features, labels, False)
    found = products_of(lambda x: alone.apply(params, x, labels, False), features)
    assert found == 3 * [Product("dot_general", ("float32", "float32"), "float32", HIGHEST)]


def test_the_convolutions_that_cpus_run_state_what_those_of_accelerators_do() -> None:
    """They are traced where they are compiled, beyond the reach of what encloses them."""
    for groups, features in ((1, 6), (2, 6), (1, 1)):
        x, kernel = struct(2, 4, 4, 4), struct(3, 3, 4 // groups, features)
        slopes = struct(2, 4, 4, features)
        for form in (convolution.backend_convolution, convolution.grouped_convolution):
            assert_in_full(products_of(lambda x, k, f=form, g=groups: f(x, k, g), x, kernel))
        found = products_of(lambda x, s, g=groups: convolution.kernel_slopes(x, s, g), x, slopes)
        assert_in_full(found)


@pytest.mark.parametrize("shape", [(5, 2), (5, 12, 12, 3)], ids=["points", "images"])
def test_so_are_probes(shape: tuple[int, ...]) -> None:
    def placed(x: jax.Array) -> jax.Array:
        return space.coordinates(x, POINT if len(shape) == 2 else IMAGE)

    rows = jax.eval_shape(placed, struct(*shape))
    known = measures.Reference(rows, struct(5), struct(), struct())
    found = products_of(lambda x, known: measures.measure(placed(x), known), struct(*shape), known)
    assert_in_full(found, 0 if len(shape) == 2 else 3)


def classifier_loss(params: Any, images: jax.Array, labels: jax.Array) -> jax.Array:
    _, logits = ClassifierNetwork(3, 4).apply(params, images)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


NETWORKS = {
    "classifier": (ClassifierNetwork(3, 4), struct(2, 16, 16, 1, dtype="uint8"), 5),
    "inception": (InceptionNetwork(), struct(1, 299, 299, 3), 95),
    "dinov2": (DinoNetwork(64, 2), struct(1, 224, 224, 3), 8),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_so_is_every_product_of_what_reads_features(name: str) -> None:
    network, images, at_least = NETWORKS[name]
    params = jax.eval_shape(network.init, KEY, images)
    assert_in_full(products_of(network.apply, params, images), at_least)


def test_so_are_the_gradients_that_the_classifier_learns_by() -> None:
    network, images, _ = NETWORKS["classifier"]
    params = jax.eval_shape(network.init, KEY, images)
    labels = struct(2, dtype="int32")
    assert_in_full(products_of(jax.grad(classifier_loss), params, images, labels), 12)


def test_so_is_every_product_of_metrics() -> None:
    """Bounds on the error of distances take float32's own rounding for granted."""
    estimates = distances.Estimates(struct(32, 16), struct(32))
    found = products_of(partial(distances.lower_bounds, share=1e-6), estimates, estimates)
    assert_in_full(found)
    column, bits = struct(32, 1), struct(1, 1, 32, dtype="int32")
    tested = partial(balls._test_tile, settle=(True,), share=1e-6)
    assert_in_full(products_of(tested, estimates, estimates, (column,), (column,), bits))
    for itself in (False, True):
        tile = partial(candidates._tile, share=1e-6, itself=itself)
        assert_in_full(products_of(tile, estimates, estimates))
    for form in (resize.resized, resize.resized_in_gray_levels):
        weights = resize.Resize(struct(8, 5), struct(8, 4))
        assert_in_full(products_of(form, weights, struct(2, 5, 4, 3, dtype="uint8")), 2)


def test_so_is_every_product_of_probes_with_few_labels() -> None:
    learner = fine_tuning.Learner({}, struct(4, 3), struct(3))
    assert_in_full(products_of(fine_tuning.classified, learner, struct(5, 4)), 1)
    assert_in_full(products_of(representations.as_rows, struct(2, 6, 5, 3)), 2)


@pytest.mark.usefixtures("_on_gpu")
@pytest.mark.parametrize("head", ["score", "embedding"])
def test_so_is_every_product_of_attacks_on_a_discriminator(head: Any) -> None:
    parts = assemble(VARIANTS["adversarial views of both heads"])
    state, keys = parts.abstract_state(), jax.random.split(KEY, 3)
    attacked = partial(robustness.attack_rows, parts.networks, head, 2)
    players = (state.discriminator, state.discriminator_stats)
    samples = struct(3, *parts.source.sample_shape)
    found = products_of(lambda *of: attacked(*of, None, keys, jnp.ones(2)), players, samples)
    assert_in_full(found, 10)


def test_so_is_every_product_of_the_features_that_studies_and_known_distances_read() -> None:
    parts = assemble(VARIANTS["adversarial views of both heads"])
    state = parts.abstract_state()
    players = (state.discriminator, state.discriminator_stats)
    stored = jax.ShapeDtypeStruct((3, *parts.source.sample_shape), np.uint8)
    assert_in_full(products_of(partial(representation.trunk, parts), players, stored), 1)
    embedded = partial(graded.embedded, parts.networks, parts.source.encode)
    weights = Weights(state.discriminator, state.discriminator_stats)
    assert_in_full(products_of(embedded, weights, stored), 2)


COMPILED_IN = {
    "eval/extractors/classifier.py",
    "eval/extractors/image_network.py",
    "eval/few_labels/fine_tuning.py",
    "eval/few_labels/representations.py",
    "eval/graded/measure.py",
    "eval/metrics/balls.py",
    "eval/metrics/candidates.py",
    "eval/robustness/measure.py",
    "eval/study/representation.py",
}


def test_nothing_else_of_the_evaluation_is_compiled() -> None:
    """A file with programs of its own needs a test above."""
    compiling = {"jax.jit", "jax.pmap", "parallel.spread"}
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "eval").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in compiling
    }
    assert found == COMPILED_IN
