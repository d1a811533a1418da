"""The examples run, and the documents show code that runs."""

import re
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from cgan.config import Data, Discriminator, Experiment, Generator
from cgan.objectives import BatchOutputs, PairedOutputs, build
from cgan.types import DiscriminatorOutput
from configs import CONFIGS
from examples import minimal, own_data, own_loss, own_metrics, own_network

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
DOCUMENTS = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if BLOCK.search(path.read_text())
]
"""Those that show Python."""
TINY = Experiment(
    workdir=Path("runs/digits"),
    data=Data("digits"),
    generator=Generator(latent_dim=4, width=8, depth=1),
    discriminator=Discriminator(width=8, depth=1),
    batch_size=64,
    total_nimg=128,
    probe_nimg=0,
)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_on_a_page(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 120


@pytest.mark.parametrize(
    "main",
    [
        pytest.param(main, id=main.__module__)
        for main in (minimal.main, own_data.main, own_loss.main, own_network.main)
    ],
)
def test_an_example_trains_and_draws(main: Callable[..., None], tmp_path: Path) -> None:
    main(total_nimg=2_560, out=tmp_path / "drawn.png")
    with Image.open(tmp_path / "drawn.png") as picture:
        assert picture.size == (600, 600)


def test_a_loss_of_ones_own_is_the_projects_where_it_should_be() -> None:
    rng = np.random.default_rng(0)
    real, fake = (DiscriminatorOutput(jnp.asarray(rng.normal(size=6)), None) for _ in range(2))
    both, rows = PairedOutputs(real, fake), jnp.arange(6)
    batch = BatchOutputs(both, both, rows, rows)
    own, projects = own_loss.RelativisticAverage(), build(CONFIGS["ring8"])
    for terms, expected in (
        (own.discriminator_terms({}, batch), projects.discriminator_terms(projects.init(), batch)),
        (own.generator_terms({}, batch), projects.generator_terms(projects.init(), batch)),
    ):
        for term, other in zip(terms.values(), expected.values(), strict=True):
            np.testing.assert_allclose(term, other, rtol=1e-5)


def test_a_metric_of_ones_own_is_measured_on_samples_and_baselines() -> None:
    found = own_metrics.main(total_nimg=2_560, n=200)
    assert found["real"] < 0.01 < found["generated"]
    assert found["noise"] > 0.1


def blocks(document: Path) -> list[str]:
    return BLOCK.findall(document.read_text())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_python_in_a_document_is_an_examples_or_runs(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that no example holds are run one after the other, with a smaller `digits`."""
    monkeypatch.setitem(CONFIGS, "digits", TINY)
    sources = [path.read_text() for path in EXAMPLES]
    names: dict[str, object] = {}
    for block in blocks(document):
        if not any(block in source for source in sources):
            exec(compile(block, str(document), "exec"), names)


def test_the_library_is_documented_by_each_example() -> None:
    shown = "".join(blocks(ROOT / "docs/library.md"))
    assert "cgan.train(config)" in shown
    for path in EXAMPLES:
        parts = [block for block in blocks(ROOT / "docs/library.md") if block in path.read_text()]
        assert parts, path.name
