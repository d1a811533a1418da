"""Eight simulated devices, set up before JAX starts; test files that take longest come first."""

import atexit
import dataclasses
import gc
import json
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# XLA's CPU backend needs more threads than devices, or its collectives deadlock.
os.environ.setdefault("NPROC", "16")

# Each of the suite's processes has a core: more threads for matrices would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Whatever accelerator the environment has: these tests count simulated devices.
os.environ["JAX_PLATFORMS"] = "cpu"

# Many tests compile the same programs; worker processes inherit the folder.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="cgan-tests-")
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")

# Of XLA's two ways to write fused loops for a CPU, that which takes a third of the time to compile.
# An option that a release does not know ends the process: only those that were tried have it.
if version("jaxlib").startswith("0.10."):
    os.environ["XLA_FLAGS"] = (
        "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1 "
        + os.environ.get("XLA_FLAGS", "")
    )

import jax

jax.config.update("jax_num_cpu_devices", 8)

# XLA's optimisations take most of the suite's time and change results by rounding only.
jax.config.update("jax_disable_most_optimizations", True)

# What started the tests may have these ignored (nohup, a script's background), which is inherited.
for number, usual in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture(scope="module", autouse=True)
def _forget_compiled_programs() -> Iterator[None]:
    """Each compiled program maps memory of its own, and Linux allows a process 65,530 maps: kept to
    the end, those of the whole suite come to that, and the compiler crashes."""
    yield
    jax.clear_caches()
    gc.collect()


@pytest.fixture(scope="module")
def one_step() -> Iterator[None]:
    """Runs of other folders and cadences share a step in the tests that ask for it: those that
    change nothing else that it computes. To trace it again takes as long as to compile it."""
    from cgan.training import loop

    original, kept = loop.compile_step, dict[Any, Any]()

    def compile_step(procedure: Any, devices: Any, launch: Any) -> Any:
        cadences = ("log_nimg", "snapshot_nimg", "checkpoint_nimg")
        same = dict.fromkeys(cadences, procedure.config.total_nimg)
        config = dataclasses.replace(procedure.config, workdir=Path("any"), **same)
        key = (type(procedure), config, launch, *devices)
        if key not in kept:
            kept[key] = original(procedure, devices, launch)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "compile_step", compile_step)
        yield


DURATIONS = Path(__file__).with_name("durations.json")
"""Seconds of a core that each test file takes, by its path below the repository.

Those of processes that it starts are among them. Written by `make test-durations`.

Files that were not run keep theirs: `make test-durations ARGS="tests/test_new.py"` adds one.
"""
FILES: Counter[str] = Counter()
SPENT = [0.0]
"""Seconds of a core until the last report."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-durations",
        action="store_true",
        help="write what each test file took into tests/durations.json",
    )


def pytest_configure(config: pytest.Config) -> None:
    """While the hook that checks types and shapes imports a module of the project, libraries that
    this imports are compiled anew. A worker of the whole suite needs all of them: it imports them
    before, which saves it 6 seconds."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        libraries()


def libraries() -> tuple[ModuleType, ...]:
    """Those of the project's that are large."""
    import flax.linen
    import grain
    import matplotlib.figure
    import optax
    import orbax.checkpoint
    import scipy.stats
    import sklearn.base
    import tensorboardX
    import tyro

    plotting, numbers = (matplotlib.figure, tensorboardX), (scipy.stats, sklearn.base)
    return (*plotting, *numbers, flax.linen, grain, optax, orbax.checkpoint, tyro)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first, so that no worker begins it when the others are about to end."""
    seconds = json.loads(DURATIONS.read_text())
    items.sort(key=lambda item: -seconds.get(file_of(item.nodeid), 0.0))


def pytest_collection_finish() -> None:
    """What is there by now stays: the collections after each file need not go through it again,
    for a third of a second."""
    gc.collect()
    gc.freeze()
    SPENT[0] = spent()


def file_of(nodeid: str) -> str:
    """Of a test."""
    return nodeid.partition("::")[0]


def spent() -> float:
    """Seconds of a core that this process took, and those of its own that have ended.

    What else the machine does is not in them, as it is in the time on the wall.
    """
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A worker's reports take what was added to them along."""
    report = yield
    before, SPENT[0] = SPENT[0], spent()
    report.spent = SPENT[0] - before
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    FILES[file_of(report.nodeid)] += getattr(report, "spent", 0.0)  # none of a worker that crashed


def pytest_sessionfinish(session: pytest.Session) -> None:
    """By the process that has all reports, which is no worker."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if session.config.getoption("--record-durations") and not is_worker:
        known: dict[str, float] = json.loads(DURATIONS.read_text())
        there = {path: of for path, of in known.items() if (DURATIONS.parents[1] / path).exists()}
        seconds = there | {path: round(FILES[path], 1) for path in FILES}
        DURATIONS.write_text(json.dumps(seconds, indent=1, sort_keys=True) + "\n")
