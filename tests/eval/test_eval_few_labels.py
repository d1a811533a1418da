"""`python -m eval probe`: draws, classifiers, taps, fine-tuning, the figures, the command."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from cgan.assemble import assemble
from cgan.config import (
    Augment,
    Conditioning,
    ConfigError,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Pretext,
    Pretraining,
)
from cgan.data.digits import load_digits
from cgan.pretext import parts as pretext_parts
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.run_data import Whereabouts
from cgan.run_folder.workdir import Workdir
from eval.extractors import linear
from eval.few_labels import classifiers, draws, words
from eval.few_labels.fine_tuning import Recipe, afresh, fine_tuning
from eval.few_labels.measure import measure, plan
from eval.few_labels.picture import draw
from eval.few_labels.probed import Probed, load
from eval.few_labels.record import Accuracy
from eval.few_labels.representations import as_rows, baselines, of_discriminator, taps_of
from eval.files.records import read_records
from eval.records.spread import mean_and_error
from tests.eval import commands

CONFIG = Experiment(
    workdir=Path("replaced"),
    data=Data("digits"),
    generator=Generator(latent_dim=2, width=2, depth=1),
    discriminator=Discriminator("conv", width=4, depth=1, spectral_norm=True),
    embedding=Embedding(weight=1.0, dimensions=3),
    augment=Augment(0.1),
)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def saved(root: Path, config: Experiment = CONFIG) -> Path:
    """A run with one checkpoint whose weights are others than those that its seed draws."""
    config = dataclasses.replace(config, workdir=root)
    state = assemble(config).init_state(seed=7)
    Workdir(root).create(config)
    with Checkpoints(root / "checkpoints") as checkpoints:
        checkpoints.save(64, state)
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("runs") / "digits")


@pytest.fixture(scope="module")
def probed(run: Path) -> Probed:
    return load(run, None, None, Whereabouts())


def part(split: Any, n: int) -> draws.Labeled:
    of = load_digits(split)
    return draws.Labeled(of.images[:n], of.labels[:n])


def test_draws_have_as_many_of_each_class_and_smaller_sets_lie_within_larger() -> None:
    labels = np.random.default_rng(0).integers(3, size=60)
    rows = draws.balanced(labels, 3, 5, draws=4, seed=1)
    assert rows.shape == (4, 15)
    for draw_rows in rows:
        assert len(set(draw_rows)) == 15
        for size in range(1, 6):
            assert np.bincount(labels[draw_rows[: 3 * size]]).tolist() == [size] * 3
    assert len({tuple(row) for row in rows}) == 4
    np.testing.assert_array_equal(rows, draws.balanced(labels, 3, 5, draws=4, seed=1))
    assert (rows != draws.balanced(labels, 3, 5, draws=4, seed=2)).any()
    longer = draws.balanced(labels, 3, 7, draws=4, seed=1)
    np.testing.assert_array_equal(longer[:, :15], rows)


def test_more_labels_than_the_rarest_class_has_are_refused_or_left_out() -> None:
    rarest = (12, "b", 100)
    assert draws.choose_sizes((), (1, 10, 50), *rarest) == (1, 10)
    assert draws.choose_sizes((12, 3, 3), (1,), *rarest) == (3, 12)
    said = r"^labels = 13: must be at most 12, the samples of class 'b' among 100 of the train"
    with pytest.raises(ConfigError, match=said):
        draws.choose_sizes((1, 13), (1,), *rarest)
    with pytest.raises(ConfigError, match=r"^labels = 50: must be at most 0"):
        draws.choose_sizes((), (1, 50), 0, "b", 100)
    assert draws.most_per_class(np.array([0, 1, 1, 2, 2]), ["a", "b", "c"]) == (1, "a")


def test_a_large_split_is_read_in_part_without_repeats() -> None:
    source = load_digits("train")
    some = draws.read(source, 100, seed=0)
    every = draws.read(source, 10_000, seed=0)
    np.testing.assert_array_equal(every.samples, source.images)
    np.testing.assert_array_equal(every.labels, source.labels)
    assert len(some.labels) == 100
    assert len({image.tobytes() for image in some.samples}) == 100
    assert (some.samples != draws.read(source, 100, seed=1).samples).any()
    windows = draws.read(source, 100, seed=0, window=3)
    np.testing.assert_array_equal(windows.samples, some.samples[:, :3])


def test_the_nearest_neighbor_has_the_largest_cosine() -> None:
    rng = np.random.default_rng(0)
    train, held_out = rng.normal(size=(9, 4)), rng.normal(size=(50, 4))
    labels = rng.integers(3, size=9)
    cosines = (held_out / np.linalg.norm(held_out, axis=1)[:, None]) @ (
        train / np.linalg.norm(train, axis=1)[:, None]
    ).T
    found = classifiers.nearest_neighbor(train, labels, held_out)
    np.testing.assert_array_equal(found, labels[cosines.argmax(axis=1)])


@pytest.mark.parametrize("per_class", [1, 4])
@pytest.mark.parametrize("dimensions", [5, 60])
def test_logistic_regression_is_scikit_learns_on_all_dimensions(
    per_class: int, dimensions: int
) -> None:
    """Rotated into the span of the rows it gives the same answers; C is chosen on folds."""
    rng = np.random.default_rng(1)
    labels = np.tile(np.arange(3), per_class)
    means = rng.normal(size=(3, dimensions))
    train = means[labels] + rng.normal(size=(len(labels), dimensions))
    held_out = means[np.arange(300) % 3] + rng.normal(size=(300, dimensions))
    plain: Any = LogisticRegression(C=linear.PENALTY, max_iter=5_000, tol=1e-8)
    if per_class > 1:
        folds = StratifiedKFold(classifiers.FOLDS, shuffle=True, random_state=5)
        plain = GridSearchCV(plain, {"C": classifiers.CANDIDATES}, cv=folds)
    expected = plain.fit(train, labels).predict(held_out)
    found = classifiers.logistic_regression(train, labels, held_out, per_class, seed=5)
    assert np.mean(found != expected) <= 0.01
    assert np.mean(found == np.arange(300) % 3) > 0.4


def test_features_are_standardised_over_the_pool_or_as_one() -> None:
    pool = np.random.default_rng(0).normal(3, [1.0, 9.0], size=(500, 2))
    (each,) = classifiers.standardized(pool, pool)
    np.testing.assert_allclose(each.std(axis=0), 1)
    (as_one,) = classifiers.standardized(pool, pool, proportioned=True)
    np.testing.assert_allclose(as_one.mean(axis=0), 0, atol=1e-9)
    assert as_one.var(axis=0).mean() == pytest.approx(1)
    first, second = pool.std(axis=0)
    assert as_one[:, 1].std() / as_one[:, 0].std() == pytest.approx(second / first)


@pytest.mark.parametrize("side", [2, 4, 7, 8])
def test_maps_become_rows_of_means_over_places(side: int) -> None:
    maps = np.random.default_rng(side).normal(size=(2, side, side, 3)).astype(np.float32)
    places = min(side, 4)
    owner = [place * places // side for place in range(side)]
    expected = np.zeros((2, places, places, 3))
    for row in range(places):
        for column in range(places):
            of = [
                maps[:, y, x]
                for y in range(side)
                for x in range(side)
                if (owner[y], owner[x]) == (row, column)
            ]
            expected[:, row, column] = np.mean(of, axis=0)
    np.testing.assert_allclose(as_rows(jnp.asarray(maps)), expected.reshape(2, -1), atol=1e-6)


def test_each_tap_is_the_networks_own_map_of_the_checkpoint_and_of_the_start(
    probed: Probed, run: Path
) -> None:
    """Read in padded batches; the level that the trunk repeats is left out."""
    train, held_out = part("train", 300), part("test", 20)
    taps = taps_of(probed, ())
    assert taps == ("level_0", "level_1", "trunk", "embedding")
    parts = assemble(Workdir(run).read_config())
    states = {"run": parts.init_state(seed=7), "untrained": parts.init_state()}
    read: list[int] = []
    for origin, state in states.items():
        found = list(of_discriminator(probed, origin, taps, train, held_out, read.append))
        assert [of.name for of in found] == ["level_0", "trunk", "embedding"]
        weights = (state.discriminator, state.discriminator_stats)
        for of in found:
            assert of.origin == origin
            for rows, samples in ((of.train, train), (of.held_out, held_out)):
                inputs = jnp.asarray(parts.source.encode(samples.samples))
                if of.name == "embedding":
                    expected = parts.networks.discriminate(*weights, inputs).embedding
                else:
                    expected = as_rows(parts.networks.features(*weights, inputs, tap=of.name))
                np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-5)
    assert sum(read) == 2 * 320
    assert taps_of(probed, ("embedding", "trunk")) == ("trunk", "embedding")
    said = r"^taps = 'score': must be one or more of level_0, level_1, trunk, embedding$"
    with pytest.raises(ConfigError, match=said):
        taps_of(probed, ("score",))


M13 = {1: 0.643, 2: 0.760, 5: 0.854, 10: 0.895, 50: 0.966}
"""Nearest neighbours of pixels of digits, measured by another program on another split."""


def test_pixels_reach_what_was_measured_elsewhere(probed: Probed) -> None:
    planned = plan(probed, (), 20, ("trunk",), False, seed=0)
    pixels = next(baselines(probed, planned.train, planned.held_out))
    assert (pixels.name, pixels.origin) == ("pixels", "none")
    for size, figure in M13.items():
        accuracies = [
            np.mean(
                classifiers.nearest_neighbor(
                    pixels.train[rows], planned.train.labels[rows], pixels.held_out
                )
                == planned.held_out.labels
            )
            for rows in (planned.labelled(number, size) for number in range(20))
        ]
        assert np.mean(accuracies) == pytest.approx(figure, abs=0.03)


def test_principal_components_are_those_of_the_train_split(probed: Probed) -> None:
    train, held_out = part("train", 400), part("test", 30)
    pixels, found = baselines(probed, train, held_out)
    centered = pixels.train - pixels.train.mean(axis=0)
    axes = np.linalg.svd(centered, full_matrices=False)[2][:50]
    for rows, of in ((found.train, pixels.train), (found.held_out, pixels.held_out)):
        expected = (of - pixels.train.mean(axis=0)) @ axes.T
        ten = (np.abs(part[:, :10]) for part in (rows, expected))
        np.testing.assert_allclose(*ten, rtol=1e-2, atol=1e-2)
    assert found.proportioned
    assert not pixels.proportioned


def plainly_tuned(probed: Probed, weights: Any, train: Any, held_out: Any, recipe: Any) -> float:
    """Fine-tuning without padding, scan or a compiled whole."""
    encode, networks = probed.splits.train.encode, probed.networks
    inputs, labels = jnp.asarray(encode(train.samples)), jnp.asarray(train.labels)

    def features(params: Any, x: Any) -> Any:
        return networks.features(params, weights.stats, x).reshape(len(x), -1)

    first = features(weights.params, inputs)
    mean = first.mean(axis=0)
    spread = jnp.sqrt(((first - mean) ** 2).mean())

    def logits(learner: Any, x: Any) -> Any:
        return (features(learner["trunk"], x) - mean) / spread @ learner["w"] + learner["b"]

    def loss(learner: Any, rows: Any) -> Any:
        logs = jax.nn.log_softmax(logits(learner, inputs[rows]))
        return -logs[jnp.arange(len(rows)), labels[rows]].mean()

    learner = {"trunk": weights.params, "w": jnp.zeros((first.shape[1], 10)), "b": jnp.zeros(10)}
    optimizer = optax.adam(optax.cosine_decay_schedule(recipe.lr, recipe.steps))
    state = optimizer.init(learner)
    slopes = jax.jit(jax.grad(loss))
    for key in jax.random.split(jax.random.key(3), recipe.steps):
        rows = jax.random.randint(key, (recipe.batch_size,), 0, len(labels))
        updates, state = optimizer.update(slopes(learner, rows), state)
        learner = optax.apply_updates(learner, updates)
    found = logits(learner, jnp.asarray(encode(held_out.samples))).argmax(axis=1)
    return float(np.mean(np.asarray(found) == held_out.labels))


def test_fine_tuning_is_that_of_a_plain_loop_however_many_rows_it_is_padded_to(
    probed: Probed,
) -> None:
    recipe = Recipe(steps=12, batch_size=8, lr=3e-3)
    train, held_out = part("train", 200), part("test", 300)
    rows = np.arange(40, 70)
    labelled = draws.Labeled(train.samples[rows], train.labels[rows])
    tuned = fine_tuning(probed, train, held_out, 50, recipe)
    for weights in (probed.trained, afresh(probed, 1)):
        expected = plainly_tuned(probed, weights, labelled, held_out, recipe)
        assert tuned(weights, rows, 3) == pytest.approx(expected, abs=1.5 / 300)
        assert expected > 0.2
    kept = afresh(probed, 1).params["trunk"]["stem"]["kernel"]
    assert (kept != afresh(probed, 2).params["trunk"]["stem"]["kernel"]).any()


@pytest.mark.parametrize("task", ["contrastive", "jigsaw"])
def test_a_pretraining_is_probed_like_a_gan(task: Any, tmp_path: Path) -> None:
    """Its newest weights, those of its start, and an embedding where the task has one."""
    config = Pretraining(
        workdir=tmp_path / "pretrained",
        data=CONFIG.data,
        pretext=Pretext(task),
        generator=CONFIG.generator,
        discriminator=CONFIG.discriminator,
        augment=Augment(strength=0.5 if task == "contrastive" else 0.0),
    )
    parts = pretext_parts.assemble(config)
    state = dataclasses.replace(config, seed=7)
    trained = pretext_parts.assemble(state).init_state()
    Workdir(config.workdir).create(config)
    with Checkpoints(config.workdir / "checkpoints") as checkpoints:
        checkpoints.save(64, trained)
    found = load(config.workdir, None, None, Whereabouts())
    assert (found.nimg, found.has_labels) == (64, False)
    assert found.has_embedding == (task == "contrastive")
    jax.tree.map(np.testing.assert_array_equal, found.trained.params, trained.discriminator)
    expected = parts.init_state().discriminator
    jax.tree.map(np.testing.assert_array_equal, found.start().params, expected)
    out = ("--labels", "1", "--draws", "1", "--no-fine-tuning", "--out", tmp_path / "out")
    (tmp_path / "out").mkdir()
    assert commands.exit_code("probe", config.workdir, *out) == 0
    features = {
        record.features for record in read_records(Accuracy, tmp_path / "out" / "probe.jsonl")
    }
    assert ("embedding" in features) == (task == "contrastive")


def test_the_command_tells_records_and_draws(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("--labels", "3", "1", "--draws", "2", "--taps", "trunk")
    assert commands.exit_code("probe", run, *few, "--out", tmp_path) == 0
    printed = capsys.readouterr().out
    assert f"{run}: 64 images seen" in printed
    assert "digits: 10 classes; 2 draws of labels (seed 0) among 1,437 train samples" in printed
    assert f"picture: {tmp_path / 'probe.png'}" in printed
    with Image.open(tmp_path / "probe.png") as image:
        assert min(image.size) > 400
    records = read_records(Accuracy, tmp_path / "probe.jsonl")
    keys = [(r.method, r.origin, r.features) for r in records if r.labels_per_class == 3]
    features = [("none", "pixels"), ("none", "PCA"), ("untrained", "trunk"), ("run", "trunk")]
    assert sorted(keys) == sorted(
        [(m, *f) for f in features for m in ("nearest_neighbor", "logistic_regression")]
        + [("fine_tuning", origin, "trunk") for origin in ("untrained", "run")]
    )
    assert len(records) == 2 * len(keys)
    for record in records:
        assert record.accuracy == pytest.approx(np.mean(record.accuracies))
        assert record.standard_error == pytest.approx(np.std(record.accuracies, ddof=1) / 2**0.5)
        assert f"{record.accuracy:.3f} ± {record.standard_error:.3f}" in printed
        assert (record.held_out_n, record.train_n, record.checkpoint_nimg) == (360, 1_437, 64)
    assert {path.name for path in tmp_path.iterdir()} == {"probe.png", "probe.jsonl"}
    (pixels,) = (r for r in records if key_of(r) == ("nearest_neighbor", "pixels", "none", 3))
    (trunk,) = (r for r in records if key_of(r) == ("nearest_neighbor", "trunk", "run", 3))
    gained = np.subtract(trunk.accuracies, pixels.accuracies)
    assert trunk.over_baseline == pytest.approx(gained.mean())
    assert trunk.over_baseline_standard_error == pytest.approx(np.std(gained, ddof=1) / 2**0.5)
    assert pixels.over_baseline is None
    (tuned,) = (r for r in records if key_of(r) == ("fine_tuning", "trunk", "run", 3))
    (scratch,) = (r for r in records if key_of(r) == ("fine_tuning", "trunk", "untrained", 3))
    assert tuned.over_baseline == pytest.approx(tuned.accuracy - scratch.accuracy)
    assert scratch.over_baseline is None


def key_of(record: Accuracy) -> tuple[Any, ...]:
    return record.method, record.features, record.origin, record.labels_per_class


def test_a_run_on_points_is_probed_too_and_one_with_labels_says_so(tmp_path: Path) -> None:
    points = dataclasses.replace(
        CONFIG,
        data=Data("ring8"),
        discriminator=Discriminator(width=4, depth=2),
        embedding=Embedding(),
        augment=Augment(),
        conditioning=Conditioning(labels=True),
    )
    found = load(saved(tmp_path / "ring", points), None, 1, Whereabouts())
    assert taps_of(found, ()) == ("layer_0", "layer_1", "trunk")
    planned = plan(found, (1,), 1, (), False, seed=0)
    planned = planned._replace(
        train=draws.Labeled(*(x[:2_000] for x in planned.train)),
        held_out=draws.Labeled(*(x[:200] for x in planned.held_out)),
    )
    planned = planned._replace(rows=draws.balanced(planned.train.labels, 8, 1, 1, seed=0))
    told: list[int] = []
    records = measure(found, planned, told.append)
    by = {key_of(r)[:3]: r for r in records}
    assert by["nearest_neighbor", "coordinates", "none"].accuracy > 0.9
    assert {r.features for r in records} == {"coordinates", "PCA", "layer_0", "trunk"}
    assert all(r.standard_error is None and r.with_labels for r in records)
    caution = words.caution(records[0])
    assert caution is not None
    assert "with all the labels" in caution
    assert words.caution(dataclasses.replace(records[0], with_labels=False)) is None
    assert draw("ring", records)[:4] == b"\x89PNG"


def test_data_without_classes_are_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "images").mkdir()
    for number in range(12):
        pixels = np.random.default_rng(number).integers(256, size=(8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
    data = Data("folder", path=tmp_path / "images", classes="none", resolution=8, channels=1)
    root = saved(tmp_path / "run", dataclasses.replace(CONFIG, data=data))
    before = {path.name for path in root.iterdir()}
    assert commands.exit_code("probe", root) == 2
    said = capsys.readouterr().err
    assert f"error: {root}: its data set has no classes; must be a run on data of at least" in said
    assert {path.name for path in root.iterdir()} == before


def test_one_draw_has_no_error() -> None:
    assert mean_and_error([0.5]) == (0.5, None)
    assert words.value_and_error(0.5, None) == "0.500"
    assert words.value_and_error(0.5, 0.01, sign=True) == "+0.500 ± 0.010"
