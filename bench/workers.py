"""A worker beside what is measured; `python -m bench.workers` is one as `wayfare work` starts it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.settings import CHECKOUT
from workers.main import work


@contextmanager
def worker(database_url: str, redis_url: str, module: str = "bench.workers") -> Iterator[None]:
    """Runs the module as a process of its own, with the addresses as its arguments."""
    process = subprocess.Popen([sys.executable, "-m", module, database_url, redis_url], cwd=CHECKOUT)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    work(database_url=sys.argv[1], redis_url=sys.argv[2])
