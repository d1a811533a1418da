"""What the tests of reliability share: one cache of compiled programs, one run without a cut."""

from pathlib import Path

import pytest

from tests.reliability import runs


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="session")
def whole(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    workdir = tmp_path_factory.mktemp("whole") / "run"
    code, _, err = runs.run(runs.command(workdir), cache)
    assert code == 0, err
    return workdir
