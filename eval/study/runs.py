"""One job of a study: train its seeds, measure each on its way, yield each row as it is known."""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache

import jax

from cgan.assemble import assemble
from cgan.config import Data
from cgan.multi_seed import SeedTrainer
from cgan.sampling.sampler import Sampler
from cgan.training import start as start_lib
from eval.dataset.protocol import Evaluation, load_evaluation
from eval.study.declare import Study
from eval.study.figures import SEED, Panel, baselines
from eval.study.plan import Job
from eval.study.results import Row, Task

AT_ONCE = {"cpu": 1}
"""Seeds in one dispatch by backend, where the user says nothing; all of a job on the others.

On 2 cores of an AMD EPYC a dispatch of 5 seeds takes as long as 5 of one: see docs/results.md.
"""


@lru_cache(maxsize=1)
def evaluation_of(data: Data) -> Evaluation:
    """The evaluation of a data set, loaded once for the jobs of a benchmark."""
    return load_evaluation(data)


def rows_of(
    study: Study,
    job: Job,
    seeds_at_once: int | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> Iterator[Row]:
    """Train and measure; a run whose numbers stopped being finite yields a row that says so.

    Args:
        study: what declares the job's names.
        job: what to run.
        seeds_at_once: how many seeds share a dispatch; None for what was measured to be fast.
        enough: asked before each dispatch; once it is true no more is begun.
    """
    if enough():
        return
    config = study.experiment(job.benchmark, job.variant or study.baseline, job.trial)
    evaluation = evaluation_of(config.data)
    if job.variant is None:
        yield from baselines(job.benchmark, Panel(evaluation, study.figures(job.benchmark)))
        return
    device = jax.local_devices()[0]
    parts = assemble(config)
    trainer, sampler = SeedTrainer(parts, device, start_lib.begin), Sampler(parts)
    count = seeds_at_once or AT_ONCE.get(device.platform, len(job.seeds))
    for start in range(0, len(job.seeds), count):
        if enough():
            break
        began, training_sec = time.monotonic(), 0.0
        course = trainer.course(job.seeds[start : start + count], job.nimgs)
        for nimg, trained in zip(job.nimgs, course, strict=True):
            training_sec += (time.monotonic() - began) / len(trained)
            for run in trained:
                task = Task(job.benchmark, job.variant, job.trial, run.seed, nimg)
                row = task._asdict() | {"total_nimg": config.total_nimg}
                if run.failure is not None:
                    yield row | {"failed": run.failure}
                    continue
                began = time.monotonic()
                panel = Panel(evaluation, study.figures(job.benchmark, nimg, run.seed))
                samples = sampler.stream(run.state.generator_ema, panel.n, SEED, "latents/samples")
                found = panel.measure(samples) | panel.attack(parts, run.state, nimg)
                seconds = training_sec + time.monotonic() - began
                told = {"seconds": round(seconds, 1), "device": device.device_kind}
                yield row | told | found
            began = time.monotonic()
    jax.clear_caches()  # compiled programs of finished jobs
