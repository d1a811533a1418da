"""A metric of your own, on the samples of a run, beside real samples and noise.

    python examples/own_metrics.py

Here it is the mean distance to the nearest real point. A metric is a name, what it needs kept of
the samples, and a function; `eval.evaluate` measures the baselines along with it.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

import cgan
import eval as evaluation
from configs import CONFIGS


def nearest_real(inputs: evaluation.Inputs, seed: int) -> evaluation.Value:
    """The mean distance from a generated point to the real one next to it, with its error."""
    distances, _ = KDTree(inputs.reference.features).query(inputs.samples.features)
    error = distances.std() / np.sqrt(len(distances))
    return evaluation.Value(float(distances.mean()), evaluation.StandardError(error, "mean"))


NEAREST_REAL = evaluation.Metric(
    name="mean_nearest_real_distance",
    label="distance to the nearest real",
    needs=frozenset({"features"}),
    measure=nearest_real,
)


def main(total_nimg: int = 102_400, n: int = 2_500) -> dict[str, float]:
    """Train a run for a moment, measure its samples, and say it beside the baselines'."""
    with tempfile.TemporaryDirectory() as folder:
        config = replace(CONFIGS["ring8"], workdir=Path(folder) / "run", total_nimg=total_nimg)
        config = replace(config, steps_per_dispatch=10)
        cgan.train(config)
        run = cgan.load_run(config.workdir)
        subject = evaluation.subject_of(run, n, seed=0)
        protocol = evaluation.load_evaluation(run.data)
        records = evaluation.evaluate(protocol, subject, 0, {NEAREST_REAL.name: NEAREST_REAL})
    for record in records:
        error = f"{record.value:.4f} +- {record.standard_error:.4f}"
        print(f"{record.metric} of {record.samples} samples: {error}")
    return {record.samples: record.value for record in records}


if __name__ == "__main__":
    main()
