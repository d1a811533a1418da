"""`python -m eval search`: methods against their libraries and known optima, journals, the command.

What the Gaussian process finds is compared with optima in closed form, CMA-ES and Sobol points with
the libraries' own loops, and percentiles with NumPy's of scores taken here.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cma
import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax
from scipy.stats import chi, kstest, ncx2, norm, qmc

from cgan.assemble import assemble
from cgan.config import Conditioning, ConfigError, Data, Discriminator, Experiment, Generator
from cgan.kinds import DNA
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sampling import runs
from eval.files.json_lines import read_rows
from eval.files.records import read_records
from eval.gather import silent
from eval.names import MethodName
from eval.search import cube, dna, given, journal, scores
from eval.search.measure import Plan, Search, Space, search
from eval.search.methods import METHODS, History
from eval.search.record import RECORDS, Found
from eval.search.scores import Asked, Score
from tests.eval import commands

CONFIG = Experiment(
    workdir=Path("replaced"),
    data=Data("digits"),
    generator=Generator(architecture="mlp", latent_dim=3, width=8, depth=1),
    discriminator=Discriminator(architecture="mlp", width=2, depth=1),
)
SCORE = """
def score(images):
    return images[:, :4].mean(axis=(1, 2, 3)) - images[:, 4:].mean(axis=(1, 2, 3))
"""
ALL: tuple[MethodName, ...] = ("bayes", "random", "sobol", "cmaes")


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
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "upper.py"
    path.write_text(SCORE)
    return path


def upper(images: np.ndarray) -> np.ndarray:
    """What `SCORE` says, in other words."""
    half = images.astype(np.float64).reshape(len(images), 2, -1).mean(axis=2)
    return half[:, 0] - half[:, 1]


def found_by(
    method: MethodName, objective: Callable[[np.ndarray], float], d: int, n: int, seed: int = 0
) -> History:
    """A search of a function of normal coordinates."""
    history = History(np.zeros((0, d)), np.zeros(0))
    for _ in range(n):
        point = METHODS[method](seed, history)
        value = objective(cube.normal(point[None])[0])
        history = History(np.vstack([history.points, point]), np.append(history.values, value))
    return history


def test_the_cube_is_the_prior_but_for_what_it_hardly_ever_draws() -> None:
    points = np.random.default_rng(0).uniform(size=(4_000, 12))
    latents = cube.normal(points)
    short = np.linalg.norm(norm.ppf(points), axis=1) < chi.ppf(0.999, 12)
    inside = short & ((points > cube.LOW) & (points < cube.HIGH)).all(axis=1)
    assert inside.mean() > 0.97
    np.testing.assert_allclose(latents[inside], norm.ppf(points[inside]), rtol=1e-9)
    assert kstest(latents[:, 3], "norm").pvalue > 1e-3
    corners = cube.normal(np.array([[0.0] * 12, [1.0] * 12]))
    np.testing.assert_allclose(np.linalg.norm(corners, axis=1), chi.ppf(0.999, 12))
    assert kstest(cube.uniform(points)[:, 0], "uniform", (-(3**0.5), 12**0.5)).pvalue > 1e-3


def test_a_slice_moves_a_draw_along_the_directions_in_which_samples_change_most() -> None:
    rng = np.random.default_rng(1)
    left, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    right, _ = np.linalg.qr(rng.normal(size=(30, 30)))
    sizes = np.r_[9, 7, 5, np.full(17, 0.05)]
    latents = rng.normal(size=(4_000, 20))
    samples = latents @ (left * sizes) @ right[:20]
    found = cube.directions(latents, samples, 3)
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.abs(np.diag(found @ left[:, :3])), 1, atol=0.02)
    axes = cube.directions(latents, latents * np.r_[1, 5, 1, 3, np.ones(16)], 2, by_axis=True)
    np.testing.assert_array_equal(axes, np.eye(20)[[1, 3]])
    through, along = rng.normal(size=20), rng.normal(size=(5, 3))
    moved = cube.Slice(found, through).latents(along)
    np.testing.assert_allclose(moved @ found.T, along, atol=1e-12)
    rest = np.eye(20) - found.T @ found
    np.testing.assert_allclose(moved @ rest, np.tile(rest @ through, (5, 1)), atol=1e-12)


def test_points_are_those_of_the_libraries_own_loops() -> None:
    def objective(z: np.ndarray) -> float:
        return float(-np.sum((z - 0.7) ** 2))

    sobol = qmc.Sobol(5, scramble=True, rng=np.random.default_rng(4)).random_base2(5)[:20]
    points = found_by("sobol", objective, 5, 20, seed=4).points
    np.testing.assert_array_equal(points, np.clip(sobol, cube.LOW, cube.HIGH))
    rng = np.random.default_rng(4)
    options: dict[str, Any] = {"bounds": [cube.LOW, cube.HIGH], "seed": np.nan, "verbose": -9}
    options["randn"] = lambda *shape: rng.standard_normal(shape)
    strategy = cma.CMAEvolutionStrategy([0.5] * 5, 0.3, options)
    told: list[np.ndarray] = []
    while len(told) < 40:
        asked = strategy.ask()
        strategy.tell(asked, [-objective(cube.normal(np.array([u]))[0]) for u in asked])
        told += asked
    np.random.seed(3)  # noqa: NPY002
    before = np.random.standard_normal()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    np.testing.assert_array_equal(found_by("cmaes", objective, 5, 40, 4).points, told[:40])
    assert np.random.standard_normal() == before  # noqa: NPY002


def test_the_gaussian_process_comes_to_known_optima() -> None:
    middle = np.array([0.8, -0.5, 0.3, -1.0])

    def hill(z: np.ndarray) -> float:
        return float(-np.sum((z - middle) ** 2))

    hills = {method: found_by(method, hill, 4, 26).values for method in ALL}
    # The share of random draws as close to the top: more than 500 of them for one.
    assert ncx2.cdf(-hills["bayes"].max(), 4, middle @ middle) < 1 / 500
    assert hills["bayes"].max() > max(hills[other].max() for other in ALL[1:])
    slope = np.array([1.0, -2.0, 0.5, 0.0, 1.5, -0.3])
    largest = np.linalg.norm(slope) * chi.ppf(0.999, 6)  # straight along it, on the longest shell
    best = found_by("bayes", lambda z: float(slope @ z), 6, 26).values.max()
    assert 0.93 * largest < best <= largest + 1e-9


def of_run(root: Path, function: Callable[[np.ndarray], np.ndarray] = upper) -> Space:
    return Space(root, runs.load_run(root), Score("own", "own", "1", function))


def test_a_search_that_stopped_goes_on_as_if_it_had_not(root: Path, tmp_path: Path) -> None:
    space, plan = of_run(root), Plan(ALL, (3, 4), 9, 50)
    whole_file, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    with journal.kept(whole_file, space.key) as kept:
        whole = search(space, plan, kept, silent)
    lines = whole_file.read_bytes().splitlines(keepends=True)
    assert len(lines) == 2 * 4 * 9 + 1
    # half the lines, one of them torn, beside those of another search
    other = json.dumps(json.loads(lines[0]) | {"key": "other", "value": 1e9})
    torn.write_bytes(other.encode() + b"\n" + b"".join(lines[:40]) + lines[40][:30])
    advanced: list[int] = []
    with journal.kept(torn, of_run(root).key) as kept:
        resumed = search(of_run(root), plan, kept, advanced.append)
    assert sum(advanced) == 2 * 4 * 9
    assert resumed.resumed == 40
    for one, two in zip(whole.searches, resumed.searches, strict=True):
        np.testing.assert_array_equal(one.history.points, two.history.points)
        np.testing.assert_array_equal(one.history.values, two.history.values)
    assert whole.reference is not None
    np.testing.assert_array_equal(whole.reference, resumed.reference)
    assert torn.read_bytes().splitlines()[1:] == whole_file.read_bytes().splitlines()
    # more evaluations begin with those that were made
    with journal.kept(torn, space.key) as kept:
        longer = search(space, Plan(("cmaes",), (3,), 12, 0), kept, silent)
    np.testing.assert_array_equal(
        longer.searches[0].history.points[:9], whole.of("cmaes")[0].history.points
    )
    # and what another score said counts for nothing
    other_space = Space(root, space.run, Score("own", "own", "2", upper))
    with journal.kept(torn, other_space.key) as kept:
        assert len(kept.history("bayes", 3, 3, 9).values) == 0
        with (
            pytest.raises(ConfigError, match="another search is writing"),
            journal.kept(torn, space.key),
        ):
            pass


def test_values_are_scores_of_samples_of_the_points_latents(root: Path) -> None:
    space = of_run(root)
    point = np.array([0.2, 0.5, 0.9])
    sampler = space.run.sampler
    image = sampler.generate(space.run.params, norm.ppf(point[None]).astype(np.float32))
    assert space.value(point, seed=0) == pytest.approx(upper(image)[0], rel=1e-12)
    assert space.dimensions == space.latent_dim == 3
    sliced = Space(root, space.run, space.score, dimensions=2)
    found = sliced.latents(np.random.default_rng(0).uniform(0.1, 0.9, (40, 2)), seed=1)
    assert np.linalg.matrix_rank(found - found.mean(axis=0), tol=1e-6) == 2
    other = sliced.latents(np.full((1, 2), 0.5), seed=2)
    assert not np.allclose(other, sliced.latents(np.full((1, 2), 0.5), seed=1))
    assert sliced.key != space.key
    with pytest.raises(ConfigError, match=r"^dimensions = 4: must be from 1 to 3, the run's"):
        Space(root, space.run, space.score, dimensions=4)


def test_a_run_with_many_latents_is_searched_in_a_slice(tmp_path: Path) -> None:
    generator = dataclasses.replace(CONFIG.generator, latent_dim=40)
    space = of_run(saved(tmp_path / "wide", dataclasses.replace(CONFIG, generator=generator)))
    assert (space.dimensions, space.latent_dim) == (12, 40)
    points = np.random.default_rng(0).uniform(size=(300, 12))
    lengths = np.linalg.norm(space.latents(points, seed=0), axis=1)
    assert abs(lengths.mean() - chi.mean(40)) < 0.8  # on the shell


def test_a_run_with_labels_is_asked_for_one_class(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, conditioning=Conditioning(labels=True))
    run = runs.load_run(saved(tmp_path / "labeled", config))
    own = Score("own", "own", "1", upper)
    with pytest.raises(ConfigError, match=r"^class = None: must be given for this run, which"):
        Space(tmp_path, run, own)
    latents = np.ones((1, 3), np.float32)
    threes, sevens = (Space(tmp_path, run, own, class_=name).samples(latents) for name in "37")
    expected = run.sampler.generate(run.params, latents, np.array([3], np.int32))
    np.testing.assert_array_equal(threes, expected)
    assert not np.array_equal(threes, sevens)


def test_scores_are_what_their_names_say(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.load_run(root)
    source = run.sampler.parts.source
    images = np.asarray(source[np.arange(6)].x)
    ink = scores.load("ink", Asked(run, lambda: (source, source), None))
    np.testing.assert_allclose(ink.values(images), images.reshape(6, -1).mean(axis=1) / 255)
    logits = np.random.default_rng(0).normal(size=(6, 10)).astype(np.float32) * 3
    monkeypatch.setattr(scores, "load_extractor", lambda *_: Reader(logits))
    score = scores.load("probability", Asked(run, lambda: (source, source), "3"))
    p = softmax(logits.astype(np.float64), axis=1)[:, 3]
    np.testing.assert_allclose(score.values(images), np.log(p / (1 - p)), rtol=1e-9)
    assert (score.name, score.meaning) == (
        "probability-3",
        "log-odds of class 3 by the classifier",
    )


def one_hot(*sequences: str) -> np.ndarray:
    return np.stack([np.eye(4, dtype=np.uint8)[["ACGT".index(of) for of in s]] for s in sequences])


def test_the_share_of_g_and_c_is_counted() -> None:
    found = dna.gc(one_hot("AATT", "AGCT", "GGCC", "AAAG"))
    assert found.tolist() == [0, 0.5, 1, 0.25]


@pytest.mark.parametrize("motif", ["TATAAT", "GNNC", "A"])
def test_a_motif_counts_each_place_of_both_strands_by_its_mismatches(motif: str) -> None:
    rng, partner = np.random.default_rng(0), str.maketrans("ACGT", "TGCA")
    drawn = ["".join(rng.choice(list("ACGT"), size=20)) for _ in range(5)] + [
        "CCTATAATGCCGGACCATTA"
    ]
    expected = []
    for sequence in drawn:
        strands = (sequence, sequence[::-1].translate(partner))
        starts = range(len(sequence) - len(motif) + 1)
        places = [strand[at : at + len(motif)] for strand in strands for at in starts]
        wrong = [sum(w not in (b, "N") for w, b in zip(motif, p, strict=True)) for p in places]
        expected.append(np.log(sum(0.25**n for n in wrong)))
    found = dna.motif_score(motif)(one_hot(*drawn))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    turned = [sequence[::-1].translate(partner) for sequence in drawn]
    np.testing.assert_allclose(dna.motif_score(motif)(one_hot(*turned)), expected, rtol=1e-12)


def of_dna(length: int = 8) -> Any:
    """What stands for a run of DNA where only its source is asked."""
    source = SimpleNamespace(kind=DNA, name="dna", sample_shape=(length, 4))
    sampler = SimpleNamespace(parts=SimpleNamespace(source=source))
    return SimpleNamespace(sampler=sampler, has_classes=False)


def test_scores_of_dna_go_by_their_names_and_the_motif() -> None:
    def splits() -> Any:
        raise AssertionError("these scores need no data")

    sequences = one_hot("AGCTTATA", "AAAAAAAA")
    share = scores.load("gc", Asked(of_dna(), splits, None))
    assert share.values(sequences).tolist() == [0.25, 0]
    found = scores.load("motif", Asked(of_dna(), splits, None, "tata"))
    assert found.name == scores.folder_name(found, None) == "motif-TATA"
    assert found.meaning == "log of how often TATA stands on either strand"
    np.testing.assert_array_equal(found.values(sequences), dna.motif_score("TATA")(sequences))


@pytest.mark.parametrize(
    ("name", "motif", "message"),
    [
        ("motif", None, "motif = None: must be given with score = 'motif', such as TATAAT"),
        ("motif", "", "motif = '': must be from 1 to 8 letters A, C, G, T, or N for any of these"),
        ("motif", "TAUAAT", "motif = 'TAUAAT': must be from 1 to 8 letters A, C, G, T, or N"),
        ("motif", "ACGTACGTA", "motif = 'ACGTACGTA': must be from 1 to 8 letters"),
        ("gc", "TATA", "motif = 'TATA': must be left out with score = 'gc', which looks for none"),
        (
            "ink",
            None,
            "score = 'ink': reads images, and dna holds DNA sequences; must be a Python file",
        ),
    ],
)
def test_a_score_that_does_not_fit_dna_is_refused(
    name: str, motif: str | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        scores.load(name, Asked(of_dna(), lambda: pytest.fail("read"), None, motif))


class Reader:
    """A classifier that knows its answers."""

    fingerprint = "own"

    def __init__(self, logits: np.ndarray) -> None:
        self.logits = logits

    def __call__(self, stored: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(logits=self.logits[: len(stored)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_the_kind", r"fails in line 1 \(ModuleNotFoundError: No module"),
        ("x = 1", "must be a file that defines a function `score` of samples"),
        ("def score(", r"fails \(SyntaxError: .*must be a file that runs"),
        ("def score(x):\n    return x", r"gave uint8 \[2, 4\]; must give a finite number for"),
        ("def score(x):\n    return [0, float('nan')]", "gave nan; must give a finite number"),
        ("def score(x):\n    return ['a', 'b']", r"gave <U1 \[2\]; must give a finite number"),
        ("def score(x):\n    return [1, [2]]", "gave a list that is no array; must give a finite"),
        ("import sys\nsys.exit(3)", r"fails in line 2 \(SystemExit: 3"),
        ("def score(x):\n\n    return 1 / 0", r"fails in line 3 \(ZeroDivisionError: division by"),
    ],
)
def test_a_users_file_that_fails_is_one_message(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(text)

    def values() -> np.ndarray:
        file = given.load(str(path))
        score = Score("own", "own", file.fingerprint, file.function)
        return score.values(np.zeros((2, 4), np.uint8))

    with pytest.raises(ConfigError, match=message):
        values()


def test_a_users_file_is_known_by_its_text_and_by_that_of_files_it_imports(
    root: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of the function, or of a function that it calls, is another score."""
    monkeypatch.syspath_prepend(tmp_path)
    helper = tmp_path / "helper_of_score.py"
    helper.write_text("import numpy\nWEIGHT = 1.0\n")
    used = "def score(images):\n    from helper_of_score import WEIGHT\n    return 0"
    texts = (SCORE, SCORE.replace("images", "pictures"), used)
    run, found = runs.load_run(root), []
    for text in texts:
        file.write_text(text)
        found.append(given.load(str(file)))
    helper.write_text("import numpy\nWEIGHT = 2.0\n")
    found.append(given.load(str(file)))
    assert len({one.fingerprint for one in found}) == 4
    assert given.load(str(file)).fingerprint == found[-1].fingerprint
    keys = {
        Space(root, run, Score("own", "own", one.fingerprint, one.function)).key for one in found
    }
    assert len(keys) == 4


def test_the_command_searches_keeps_draws_and_tells(
    root: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("--evaluations", 7, "--seeds", 2, "--reference-n", 1_000)
    assert commands.exit_code("search", root, "--score", file, *few) == 0
    printed = capsys.readouterr().out
    folder = root / "search" / "upper"
    names = {"best.npz", "journal.jsonl", RECORDS, "search.html", "search.png"}
    assert {path.name for path in folder.iterdir()} == names
    assert f"page: {folder / 'search.html'}" in printed
    records, rows = read_records(Found, folder / RECORDS), read_rows(folder / "journal.jsonl")
    run = runs.load_run(root)
    draws = run.sampler.latents(1_000, 0, "search/reference")
    reference = upper(run.sampler.generate(run.params, draws))
    bar = np.percentile(reference, 99.9)
    assert [(r.method, r.seed) for r in records] == [(m, s) for s in (0, 1) for m in ALL]
    best = np.load(folder / "best.npz")
    again = upper(run.sampler.generate(run.params, best["latents"]))
    for number, record in enumerate(records):
        own = [
            row["value"]
            for row in rows
            if (row.get("method"), row["seed"]) == (record.method, record.seed)
        ]
        assert (record.best, record.at) == (max(own), own.index(max(own)) + 1)
        assert record.percentile == pytest.approx(100 * np.mean(reference < record.best), abs=0.3)
        assert record.bar == pytest.approx(bar, rel=1e-6)
        assert (record.reached_at is None) == (record.best < bar)
        assert again[number] == pytest.approx(record.best, abs=0.1)  # levels, rounded in a batch
        assert record.latent_length == pytest.approx(np.linalg.norm(best["latents"][number]))
    reached = sum(r.reached_at is not None for r in records if r.method == "bayes")
    words = " ".join(printed.split())
    assert f"the 99.9th percentile of 1,000 random latents in {reached} of 2 seeds." in words
    with Image.open(folder / "search.png") as image:
        assert min(image.size) > 400
    page = (folder / "search.html").read_text()
    assert "<script" not in page
    assert "Gaussian process" in page
    # again: nothing is evaluated anew, and costly scores need no random latents
    before = (folder / "journal.jsonl").read_bytes()
    assert commands.exit_code("search", root, "--score", file, *few[:4], "--reference-n", 0) == 0
    printed = capsys.readouterr().out
    assert "56 of 56 evaluations were in" in printed
    assert "--reference-n was 0" in printed
    assert (folder / "journal.jsonl").read_bytes() == before
    assert read_records(Found, folder / RECORDS)[-1].percentile is None


def test_a_run_of_points_is_drawn_as_points(tmp_path: Path) -> None:
    network = {"architecture": "mlp", "width": 4, "depth": 1}
    config = dataclasses.replace(
        CONFIG,
        data=Data("ring8"),
        generator=Generator(latent_dim=2, **network),
        discriminator=Discriminator(**network),
    )
    path = tmp_path / "far.py"
    path.write_text("def score(points):\n    return (points**2).sum(axis=1)\n")
    run = saved(tmp_path / "points", config)
    asked = ("--evaluations", 3, "--seeds", 1, "--methods", "random", "--reference-n", 1_000)
    assert commands.exit_code("search", run, "--score", path, *asked, "--out", tmp_path / "o") == 0
    assert (tmp_path / "o/search.html").is_file()
    assert not (run / "search").exists()


@pytest.mark.parametrize(("method", "package"), [("bayes", "bayes_opt"), ("cmaes", "cma")])
def test_a_missing_package_is_one_message_and_the_others_do_without(
    method: str,
    package: str,
    root: Path,
    file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    few = ("--evaluations", 2, "--seeds", 1, "--reference-n", 0, "--out", tmp_path / "out")
    asked = ("search", root, "--score", file, *few, "--methods")
    assert commands.exit_code(*asked, "random", method) == 2
    told = capsys.readouterr().err
    name = {"bayes": "bayesian-optimization", "cmaes": "cma"}[method]
    assert f"methods = '{method}': needs the package {name}; must be left out, or pip" in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert commands.exit_code(*asked, "random", "sobol") == 0


def test_best_so_far_never_falls() -> None:
    values = np.array([1.0, 3.0, 2.0, 5.0, 4.0])
    found = Search("random", 0, History(np.zeros((5, 1)), values))
    assert found.best_so_far.tolist() == [1, 3, 3, 5, 5]
    assert found.at == 3
