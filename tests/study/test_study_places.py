"""Workers on one machine: each sees an accelerator of its own, or has a share of the cores."""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from cgan.config import ConfigError
from eval.study.places import Place, places, places_on


def environments(platform, count, workers=None, **environment):
    return [place.environment for place in places_on(platform, count, workers, environment)]


def test_each_worker_sees_one_gpu():
    assert environments("gpu", 2) == [
        {"CUDA_VISIBLE_DEVICES": "0"},
        {"CUDA_VISIBLE_DEVICES": "1"},
    ]
    assert len(environments("gpu", 8, workers=3)) == 3


def test_only_gpus_that_the_program_itself_may_use_are_taken():
    names = environments("gpu", 2, CUDA_VISIBLE_DEVICES="5, GPU-8932f937")
    assert names == [{"CUDA_VISIBLE_DEVICES": "5"}, {"CUDA_VISIBLE_DEVICES": "GPU-8932f937"}]


def test_each_worker_sees_one_chip_of_a_tpu_as_a_machine_of_its_own():
    alone = {"TPU_CHIPS_PER_PROCESS_BOUNDS": "1,1,1", "TPU_PROCESS_BOUNDS": "1,1,1"}
    assert environments("tpu", 4)[3] == alone | {"TPU_VISIBLE_CHIPS": "3"}


def test_more_workers_than_accelerators_are_refused():
    with pytest.raises(ConfigError, match="jobs = 3: must be at most 2, one on each GPU"):
        places_on("gpu", 2, 3, {})


def test_cores_are_shared_where_there_is_no_accelerator():
    """This machine, as JAX sees it in a process of its own: these tests make it say `cpu`."""
    assert places() == [Place(0, 2, {}), Place(1, 2, {})]
    assert [place.workers for place in places_on("cpu", 8, 3, {})] == [3, 3, 3]


def test_one_worker_has_the_machine_as_it_is():
    assert places(1) == [Place(0, 1, {})]


def _taken(place):
    place.take()
    return os.environ["CUDA_VISIBLE_DEVICES"], sorted(os.sched_getaffinity(0)), "jax" in sys.modules


def test_a_place_is_taken_before_jax_is_there():
    cores = sorted(os.sched_getaffinity(0))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        taken = pool.submit(_taken, Place(1, 2, {"CUDA_VISIBLE_DEVICES": "7"})).result()
    assert taken == ("7", cores[1 % len(cores) :: 2], False)
