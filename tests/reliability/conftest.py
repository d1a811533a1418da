"""What the tests of reliability share: one cache of compiled programs, one run without a cut."""

import fcntl
import os
from pathlib import Path

import pytest

from tests.reliability import runs


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all processes that run these tests together."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "reliability"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def cache(shared: Path) -> Path:
    folder = shared / "programs"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def whole(shared: Path, cache: Path) -> Path:
    """An uninterrupted run, made by the first process that asks for it."""
    workdir, ended = shared / "whole" / "run", shared / "whole.ended"
    with (shared / "whole.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ended.exists():
            code, _, err = runs.run(runs.command(workdir), cache)
            assert code == 0, err
            ended.touch()
    return workdir
