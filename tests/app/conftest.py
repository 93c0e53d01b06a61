"""State folders for the tests that start servers of their own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.servers import servers
from app.settings import Settings


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that every account may enter; pytest's own temporary folders are their owner's alone."""
    folder = Path(tempfile.mkdtemp(prefix="state-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def state() -> Iterator[Path]:
    """The state folder of a first start."""
    with _folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def _started_once() -> Iterator[Path]:
    with _folder() as folder:
        with servers(Settings(state=folder, database_url=None, redis_url=None)):
            pass
        yield folder


@pytest.fixture
def used_state(state: Path, _started_once: Path) -> Path:
    """The state folder of a later start: making a cluster is what takes long, so it is made once and copied."""
    subprocess.run(["cp", "-a", f"{_started_once}/.", str(state)], check=True)
    return state
