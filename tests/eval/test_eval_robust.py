"""`python -m eval robust`: attacks and Jacobians against closed forms, the figures, the command."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from cgan.assemble import assemble
from cgan.config import Augment, ConfigError, Data, Discriminator, Embedding, Experiment, Generator
from cgan.data import load_held_out
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.run_data import Whereabouts
from cgan.run_folder.workdir import Workdir
from cgan.types import DiscriminatorOutput
from eval.files.records import read_records
from eval.gather import silent
from eval.records.spread import mean_and_error
from eval.robustness.attack import jacobian_norms, worst_changes
from eval.robustness.attacked import Attacked, load
from eval.robustness.measure import measure, plan
from eval.robustness.record import RECORDS, Robustness
from eval.robustness.words import lines, subject, summary
from eval.splits import Splits
from tests.eval import commands

CONFIG = Experiment(
    workdir=Path("replaced"),
    data=Data("ring8"),
    generator=Generator(latent_dim=2, width=2, depth=1),
    discriminator=Discriminator(width=8, depth=2, fourier_features=4),
    embedding=Embedding(weight=1.0, dimensions=3),
)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def saved(root: Path, config: Experiment = CONFIG) -> Path:
    config = dataclasses.replace(config, workdir=root)
    Workdir(root).create(config)
    with Checkpoints(root / "checkpoints") as checkpoints:
        checkpoints.save(64, assemble(config).init_state(seed=7))
    return root


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run with both heads, and one with a score that was held down."""
    root = tmp_path_factory.mktemp("runs")
    held = dataclasses.replace(
        CONFIG, embedding=Embedding(), augment=Augment(adversarial_radius=0.25)
    )
    return saved(root / "both"), saved(root / "score", held)


SLOPE = np.array([1.2, -0.5])


def of_function(function: Any) -> Attacked:
    """A discriminator that is a function of its samples alone."""
    parts = assemble(CONFIG)
    networks = parts.networks.with_discriminator(lambda key: {}, lambda params, x: function(x))
    parts = parts._replace(networks=networks)
    splits = Splits(parts.source, load_held_out(parts.config.data, parts.source))
    return Attacked(Path("own"), parts, ({}, {}), splits, 64)


def linear(x: jax.Array) -> DiscriminatorOutput:
    """A score `w . x`, and an embedding that turns by half of `x[0]` and does not see `x[1]`."""
    angle = x[:, 0] / 2
    embedding = jnp.stack([jnp.cos(angle), jnp.sin(angle), jnp.zeros(len(x))], axis=1)
    return DiscriminatorOutput(x @ jnp.asarray(SLOPE, jnp.float32), embedding)


def test_a_linear_score_falls_by_the_radius_times_its_slope_by_both_measures() -> None:
    run = of_function(linear)
    planned = plan([run], (0.5, 0.1, 2.0), 40, 20, seed=1)
    assert planned.radii == (0.1, 0.5, 2.0)
    assert planned.samples.shape == (40, 2)
    told: list[int] = []
    records = measure([run], planned, told.append)
    assert sum(told) == 2 * 40
    slope = np.linalg.norm(SLOPE)
    of_score = [record for record in records if record.head == "score"]
    assert [record.radius for record in of_score] == [0.1, 0.5, 2.0]
    scores = planned.samples @ SLOPE
    for record in of_score:
        assert record.worst_change == pytest.approx(record.radius * slope, rel=1e-3)
        assert record.largest == pytest.approx(record.radius * slope, rel=1e-3)
        assert record.by_jacobian == pytest.approx(record.radius * slope, rel=1e-4)
        assert record.reals_differ_by == pytest.approx(2**0.5 * scores.std(ddof=1), rel=1e-4)
        assert record.relative == pytest.approx(record.worst_change / record.reals_differ_by)
        assert record.standard_error == pytest.approx(0, abs=1e-3)
    for record in records:
        if record.head == "embedding":  # the chord of half the radius
            assert record.worst_change == pytest.approx(2 * np.sin(record.radius / 4), rel=1e-3)
            assert record.by_jacobian == pytest.approx(record.radius / 2, rel=1e-3)
    pairs = planned.samples[:, None] - planned.samples
    apart = np.sqrt((pairs**2).sum(axis=2).sum() / (40 * 39))
    assert planned.apart == pytest.approx(apart, rel=1e-4)


def test_the_worst_change_never_falls_with_the_radius_and_meets_no_more_than_there_is() -> None:
    """On a bumpy function, whose largest changes in the ball a grid finds."""

    def bumpy(x: jax.Array) -> jax.Array:
        return jnp.sin(5 * x[:, 0]) * jnp.cos(3 * x[:, 1])

    x = jnp.asarray(np.random.default_rng(0).normal(size=(30, 2)), jnp.float32)
    radii = jnp.array([0.01, 0.1, 0.3, 1.0, 1.05])
    keys = jax.random.split(jax.random.key(0), 30)
    found = np.asarray(worst_changes(lambda at: bumpy(at) - bumpy(x), keys, x, radii, 20))
    assert (np.diff(found, axis=0) >= 0).all()
    shares, angles = np.linspace(0, 1, 41), np.linspace(0, 2 * np.pi, 181)
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    grid = (shares[:, None, None] * unit).reshape(-1, 2)
    for radius, changes in zip(np.asarray(radii), found, strict=True):
        at = np.asarray(x)[:, None] + radius * grid
        values = np.asarray(bumpy(jnp.asarray(at.reshape(-1, 2), jnp.float32))).reshape(30, -1)
        best = values.max(axis=1) - np.asarray(bumpy(x))
        assert (changes <= best + 0.02 * radius + 1e-4).all()
        assert np.mean(changes) > 0.9 * best.mean()


def test_norms_of_jacobians_are_their_largest_singular_values(both: tuple[Path, Path]) -> None:
    run = load(both[0], None, None, Whereabouts())
    x = jnp.asarray(np.random.default_rng(0).normal(size=(6, 2)), jnp.float32)

    def embedding(x: jax.Array) -> jax.Array:
        found = run.parts.networks.discriminate(*run.players, x).embedding
        assert found is not None
        return found

    found = jacobian_norms(embedding, jax.random.split(jax.random.key(1), 6), x)
    whole = jax.vmap(jax.jacrev(lambda row: embedding(row[None])[0]))(x)
    np.testing.assert_allclose(found, np.linalg.norm(whole, 2, axis=(1, 2)), rtol=1e-2)
    flat = jacobian_norms(lambda x: 0 * x, jax.random.split(jax.random.key(1), 6), x)
    np.testing.assert_array_equal(flat, 0)


def test_the_command_tells_records_and_draws_runs_beside_each_other(
    both: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("--n", 20, "--steps", 3, "--radii", 0.1, 0.3)
    assert commands.exit_code("robust", *both, *few) == 0
    printed = capsys.readouterr().out
    assert "worst change within a ball around 20 held-out reals" in printed
    assert f"{both[0]} (64 images seen; R1 0.1, R2 0.1)" in printed
    assert f"{both[1]} (64 images seen; R1 0.1, R2 0.1 and attacks within 0.25)" in printed
    assert f"The score of {both[1]} changes by these shares of that of" in printed
    assert f"picture: {both[0] / 'robust.png'}" in printed
    with Image.open(both[0] / "robust.png") as image:
        assert min(image.size) > 400
    assert not (both[1] / "robust.png").exists()
    with_embedding, with_score = (read_records(Robustness, root / RECORDS) for root in both)
    assert [(r.head, r.radius) for r in with_embedding] == [
        (head, radius) for head in ("score", "embedding") for radius in (0.1, 0.3)
    ]
    assert [(r.head, r.radius) for r in with_score] == [("score", 0.1), ("score", 0.3)]
    assert {r.run for r in with_embedding} == {str(both[0])}
    for record in (*with_embedding, *with_score):
        assert f"{record.worst_change:.3g} ±" in printed
        assert (record.n, record.steps, record.checkpoint_nimg) == (20, 3, 64)
        assert 0 < record.worst_change <= record.largest
    told = summary([*with_embedding, *with_score])
    share = with_score[0].worst_change / with_embedding[0].worst_change
    assert f"{share:.2f} at 0.1" in told[0]
    # alone and elsewhere; the radii of the data themselves
    assert commands.exit_code("robust", both[1], *few[:4], "--out", tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"robust.png", RECORDS}
    radii = [record.radius for record in read_records(Robustness, tmp_path / RECORDS)]
    apart = read_records(Robustness, tmp_path / RECORDS)[0].reals_apart
    np.testing.assert_allclose(radii, apart * np.array([0.01, 0.02, 0.05, 0.1, 0.2]), rtol=0.06)
    assert len(read_records(Robustness, both[1] / RECORDS)) == 2


def test_what_cannot_be_compared_is_refused(both: tuple[Path, Path], tmp_path: Path) -> None:
    run = load(both[0], None, None, Whereabouts())
    digits = dataclasses.replace(CONFIG, data=Data("digits"))
    other = load(saved(tmp_path / "digits", digits), None, 1, Whereabouts())
    with pytest.raises(ConfigError, match=r"digits: learnt digits .* must be a run on ring8 "):
        plan([run, other], (), None, 20, 0)
    with pytest.raises(ConfigError, match=r"^n = 999999999: must be at most \d+, the held-out"):
        plan([run], (), 999_999_999, 20, 0)


def test_one_real_has_no_error_and_heads_that_were_not_held_down_say_so() -> None:
    assert mean_and_error(np.array([0.5], np.float32)) == (0.5, None)
    run = of_function(linear)
    planned = plan([run], (0.5,), 3, 2, seed=1)
    records = measure([run], planned, silent)
    of_embedding = next(line for line in lines(records) if line.head == "embedding")
    assert subject(of_embedding) == "own (64 images seen; no embedding's R1, R2 or attacks)"
    nothing = dataclasses.replace(records[0], reals_differ_by=0.0)
    assert nothing.relative is None
    assert Robustness(**dataclasses.asdict(nothing)) == nothing
