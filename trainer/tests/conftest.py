"""One uninterrupted run that every resume is compared with."""

from pathlib import Path

import pytest

import tiny


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trainer")


@pytest.fixture(scope="session")
def uninterrupted(root: Path) -> Path:
    run = tiny.make_run(root, "uninterrupted")
    status, errors = tiny.train(run)
    assert (status, errors) == (0, "")
    return run
