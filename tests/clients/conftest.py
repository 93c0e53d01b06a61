"""One running Wayfare with the small demo; `make clients` fetches what the checks need first."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.ports import free_port
from app.settings import CHECKOUT

FOLDER = Path(__file__).parent
PYTHON = FOLDER / ".venv" / "bin" / "python"
Check = Callable[..., None]


@pytest.fixture(scope="session")
def wayfare() -> Iterator[dict[str, str]]:
    """The environment in which checks find the server: WAYFARE_URL and WAYFARE_KEY, a key with every scope."""
    state = Path(tempfile.mkdtemp(prefix="clients-"))
    state.chmod(0o755)
    ours = ("DATABASE_", "REDIS_", "SMTP_", "WAYFARE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        "WAYFARE_STATE": str(state),
        "WAYFARE_PORT": str(free_port("127.0.0.1", 0)),
        "PYTHONPATH": str(CHECKOUT),
    }
    command = [sys.executable, "-P", "-m", "app", "run", "--demo", "small"]
    with subprocess.Popen(command, env=environment, cwd="/") as server:
        try:
            yield environment | _announced(state / "dev.json", server)
        finally:
            # Not SIGINT, which whoever was started in the background ignores.
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    shutil.rmtree(state)


def _announced(file: Path, server: subprocess.Popen[bytes]) -> dict[str, str]:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert server.poll() is None, "the server died while starting"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.1)
    told = json.loads(file.read_text())
    return {"WAYFARE_URL": told["url"], "WAYFARE_KEY": told["apiKey"]}


@pytest.fixture
def check(wayfare: dict[str, str]) -> Check:
    """Runs a program of this folder against the server; what it said is shown when it fails."""

    def run(*command: str, timeout: float = 240, **environment: str) -> None:
        done = subprocess.run(
            command,
            cwd=FOLDER,
            env=wayfare | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        if done.returncode:
            pytest.fail(done.stdout[-20_000:], pytrace=False)

    return run
