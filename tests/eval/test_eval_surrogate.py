"""`python -m eval surrogate`: .csv files, draws, ducts, the methods, the records, the command."""

import dataclasses
import io
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from cgan.config import ConfigError
from cgan.surrogate.fit import Recipe
from eval.__main__ import main
from eval.files.records import append_records, read_records
from eval.surrogate import ducts, tables
from eval.surrogate.baselines import ridge
from eval.surrogate.measure import STRENGTHS, measure
from eval.surrogate.problem import Problem, of_tables, scale_of_draws, scale_of_source
from eval.surrogate.record import Error
from eval.surrogate.table import print_errors
from eval.surrogate.words import METHODS, one_strength, strengths

SOURCE_ROWS, TARGET_ROWS = 60, 24


def written(path: Path, rows: np.ndarray, names: str = "a,b,y") -> Path:
    lines = [",".join(f"{value:.6f}" for value in row) for row in rows]
    path.write_text("\n".join([names, *lines]) + "\n")
    return path


def rows_of(n: int, seed: int, shift: float, noise: float) -> np.ndarray:
    """A bent surface; the target is the source, moved."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 2))
    y = np.sin(2 * x[:, 0]) + x[:, 1] ** 2 + shift + noise * rng.standard_normal(n)
    return np.column_stack([x, y])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return (
        written(tmp_path / "source.csv", rows_of(SOURCE_ROWS, 0, 0.0, 0.0)),
        written(tmp_path / "target.csv", rows_of(TARGET_ROWS, 1, 1.0, 0.02)),
    )


def problem_of(files: tuple[Path, Path], most: int = 5, draws: int = 3, seed: int = 0) -> Problem:
    both = (tables.read(name, path) for name, path in zip(("source", "target"), files, strict=True))
    return of_tables(*tables.aligned(*both, None), most, draws, seed)


def test_columns_are_matched_by_their_names_and_the_named_one_is_predicted(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text('\ufeffRe, Nu ,"Pr"\n1,2,3\n\n1e1,-2.5,0\n', encoding="utf-8")
    other.write_text("Pr,Nu,Re\r\n3,20,10\r\n")
    source, target = tables.read("source", one), tables.read("target", other)
    assert source.columns == ("Re", "Nu", "Pr")
    assert source.lines == (2, 4)
    source, target = tables.aligned(source, target, "Nu")
    assert source.columns == target.columns == ("Re", "Pr", "Nu")
    np.testing.assert_array_equal(source.rows, [[1, 3, 2], [10, 0, -2.5]])
    np.testing.assert_array_equal(target.rows, [[10, 3, 20]])
    logs = tables.with_logarithms(target, ("Nu", "Re"))
    assert logs.columns == ("log Re", "Pr", "log Nu")
    np.testing.assert_allclose(logs.rows, [[math.log(10), 3, math.log(20)]])


WRONG = {
    "": "its first line has nothing; must be two or more names of columns with commas between",
    "a;b\n1;2\n": "its first line has 'a;b'; must be two or more names of columns with commas",
    "a,b,a\n1,2,3\n": "has two columns 'a'; must be one of each name",
    "a,b,y\n1,2\n": "line 2 has 2 cells; must have 3",
    "a,b,y\n1,2,3\n1,two,3\n": "line 3, column 'b': 'two'; must be a finite number",
    "a,b,y\n1,2,\n": "line 2, column 'y': ''; must be a finite number",
    "a,b,y\n1,2,nan\n": "line 2, column 'y': 'nan'; must be a finite number",
    'a,b,y\n1,2,"3\n': "can't be read (unexpected end of data); must be a .csv file",
}


@pytest.mark.parametrize("content", WRONG)
def test_what_is_no_table_is_refused_by_line_and_value(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        tables.read("target", path)
    assert f"target = '{path}': {WRONG[content]}" in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(ConfigError, match=r"source = .*can't be read \(.*must be a \.csv file"):
        tables.read("source", tmp_path / "x.csv")


def refused(files: tuple[Path, Path], *more: str) -> str:
    words = ["surrogate", "--source", str(files[0]), "--target", str(files[1]), *more]
    with pytest.raises(ConfigError) as caught:
        main(words)
    return str(caught.value)


def test_files_that_do_not_fit_are_refused_before_anything_is_written(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    other = written(tmp_path / "other.csv", rows_of(30, 2, 0.0, 0.0), "a,c,y")
    out = ("--out", str(tmp_path / "out"))
    assert "lacks 'b' and has 'c'; must have the columns of" in refused((files[0], other), *out)
    said = refused(files, "--target-column", "Nu", *out)
    assert said == "target_column = 'Nu': must be one of 'a', 'b', 'y'"
    assert refused(files, "--log", "z", *out) == "log = 'z': must be one of 'a', 'b', 'y'"
    said = refused(files, "--log", "a", *out)
    first = int(np.flatnonzero(rows_of(SOURCE_ROWS, 0, 0.0, 0.0)[:, 0] <= 0)[0]) + 2
    assert f"line {first}, column 'a': -" in said
    assert said.endswith("has no logarithm; must be more than 0")
    said = refused(files, "--points", "5", "20", *out)
    expected = "has 24 rows; must have 25 or more for 20 points and 5 others to judge by"
    assert said == f"target = '{files[1]}': {expected}"
    assert not (tmp_path / "out").exists()


def test_without_its_package_one_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "fluids", None)
    monkeypatch.setitem(sys.modules, "ht", None)
    expected = r"source = None: needs ht \(.*\); must be a \.csv file, or pip install ht first"
    with pytest.raises(ConfigError, match=expected):
        main(["surrogate"])


def test_draws_are_nested_and_judged_on_other_rows(files: tuple[Path, Path]) -> None:
    few, many = problem_of(files, most=6), problem_of(files, most=12)
    np.testing.assert_array_equal(few.draws.inputs, many.draws.inputs[:, :6])
    target = {tuple(row) for row in tables.read("target", files[1]).rows.tolist()}
    for draw in range(3):
        of = few.draws
        points = {(*x, y) for x, y in zip(of.inputs[draw].tolist(), of.outputs[draw], strict=True)}
        pairs = zip(of.test_inputs[draw].tolist(), of.test_outputs[draw], strict=True)
        others = {(*x, y) for x, y in pairs}
        assert points | others == target
        assert not points & others
    assert not np.array_equal(few.draws.inputs[0], few.draws.inputs[1])
    assert not np.array_equal(few.draws.inputs, problem_of(files, most=6, seed=1).draws.inputs)


def test_scales_are_of_what_a_method_may_know(files: tuple[Path, Path]) -> None:
    problem = problem_of(files)
    scale = scale_of_source(problem)
    inputs = scale.inputs(problem.source_inputs)
    np.testing.assert_allclose(inputs.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(inputs.std(axis=0), 1.0)
    np.testing.assert_allclose(scale.restored(scale.outputs(np.arange(3.0))), np.arange(3.0))
    own = scale_of_draws(problem.draws, 4)
    np.testing.assert_allclose(
        own.outputs(problem.draws.outputs[:, :4]).mean(axis=1), 0.0, atol=1e-9
    )
    still = problem.source_inputs * [1.0, 0.0]
    of_target = problem.draws.inputs[..., 1].std()
    flat = scale_of_source(problem._replace(source_inputs=still))
    np.testing.assert_allclose(flat.input_deviation[1], of_target)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Error]:
    folder = tmp_path_factory.mktemp("surrogate")
    return _measured(folder)


def _measured(folder: Path) -> list[Error]:
    both = (
        written(folder / "source.csv", rows_of(SOURCE_ROWS, 0, 0.0, 0.0)),
        written(folder / "target.csv", rows_of(TARGET_ROWS, 1, 1.0, 0.02)),
    )
    return measure(problem_of(both), [3, 5], 0, lambda _: None, Recipe(steps=150))


def test_what_is_measured_says_what_it_was_and_comes_out_the_same_again(
    records: list[Error], tmp_path: Path
) -> None:
    assert [(r.points, r.method) for r in records] == [(n, m) for n in (3, 5) for m in METHODS]
    again = _measured(tmp_path)
    paths = {"source": "", "target": ""}
    assert [dataclasses.replace(r, **paths) for r in again] == [
        dataclasses.replace(r, **paths) for r in records
    ]
    append_records(tmp_path / "x.jsonl", records)
    assert read_records(Error, tmp_path / "x.jsonl") == records


def test_the_source_helps_where_the_target_is_the_source_moved(records: list[Error]) -> None:
    """Its network alone is wrong by the shift; each way that learns it beats one from scratch."""
    of = {r.method: r for r in records if r.points == 5}
    assert of["source"].rmse == pytest.approx(1.0, abs=0.15)
    for method in ("prior", "ridge_on_residuals", "gaussian_process_on_residuals"):
        assert of[method].over_scratch < 0.5
    assert of["scratch"].over_scratch == 1.0
    prior = of["prior"]
    assert prior.strengths is not None
    assert set(prior.strengths) <= set(STRENGTHS)
    assert prior.rmse == pytest.approx(np.mean(prior.rmses))


def test_the_best_strengths_are_read_off_the_records(records: list[Error]) -> None:
    table = {0.1: 0.5, 1.0: 0.2, 10.0: 0.3}
    other = {0.1: 0.4, 1.0: 0.3, 10.0: 0.1}
    prior = next(r for r in records if r.method == "prior")
    made = [
        dataclasses.replace(
            prior, points=n, strengths=(0.1, 10.0), rmse_by_strength=tuple(each.items())
        )
        for n, each in ((3, table), (9, other))
    ]
    assert [each.best for each in strengths(made)] == [1.0, 10.0]
    assert strengths(made)[0].typical == pytest.approx(1.0)
    assert one_strength(made) == 10.0  # 0.3 * 0.1 < 0.2 * 0.3


def test_the_table_has_a_row_for_each_method_and_says_the_ratios(records: list[Error]) -> None:
    console = Console(file=io.StringIO(), width=110, markup=False, highlight=False)
    print_errors(records, console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(name in said for name in METHODS.values())
    ratio = next(r.over_scratch for r in records if (r.method, r.points) == ("prior", 5))
    assert f"{ratio:.2f} (" in said


def test_ridge_on_residuals_leaves_the_intercept_free() -> None:
    x = np.random.default_rng(0).normal(size=(20, 2))
    found = ridge(x, np.full(20, 7.0), x)
    np.testing.assert_allclose(found, 7.0)


def test_the_command_writes_lines_and_a_picture(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["surrogate", "--source", str(files[0]), "--target", str(files[1])]
    main([*words, "--points", "3", "--draws", "1", "--out", str(out)])
    found = read_records(Error, out / "surrogate.jsonl")
    assert [r.method for r in found] == list(METHODS)
    assert found[0].standard_error is None
    with Image.open(out / "surrogate.png") as picture:
        assert picture.size[0] > 500
    said = capsys.readouterr().out
    assert "1 draws of the points" not in said
    assert "prior" in said


def test_the_ducts_are_the_correlations_written_out() -> None:
    """Gnielinski's and Dipprey's and Sabersky's, with friction by Colebrook's equation."""
    pytest.importorskip("ht")
    optimize = pytest.importorskip("scipy.optimize")

    def colebrook(re: float, roughness: float) -> float:
        def gap(root: float) -> float:
            return root + 2 * math.log10(roughness / 3.7 + 2.51 * root / re)

        return optimize.brentq(gap, 1.0, 30.0) ** -2

    nusselt = ducts.ducts()
    for re, pr in ((1.5e4, 1.2), (4e5, 5.0)):
        f = colebrook(re, 0.0) / 8
        smooth = f * (re - 1000) * pr / (1 + 12.7 * f**0.5 * (pr ** (2 / 3) - 1))
        assert nusselt.smooth(re, pr) == pytest.approx(smooth, rel=1e-3)
        f = colebrook(re, ducts.ROUGHNESS) / 8
        grains = re * ducts.ROUGHNESS * f**0.5
        bracket = 5.19 * grains**0.2 * pr**0.44 - 8.48
        assert nusselt.rough(re, pr) == pytest.approx(
            re * pr * f / (1 + f**0.5 * bracket), rel=1e-3
        )
    problem = ducts.problem(10, 4, 0)
    draws = problem.draws
    assert draws.inputs.shape == (4, 10, 2)
    assert draws.test_outputs.shape == (4, 900)
    re, pr = np.exp(draws.test_inputs[0]).T
    assert (re.min(), re.max()) == pytest.approx(ducts.ROUGH[0])
    assert (pr.min(), pr.max()) == pytest.approx(ducts.ROUGH[1])
    truth = [[math.log(nusselt.rough(*np.exp(x))) for x in points] for points in draws.inputs]
    assert np.std(draws.outputs - truth) == pytest.approx(ducts.NOISE, rel=0.4)
