"""One job of a study: train its seeds, measure each on its way, yield each row as it is known."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from functools import lru_cache

import jax
import numpy as np

from cgan.assemble import Parts, assemble
from cgan.config import Data
from cgan.multi_seed import SeedTrainer, Trained
from cgan.sampling.runs import STREAM
from cgan.sampling.sampler import Sampler
from cgan.state import TrainState
from cgan.system.errors import NonFiniteError
from cgan.training import start as start_lib
from eval.dataset.given import classes_given
from eval.dataset.protocol import Evaluation, load_evaluation
from eval.study import attacks, clients, representation, traffic
from eval.study import donor as donors
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
    held_out = study.benchmarks[job.benchmark].held_out
    if job.variant is None:
        panel = Panel(evaluation, study.figures(job.benchmark), held_out)
        yield from baselines(job.benchmark, panel)
        return
    device = jax.local_devices()[0]
    parts = assemble(config)
    trainer, sampler = SeedTrainer(parts, device, _start(study, job)), Sampler(parts)
    count = seeds_at_once or AT_ONCE.get(device.platform, len(job.seeds))
    before = study.donor_nimg(job.benchmark, job.variant)
    nimgs = [nimg - before for nimg in job.nimgs]
    for start in range(0, len(job.seeds), count):
        if enough():
            break
        began, training_sec = time.monotonic(), 0.0
        seeds, lost = _with_donors(study, job, job.seeds[start : start + count])
        yield from lost
        for nimg, trained in zip(job.nimgs, _course(trainer, seeds, nimgs), strict=True):
            training_sec += (time.monotonic() - began) / max(len(trained), 1)
            for run in trained:
                row = _row(study, job, run.seed, nimg)
                if run.failure is not None:
                    yield row | {"failed": run.failure}
                    continue
                began = time.monotonic()
                panel = Panel(evaluation, study.figures(job.benchmark, nimg, run.seed), held_out)
                found = [
                    _figures(panel, sampler, state, nimg) for state in parts.each_judged(run.state)
                ]
                seconds = training_sec + time.monotonic() - began
                told = {"seconds": round(seconds, 1), "device": device.device_kind}
                yield row | told | clients.mean(found)
            began = time.monotonic()
    jax.clear_caches()  # compiled programs of finished jobs


def _figures(
    panel: Panel, sampler: Sampler, state: TrainState, nimg: int
) -> dict[str, float | None]:
    """Measure a state's samples and networks, by the figures' keys."""
    parts, splits = sampler.parts, panel.evaluation.splits
    chunks, asked = sampler.stream(state.generator_ema, panel.n, SEED, STREAM), None
    if parts.given is not None and classes_given(parts.given, parts.source):
        asked = parts.given.labels(np.arange(panel.n), SEED, STREAM)
    found = panel.measure(chunks, asked)
    found |= representation.measure(panel.figures, parts, state, splits)
    found |= attacks.measure(panel.figures, parts, state, splits, nimg)
    return found | traffic.measure(panel.figures, parts)


def _course(
    trainer: SeedTrainer, seeds: tuple[int, ...], nimgs: list[int]
) -> Iterator[list[Trained]]:
    """The trainer's course of these seeds; of none, nothing at each of the images."""
    return trainer.course(seeds, nimgs) if seeds else iter([[] for _ in nimgs])


def _row(study: Study, job: Job, seed: int, nimg: int) -> Row:
    """What names a row of results, and how long the whole run is."""
    assert job.variant is not None
    task = Task(job.benchmark, job.variant, job.trial, seed, nimg)
    row = task._asdict() | {"total_nimg": study.benchmarks[job.benchmark].total_nimg}
    before = study.donor_nimg(job.benchmark, job.variant)
    return row | ({"donor_nimg": before} if before else {})


def _start(study: Study, job: Job) -> Callable[[Parts, TrainState], TrainState]:
    """What changes a run's state before step 0: where it has a donor, that of its seed."""

    def start(parts: Parts, state: TrainState) -> TrainState:
        seed = parts.config.seed
        assert job.variant is not None
        donor = study.donor(job.benchmark, job.variant, seed)
        if donor is not None:
            config = study.experiment(job.benchmark, job.variant, job.trial, donor.workdir)
            parts = parts._replace(config=dataclasses.replace(config, seed=seed))
        return start_lib.begin(parts, state)

    return start


def _with_donors(
    study: Study, job: Job, seeds: tuple[int, ...]
) -> tuple[tuple[int, ...], list[Row]]:
    """The seeds whose donors were trained, if there are any, and rows of those that failed."""
    sound, lost = [], []
    assert job.variant is not None
    for seed in seeds:
        donor = study.donor(job.benchmark, job.variant, seed)
        try:
            if donor is not None:
                donors.trained(donor)
        except NonFiniteError as error:
            failed = {"failed": f"donor: {error}"}
            lost += [_row(study, job, seed, nimg) | failed for nimg in job.nimgs]
        else:
            sound.append(seed)
    return tuple(sound), lost
