"""What the benchmarks reckon, and the variants that they and the ablation build."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import neighbours
from benchmarks.flops import flops
from benchmarks.frechet import features
from benchmarks.harness import quartiles
from benchmarks.penalties import quality
from benchmarks.profile_step import by_kind
from benchmarks.rare_modes import by_rank, fitted
from cgan.assemble import assemble
from cgan.data.shares import power_law
from cgan.networks.convolution import backend_convolution, correlate
from eval.study.studies.ablation import STUDY


@pytest.mark.parametrize("benchmark", STUDY.benchmarks)
def test_every_variant_of_the_ablation_can_be_assembled(benchmark):
    for variant in STUDY.variants:
        config = STUDY.experiment(benchmark, variant, None)
        assert assemble(config).config is config


@pytest.mark.parametrize("form", [correlate, backend_convolution])
def test_flops_of_convolutions_and_their_gradients_are_those_of_the_formula(form):
    """2 for each product: outputs x 9 x a group's channels, and as many for either gradient."""
    x, kernel = jnp.ones((2, 4, 5, 6)), jnp.ones((3, 3, 3, 8))
    once = 2 * (2 * 4 * 5 * 8) * 9 * 3
    assert flops(jax.make_jaxpr(lambda x, kernel: form(x, kernel, 2))(x, kernel).jaxpr) == once
    slopes = jax.grad(lambda x, kernel: form(x, kernel, 2).sum(), argnums=(0, 1))
    assert flops(jax.make_jaxpr(slopes)(x, kernel).jaxpr) == 3 * once


def test_flops_of_a_scan_are_those_of_all_its_products():
    def steps(x, matrix):
        return jax.lax.scan(lambda x, _: (jnp.sin(x @ matrix), None), x, None, length=5)[0]

    traced = jax.make_jaxpr(jax.jit(steps))(jnp.ones((3, 4)), jnp.ones((4, 4)))
    assert flops(traced.jaxpr) == 5 * 2 * 3 * 4 * 4


def test_a_profile_adds_up_the_operations_of_a_kind_and_leaves_loops_to_what_is_in_them():
    def event(operation, microseconds, **others):
        return {"ph": "X", "args": {"hlo_op": operation}, "dur": microseconds, **others}

    events = [
        event("dot.1", 2.0),
        event("dot.1", 3.0),
        event("dot.27", 4.0),
        event("while.3", 99.0),
    ]
    events += [event("add_fusion.clone.2", 20.0), {"ph": "M"}, {"ph": "X", "dur": 7.0}]
    assert by_kind(events) == {"add_fusion": (20.0, 1), "dot": (9.0, 2)}


def test_quartiles_and_the_quality_of_estimates():
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == "3.000 (2.000 to 4.000)"
    exact = np.array([1.0, 4.0])
    found = np.stack([exact * 0.5, exact * 1.5] * 50)
    measured = quality(found, exact)
    assert measured.bias == pytest.approx(0, abs=1e-12)
    assert measured.spread == pytest.approx(0.5)
    assert quality(found + exact, exact).bias == pytest.approx(1)


def test_routes_to_the_four_figures_agree():
    real, fake = features(300, 20, seed=0)
    expected = neighbours.by_prdc(real.astype("f8"), fake.astype("f8"))
    assert neighbours.by_counts(real, fake) == pytest.approx(expected, abs=1e-12)
    with_errors = neighbours.with_error_bars(real, fake)
    assert neighbours.of_the_table(real, fake) == with_errors
    assert with_errors[2:] == pytest.approx(expected[2:], abs=1e-12)


def test_features_have_the_spectrum_that_is_promised():
    one, other = features(20_000, 4, seed=1)
    scales = np.arange(1, 5) ** -0.5
    np.testing.assert_allclose(one.std(axis=0), scales, rtol=0.05)
    np.testing.assert_allclose(other.std(axis=0), 1.1 * scales, rtol=0.05)
    np.testing.assert_allclose(other.mean(axis=0), 0.05, atol=0.03)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_shares_that_are_fitted_have_the_true_ones_of_as_many_channels(alpha):
    true = power_law(1000, alpha).reshape(10, 10, 10)
    one, two = fitted(true, 1), fitted(true, 2)
    marginals = [true.sum((1, 2)), true.sum((0, 2)), true.sum((0, 1))]
    np.testing.assert_allclose(one, np.einsum("i,j,k->ijk", *marginals))
    for other in range(3):
        np.testing.assert_allclose(two.sum(other), true.sum(other), rtol=1e-6)
    logs = np.log(two)  # largest entropy: no interaction of all three
    of_three = logs - sum(logs.mean(a, keepdims=True) for a in range(3))
    of_three += sum(logs.mean(pair, keepdims=True) for pair in ((0, 1), (0, 2), (1, 2)))
    np.testing.assert_allclose(of_three, logs.mean(), atol=1e-6)
    assert by_rank(true, true) == pytest.approx([1, 1, 1, 1])
