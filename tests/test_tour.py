"""The notebook of the examples, cell by cell."""

import ast
import dataclasses
import json
from pathlib import Path

import pytest
from PIL import Image

from cgan.config import Discriminator, Generator
from configs import CONFIGS

NOTEBOOK = Path(__file__).parents[1] / "examples/tour.ipynb"
BUDGET = "307_200"
TINY = dataclasses.replace(
    CONFIGS["ring8"],
    generator=Generator(latent_dim=2, latent="uniform", width=8, depth=1),
    discriminator=Discriminator(width=8, depth=1),
    batch_size=32,
    steps_per_dispatch=2,
    probe_nimg=64,
)


def code_cells() -> list[str]:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def run_cell(source: str, names: dict[str, object]) -> object:
    """As a notebook does: the value of the last line is what it shows."""
    *before, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        exec(source, names)
        return None
    exec(compile(ast.Module(before, []), NOTEBOOK.name, "exec"), names)
    return eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names)


def test_its_cells_run_with_a_small_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(CONFIGS, "ring8", TINY)
    names: dict[str, object] = {}
    assert sum(BUDGET in cell for cell in code_cells()) == 1
    sizes = []
    for cell in code_cells():
        shown = run_cell(cell.replace(BUDGET, "64"), names)
        if isinstance(shown, Image.Image):
            shown.load()  # which closes its file
            sizes.append(shown.size)
    assert sizes == [(600, 600), (1556, 608), (600, 600)]
    told = capsys.readouterr().out
    assert "(1000, 2) float32" in told
    assert "reverse_kl" in told
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "rank.png"}
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"tour", "broken"}


def test_it_is_small_enough_to_be_kept_with_its_pictures() -> None:
    assert NOTEBOOK.stat().st_size < 200_000
    outputs = [cell["outputs"] for cell in json.loads(NOTEBOOK.read_text())["cells"][1::2]]
    assert sum("image/png" in output.get("data", {}) for cell in outputs for output in cell) == 3


@pytest.mark.slow
def test_it_runs_in_a_kernel_of_its_own_and_hears_the_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[1]))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=resources).execute()
    said = "".join(output.get("text", "") for output in notebook.cells[-1].outputs)
    assert "mode collapse: probe/modes" in said
