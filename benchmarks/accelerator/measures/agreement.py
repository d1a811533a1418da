"""A short run of `digits` on this machine's devices, and the same one on its processors.

`python -m benchmarks.accelerator.measures.agreement STEPS` prints the losses of a run as JSON: the
processors' are computed in a process of its own, since a process has one default backend, by which
networks choose their convolutions.
"""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

import jax
import numpy as np

from benchmarks.accelerator.part import Facts, Measure
from cgan import parallel
from cgan.assemble import assemble
from cgan.config import Experiment
from cgan.data.pipeline import load_batches
from cgan.system import cli
from configs import digits

LOSS = "discriminator/loss"
FIRST = 10
STEPS, TINY_STEPS = 200, 20
STEPS_A_DISPATCH = 10


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """The one row is the experiment's."""

    def measure(row: str) -> Iterator[Facts]:
        steps = TINY_STEPS if tiny else STEPS
        with _on_processors(steps) as reference:
            ours = losses(digits.CONFIG, steps, jax.local_devices()[:1])
            told, _ = reference.communicate()
        assert not reference.returncode, f"the processors' run ended with {reference.returncode}"
        theirs = np.array(json.loads(told.splitlines()[-1]))
        yield {
            "steps": steps,
            "first_apart": apart(ours[:FIRST], theirs[:FIRST]),
            "apart": apart(ours, theirs),
            "last": float(ours[-1]),
            "last_on_cpu": float(theirs[-1]),
        }

    return measure


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two runs' losses, as a share of the second one's."""
    return float((np.abs(a - b) / np.abs(b)).max())


def losses(config: Experiment, steps: int, devices: Sequence[jax.Device]) -> np.ndarray:
    """The discriminator's loss at each of the first steps of an experiment on these devices."""
    config = dataclasses.replace(config, steps_per_dispatch=STEPS_A_DISPATCH)
    parts = assemble(config)
    step = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), devices)
    state = parallel.replicate(parts.init_state(), devices)
    found: list[float] = []
    for start in range(0, steps, STEPS_A_DISPATCH):
        host = load_batches(parts.source, config.batch_size, config.seed, start, STEPS_A_DISPATCH)
        state, outcome = step(state, parallel.shard(host, devices))
        found.extend(np.asarray(outcome.metrics[LOSS], np.float64))
    return np.array(found)


def _on_processors(steps: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.accelerator.measures.agreement", str(steps)]
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def main() -> None:
    """Print the losses of the first steps on this process's first device."""
    found = losses(digits.CONFIG, int(sys.argv[1]), jax.local_devices()[:1])
    print(json.dumps(found.tolist()))


if __name__ == "__main__":
    cli.run(main)
