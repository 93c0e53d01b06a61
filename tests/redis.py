"""A Redis of a test's own, which may be killed, frozen, emptied and started again at the same address."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import redis

from app.servers import Process, folders
from app.servers.account import Account, account_for
from app.servers.binaries import Binary, find_redis, for_account
from app.servers.valkey import valkey
from app.settings import CHECKOUT, Settings


class RedisServer:
    def __init__(self, binary: Binary, home: Path, sockets: Path, account: Account | None) -> None:
        self.url = f"unix://{quote(str(sockets / 'valkey.sock'))}?db=0"
        self._how = (binary, home, sockets, home / "valkey.log", account)
        self._running = ExitStack()
        self._process: Process | None = None

    def start(self) -> None:
        """Starts it empty; it keeps nothing on disk."""
        url, self._process = self._running.enter_context(valkey(*self._how, ephemeral=True))
        assert url == self.url

    @property
    def runs(self) -> bool:
        return self._process is not None

    def kill(self) -> None:
        self._running.close()
        self._process = None

    def freeze(self) -> None:
        """Connections are accepted by the kernel, nothing is answered."""
        assert self._process
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process:
            os.kill(self._process.pid, signal.SIGCONT)

    def empty(self) -> None:
        client = redis.Redis.from_url(self.url)
        client.flushall()
        client.close()


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    account = account_for(CHECKOUT)
    settings = Settings()
    binary = for_account(find_redis(settings.embed_redis_bin), account, lambda: folders.shelter(settings.state))
    with folders.temporary(account) as home, folders.sockets(home, account) as sockets:
        server = RedisServer(binary, home, sockets, account)
        server.start()
        try:
            yield server
        finally:
            server.thaw()
            server.kill()
