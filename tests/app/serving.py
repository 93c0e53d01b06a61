"""The real application in a real server, on a thread of its own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.api import create_app
from app.server import Server
from app.settings import Settings
from workers.live import Announcer


@contextmanager
def served(settings: Settings) -> Iterator[tuple[str, Server]]:
    """`127.0.0.1:port` and the server, which stops at the end; what it commits is announced through its Redis."""
    announcer = Announcer(settings.redis_url) if settings.redis_url else None
    server = Server(create_app(settings, announce=announcer), host="127.0.0.1", port=0, log_level="error")
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", server
    finally:
        server.should_exit = True
        thread.join()
        if announcer:
            announcer.close()
