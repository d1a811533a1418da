"""What a discriminator thinks: whose order, of which samples, and what the picture shows of it."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from cgan.assemble import assemble
from cgan.commands import rank
from cgan.config import (
    ConfigError,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Objective,
    Penalty,
    SourceName,
)
from cgan.data import EMBEDDED as SOURCES
from cgan.data import load_source
from cgan.kinds import IMAGE, POINT
from cgan.rng import row_keys, stream_key
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sampling import ranking, ranking_picture
from cgan.sampling.ranking import Head, Others, Ranking, varied_rows
from cgan.sampling.ranking_picture import MIN_TILE, coloring, in_figures, lay_out, save_ranking
from cgan.sampling.runs import Restored, restore_run
from cgan.system import cli

LATENT_DIM = 3
CRITIC, NO_CRITIC = Objective(), Objective(weight=0.0)
EMBEDDING = Embedding(weight=1.0, dimensions=4)
LEARNT = 0.37
"""Of the start, what a temperature that is learnt has become."""


def rank_fakes(run: Restored, *counts: int, **settings: Any) -> Ranking:
    """With reals of the run's own held-out split."""
    held_out = load_source(run.parts.config.data, "test")
    return ranking.rank_fakes(run, held_out, *counts, **settings)


def save_run(
    root: Path,
    source: SourceName = "ring8",
    objective: Objective = CRITIC,
    embedding: Embedding | None = None,
) -> Path:
    """A run of two checkpoints, none of whose arrays are as they were at the start."""
    config = Experiment(
        workdir=root,
        data=Data(source),
        generator=Generator(latent_dim=LATENT_DIM, width=8, depth=1),
        discriminator=Discriminator(width=8, depth=1, spectral_norm=True),
        objective=objective,
        embedding=embedding or Embedding(),
        penalty=Penalty(r1=0.0, r2=0.0),
    )
    parts, workdir = assemble(config), Workdir(root)
    state = parts.init_state()
    stats = state.discriminator_stats
    step = jax.jit(parts.networks.update_stats)
    for _ in range(30):
        stats = step(state.discriminator, stats)
    state = state._replace(
        generator_ema=jax.tree.map(lambda leaf: leaf * 1.5 + 0.1, state.generator),
        discriminator_stats=stats,
        learnt=jax.tree.map(lambda leaf: leaf + np.log(LEARNT), state.learnt),
    )
    other = state._replace(generator_ema=state.generator)
    workdir.create(config)
    with Checkpoints(workdir.checkpoints) as checkpoints:
        checkpoints.save(64, other)
        checkpoints.save(128, state)
    return root


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Restored:
    """Points, both heads, a learnt temperature."""
    objective = Objective(temperature=0.5, temperature_bounds=(0.01, 2.0))
    root = tmp_path_factory.mktemp("points") / "run"
    return restore_run(save_run(root, objective=objective, embedding=EMBEDDING))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Restored:
    """Images, a score alone."""
    return restore_run(save_run(tmp_path_factory.mktemp("images") / "run", source="digits"))


@pytest.fixture(scope="module")
def unscored(tmp_path_factory: pytest.TempPathFactory) -> Restored:
    """Points, embeddings alone."""
    root = tmp_path_factory.mktemp("unscored") / "run"
    return restore_run(save_run(root, objective=NO_CRITIC, embedding=EMBEDDING))


def dense(layer: Any, x: np.ndarray, normalize: bool = False) -> np.ndarray:
    kernel = np.asarray(layer["kernel"], float)
    kernel = kernel / np.linalg.norm(kernel, 2) if normalize else kernel
    return x @ kernel + np.asarray(layer.get("bias", 0))


def leaky_relu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def by_hand(run: Restored, head: str, stored: np.ndarray) -> np.ndarray:
    """What a head says of points, from the weights over their largest singular values."""
    params = run.state.discriminator
    x = stored / run.parts.source.scale  # type: ignore[attr-defined]
    return dense(params["head"][head], leaky_relu(dense(params["trunk"]["layer_0"], x, True)), True)


def fakes_by_hand(run: Restored, row: int, count: int, seed: int) -> np.ndarray:
    """The averaged generator's points in one row, in the order of their latents."""
    keys = row_keys(stream_key(seed, "latents/ranking", row), jnp.arange(count))
    z = np.stack([np.asarray(jax.random.normal(key, (LATENT_DIM,)), float) for key in keys])
    params = run.state.generator_ema
    made = dense(params["head"]["out"], leaky_relu(dense(params["trunk"]["layer_0"], z)))
    return made * run.parts.source.scale  # type: ignore[attr-defined]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_margins_are_differences_of_scores_over_the_learnt_temperature(points: Restored) -> None:
    found = rank_fakes(points, reals=3, fakes=20, seed=4)
    assert found.kind == "margin"
    assert found.temperature == pytest.approx(0.5 * LEARNT, rel=1e-5)
    scores = by_hand(points, "score", found.reals)[:, 0]
    for row in range(3):
        fakes = fakes_by_hand(points, row, 20, seed=4)
        margins = (scores[row] - by_hand(points, "score", fakes)[:, 0]) / (0.5 * LEARNT)
        order = np.argsort(margins)
        np.testing.assert_allclose(found.values[row], margins[order], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(found.fakes[row], fakes[order], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("fakes", [256, 7])
@pytest.mark.parametrize("run", ["points", "unscored"])
def test_embeddings_keep_those_most_and_least_like_each_real_by_cosine(
    run: str, fakes: int, request: pytest.FixtureRequest
) -> None:
    restored: Restored = request.getfixturevalue(run)
    by: Head | None = "embedding" if run == "points" else None
    found = rank_fakes(restored, reals=3, fakes=fakes, seed=4, by=by)
    assert (found.kind, found.temperature, found.drawn) == ("similarity", 1.0, 256)
    assert found.alike == {256: 256, 7: 5}[fakes]
    assert np.abs(found.values).max() <= 1 + 1e-6
    reals = unit(by_hand(restored, "embedding", found.reals))
    for row in range(3):
        drawn = fakes_by_hand(restored, row, 256, seed=4)
        cosines = unit(by_hand(restored, "embedding", drawn)) @ reals[row]
        order = np.argsort(-cosines)
        order = order if fakes == 256 else np.concatenate([order[:5], order[-2:]])
        np.testing.assert_allclose(found.values[row], cosines[order], rtol=1e-3, atol=1e-4)
        if fakes == 7:
            np.testing.assert_allclose(found.fakes[row], drawn[order], rtol=1e-3, atol=1e-4)


def test_by_embedding_the_nearest_other_reals_stand_beside_each(points: Restored) -> None:
    found = rank_fakes(points, reals=3, fakes=5, seed=4, by="embedding")
    held_out = SOURCES["ring8"]("test")
    searched = np.asarray(held_out[varied_rows(held_out, ranking.SEARCHED, seed=4)].x)
    embeddings = unit(by_hand(points, "embedding", searched))
    assert found.others is not None
    assert found.others.reals.shape == (3, 4, 2)
    for row in range(3):
        np.testing.assert_array_equal(searched[row], found.reals[row])
        cosines = np.delete(embeddings @ embeddings[row], row)
        order = np.argsort(-cosines)[:4]
        np.testing.assert_allclose(found.others.values[row], cosines[order], rtol=1e-3, atol=1e-4)
        near = unit(by_hand(points, "embedding", found.others.reals[row])) @ embeddings[row]
        np.testing.assert_allclose(found.others.values[row], near, rtol=1e-3, atol=1e-4)
        assert not (found.others.reals[row] == found.reals[row]).all(axis=1).any()
    assert rank_fakes(points, reals=3, fakes=5, seed=4, by="score").others is None


def test_a_real_that_is_alone_has_no_others(points: Restored) -> None:
    held_out = SOURCES["ring8"]("test")
    one = dataclasses.replace(held_out, points=held_out.points[:1], labels=held_out.labels[:1])  # type: ignore[attr-defined, type-var]
    assert ranking.nearest_others(points, one, np.zeros(1, int), seed=0) is None


@pytest.mark.parametrize(("by", "sign"), [("score", 1), ("embedding", -1)])
def test_a_row_runs_from_the_closest_to_real_to_the_furthest(
    points: Restored, by: Head, sign: int
) -> None:
    steps = np.diff(rank_fakes(points, reals=5, fakes=30, seed=0, by=by).values, axis=1)
    assert (sign * steps >= 0).all()
    assert (steps != 0).any()


@pytest.mark.parametrize(
    "objective",
    [Objective(temperature=0.25), Objective(loss="nonsaturating")],
    ids=lambda o: o.loss,
)
def test_a_temperature_that_is_not_learnt_is_the_configs_and_classic_losses_have_none(
    tmp_path: Path, objective: Objective
) -> None:
    run = restore_run(save_run(tmp_path / "run", objective=objective))
    found = rank_fakes(run, reals=2, fakes=5, seed=0)
    assert found.temperature == (0.25 if objective.loss == "softmax" else 1.0)
    real, fakes = (by_hand(run, "score", x)[..., 0] for x in (found.reals, found.fakes))
    expected = (real[:, None] - fakes) / found.temperature
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-4)


def test_each_real_has_fakes_of_its_own(points: Restored) -> None:
    found = rank_fakes(points, reals=4, fakes=16, seed=0)
    assert found.fakes.shape == (4, 16, 2)
    assert len(np.unique(found.fakes.reshape(-1, 2), axis=0)) == 4 * 16


@pytest.mark.parametrize("run", ["points", "images"])
def test_the_first_rows_do_not_depend_on_how_many_there_are(
    run: str, request: pytest.FixtureRequest
) -> None:
    restored: Restored = request.getfixturevalue(run)
    few, many = (rank_fakes(restored, reals=n, fakes=6, seed=3) for n in (2, 7))
    for one, other in zip(few[:3], many[:3], strict=True):
        np.testing.assert_array_equal(one, other[:2])
        assert one.dtype == other.dtype
    other_seed = rank_fakes(restored, reals=2, fakes=6, seed=4)
    assert (other_seed.values != few.values).all()
    assert (other_seed.reals != few.reals).any()


def test_images_are_pixels(images: Restored) -> None:
    found = rank_fakes(images, reals=3, fakes=5, seed=0)
    assert (found.reals.shape, found.fakes.shape) == ((3, 8, 8, 1), (3, 5, 8, 8, 1))
    assert found.reals.dtype == found.fakes.dtype == np.uint8
    assert found.values.dtype == np.float32


@pytest.mark.parametrize("source", ["ring8", "digits"])
def test_reals_are_held_out_and_every_class_comes_once_before_any_comes_twice(
    source: SourceName, points: Restored, images: Restored
) -> None:
    held_out = SOURCES[source]("test")
    classes = len(held_out.class_names)
    rows = varied_rows(held_out, 3 * classes, seed=1)
    assert len(set(rows)) == 3 * classes
    for turn in np.split(np.asarray(held_out[rows].label), 3):
        assert sorted(turn) == list(range(classes))
    np.testing.assert_array_equal(varied_rows(held_out, 5, seed=1), rows[:5])
    run = points if source == "ring8" else images
    reals = rank_fakes(run, reals=5, fakes=2, seed=1).reals
    np.testing.assert_array_equal(reals, held_out[rows[:5]].x)


def test_more_reals_than_are_held_out_are_refused(images: Restored) -> None:
    with pytest.raises(ConfigError, match=r"^reals = 361: must be at most the 360 that are held"):
        rank_fakes(images, reals=361, fakes=2, seed=0)


def some_ranking(
    kind: Any = "margin",
    rows: int = 3,
    count: int = 5,
    shape: tuple[int, ...] = (8, 8, 1),
    spread: float = 1.0,
) -> Ranking:
    rng = np.random.default_rng([rows, count, *shape])

    def samples(*leading: int) -> np.ndarray:
        if len(shape) == 3:
            return rng.integers(256, size=(*leading, *shape), dtype=np.uint8)
        return rng.uniform(-1, 1, size=(*leading, *shape)).astype(np.float32)

    values = np.sort(rng.uniform(-spread, spread, (rows, count)).astype(np.float32), axis=1)
    of = IMAGE if len(shape) == 3 else POINT
    if kind == "margin":
        return Ranking(samples(rows), samples(rows, count), values, kind, 0.5, of)
    near = np.sort(rng.uniform(-spread, spread, (rows, 3)).astype(np.float32))[:, ::-1]
    others, drawn = Others(samples(rows, 3), near), count + 4 if of == IMAGE else count
    fakes = samples(rows, count)
    return Ranking(samples(rows), fakes, values[:, ::-1], kind, 1.0, of, others, drawn)


def drawn(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.mode == "RGB"
        return np.asarray(picture).astype(int)


@pytest.mark.parametrize("kind", ["margin", "similarity"])
@pytest.mark.parametrize(
    ("rows", "count", "shape"),
    [(3, 5, (8, 8, 1)), (1, 2, (8, 8, 3)), (2, 14, (20, 40, 3)), (2, 3, (100, 96, 1))],
)
def test_a_picture_of_images_shows_each_of_them_pixel_by_pixel_over_its_color(
    tmp_path: Path, kind: str, rows: int, count: int, shape: tuple[int, int, int]
) -> None:
    ranking = some_ranking(kind, rows, count, shape)
    save_ranking(tmp_path / "new" / "rank.png", ranking, "a run")
    pixels, layout = drawn(tmp_path / "new" / "rank.png"), lay_out(ranking)
    assert pixels.shape == (layout.height, layout.width, 3)
    factor = max(1, -(-MIN_TILE // max(shape[:2])))
    assert (layout.tall, layout.wide) == (shape[0] * factor, shape[1] * factor)
    near = ranking.others
    others = 0 if near is None else 3
    assert (len(layout.tops), len(layout.lefts)) == (rows, 1 + others + count)
    values = ranking.values if near is None else np.hstack([near.values, ranking.values])
    colors = coloring(ranking).to_rgba(values, bytes=True)
    block = np.ones((factor, factor, 1), int)
    covered = np.zeros(pixels.shape[:2], int)
    for row, top in enumerate(layout.tops):
        beside = [] if near is None else near.reals[row]
        shown = [ranking.reals[row], *beside, *ranking.fakes[row]]
        for column, (left, image) in enumerate(zip(layout.lefts, shown, strict=True)):
            place = slice(top, top + layout.tall), slice(left, left + layout.wide)
            np.testing.assert_array_equal(pixels[place], np.kron(image, block) + np.zeros(3, int))
            covered[place] += 1
            below = pixels[top + layout.tall + 8, left : left + layout.wide]
            expected = colors[row, column - 1, :3] if column else 255
            assert (below == expected).all()
    assert covered.max() == 1
    words = pixels[layout.tops[-1] + layout.row_height :]
    assert (words.min(axis=2) < 100).any()
    assert (pixels[:, -8:] == 255).all()
    assert (pixels[-8:] == 255).all()


def test_groups_stand_apart_with_a_heading_each(tmp_path: Path) -> None:
    ranking = some_ranking("similarity", 2, 6)
    layout = lay_out(ranking)
    groups = [range(*group.indices(10)) for group in layout.groups]
    assert groups == [range(1), range(1, 4), range(4, 8), range(8, 10)]
    steps = np.diff(layout.lefts) - layout.wide
    between = {group.start - 1 for group in groups[1:]}
    for place, step in enumerate(steps):
        assert step == (ranking_picture.APART if place in between else ranking_picture.GAP)
    whole = some_ranking("similarity", 2, 6, (2,))
    assert ranking_picture.headings(ranking) == [
        "nearest other reals",
        "fakes most like it",
        "fakes least like it",
    ]
    assert ranking_picture.headings(whole) == ["nearest other reals", "fakes most like it"]
    assert "and of 10 fakes those most and least like it" in ranking_picture.told(ranking)


@pytest.mark.parametrize(
    ("kind", "rows", "columns", "lines"),
    [("margin", 1, 1, 1), ("similarity", 6, 4, 2), ("margin", 17, 5, 4)],
)
def test_a_picture_of_points_has_a_panel_with_a_star_for_each_real(
    tmp_path: Path, kind: str, rows: int, columns: int, lines: int
) -> None:
    ranking = some_ranking(kind, rows, 30, (2,))
    save_ranking(tmp_path / "rank.png", ranking, "a run")
    pixels = drawn(tmp_path / "rank.png")
    step = ranking_picture.PANEL + ranking_picture.GAP
    border, header = ranking_picture.BORDER, ranking_picture.HEADER
    least = ranking_picture.MIN_WIDTH
    assert pixels.shape[1] == max(2 * border + columns * step - ranking_picture.GAP, least)
    assert pixels.shape[0] == header + lines * step + ranking_picture.FOOTER
    reach = 1.15 * max(np.abs(ranking.reals).max(), np.quantile(np.abs(ranking.fakes), 0.99))
    for row, real in enumerate(ranking.reals):
        top, left = header + row // columns * step, border + row % columns * step
        panel = pixels[top : top + ranking_picture.PANEL, left : left + ranking_picture.PANEL]
        ys, xs = np.nonzero((panel == (255, 215, 0)).all(axis=2))
        assert len(xs) > 100
        shares = np.array([xs.mean(), len(panel) - ys.mean()]) / len(panel)
        np.testing.assert_allclose((2 * shares - 1) * reach, real, atol=0.1)
        assert np.unique(panel.reshape(-1, 3), axis=0).shape[0] > 30


def test_the_sign_of_a_margin_is_its_hue_and_similarities_run_from_light_to_dark() -> None:
    colors = coloring(some_ranking()).to_rgba(np.array([-0.5, 0.0, 0.5]))
    assert colors[0, 2] > colors[0, 0] + 0.2
    assert np.ptp(colors[1, :3]) < 0.05
    assert colors[2, 0] > colors[2, 2] + 0.2
    lightness = (
        coloring(some_ranking("similarity")).to_rgba(np.linspace(0.6, -0.6, 9))[:, :3].sum(1)
    )
    assert (np.diff(lightness) < 0).all()


@pytest.mark.parametrize("shape", [(8, 8, 1), (2,)])
@pytest.mark.parametrize("kind", ["margin", "similarity"])
@pytest.mark.parametrize("spread", [0.0, 1e-6, 1e4])
def test_values_that_are_all_alike_or_far_apart_can_be_drawn(
    tmp_path: Path, shape: tuple[int, ...], kind: str, spread: float
) -> None:
    save_ranking(tmp_path / "rank.png", some_ranking(kind, shape=shape, spread=spread), "$50_a run")
    assert drawn(tmp_path / "rank.png").std() > 5


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-0.141, 0.004, 0.37], ["-0.14", "0.00", "0.37"]),
        ([-2.5, -0.001, 2.5], ["-2.50", "0.00", "2.50"]),
        ([-12.0, 0.26, 14.0], ["-12.0", "0.3", "14.0"]),
        ([-300.0, 2.0, 4000.0], ["-300", "2", "4000"]),
        ([0.0, 0.0001, 0.0123], ["0.0000", "0.0001", "0.0123"]),
        ([3.0, 3.0, 3.0], ["3.00", "3.00", "3.00"]),
    ],
)
def test_values_have_as_many_decimals_as_their_spread_asks_for(
    values: list[float], expected: list[str]
) -> None:
    minus = "\N{MINUS SIGN}"
    assert in_figures(np.array([values])) == [[text.replace("-", minus) for text in expected]]


Command = Callable[..., tuple[object, str, str]]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """`python -m cgan.rank` in this process: its exit code and what it said."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["cgan.rank", *map(str, arguments)])
        code: object = 0
        try:
            cli.run(rank.main)
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return call


def test_the_command_draws_the_ranking_of_its_seed(
    command: Command, images: Restored, tmp_path: Path
) -> None:
    root = images.parts.config.workdir
    arguments = ("--out", "rank.png", "--reals", 3, "--fakes", 4, "--seed", 5)
    code, out, _ = command(root, *arguments)
    assert code == 0
    assert out == f"3 reals, each beside 4 fakes of {root} at 128 images: rank.png\n"
    expected = tmp_path / "expected.png"
    save_ranking(expected, rank_fakes(images, 3, 4, seed=5), "run, 128 images seen")
    assert (tmp_path / "rank.png").read_bytes() == expected.read_bytes()
    code, out, _ = command(root, *arguments, "--checkpoint", 64)
    assert " at 64 images: " in out
    assert (tmp_path / "rank.png").read_bytes() != expected.read_bytes()


def test_the_command_orders_by_the_head_that_is_asked_for(
    command: Command, points: Restored, tmp_path: Path
) -> None:
    root, pictures = points.parts.config.workdir, {}
    for by in ("score", "embedding", None):
        chosen = ("--by", by) if by else ()
        code, out, _ = command(root, "--out", "rank.png", "--reals", 2, *chosen)
        assert code == 0
        assert out.startswith("2 reals, each beside 256 fakes of ")
        pictures[by] = (tmp_path / "rank.png").read_bytes()
    assert pictures[None] == pictures["score"] != pictures["embedding"]


@pytest.mark.parametrize(
    ("run", "arguments", "message"),
    [
        ("images", ["--reals", "0"], "error: reals = 0: must be from 1 to 64"),
        ("images", ["--reals", "65"], "error: reals = 65: must be from 1 to 64"),
        ("images", ["--fakes", "1"], "error: fakes = 1: must be from 2 to 64 images or 256 points"),
        ("points", ["--fakes", "257"], "error: fakes = 257: must be from 2 to 64 images or 256"),
        ("images", ["--fakes", "65"], "error: fakes = 65: must be at most 64 images"),
        ("images", ["--seed", "-1"], "error: seed = -1: must be from 0"),
        ("images", ["--checkpoint", "7"], "error: checkpoint 7: not in "),
        (
            "images",
            ["--by", "embedding"],
            "error: by = 'embedding': must be 'score', the only head of this run",
        ),
        (
            "unscored",
            ["--by", "score"],
            "error: by = 'score': must be 'embedding', the only head of this run",
        ),
        ("images", ["--out", "rank.npz"], "error: out = 'rank.npz': must be a .png file"),
        ("images", ["--out", "folder.png"], "error: out = 'folder.png': must be a file, not a"),
        ("images", ["--out", "file/rank.png"], "error: out = 'file/rank.png': must be in a folder"),
    ],
)
def test_a_wrong_request_is_refused_and_writes_nothing(
    command: Command,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    run: str,
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    root = request.getfixturevalue(run).parts.config.workdir
    code, out, err = command(root, "--out", "rank.png", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert {path.name for path in tmp_path.rglob("*")} == {"folder.png", "file"}


def test_a_folder_that_is_no_run_is_refused(command: Command) -> None:
    code, _, err = command("nowhere", "--out", "rank.png")
    assert code == 2
    assert err.startswith("error: nowhere: not a run, config.json is missing")
