"""What waits to be sent on one socket: bounded in bytes, because a client may stop reading."""

import asyncio
from collections import deque
from typing import Any

import orjson
from starlette.websockets import WebSocket

from app.sockets.messages import Closed, CloseError

MAX_WAITING = 1024 * 1024


class Outbox:
    """Messages in order; `put` never waits."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._some = asyncio.Event()

    def put(self, message: dict[str, Any]) -> None:
        """Raises CloseError when more waits than a reading client would leave lying."""
        content = orjson.dumps(message)
        # A message alone may be larger: it is an answer that somebody asked for.
        if self._waiting and self._bytes + len(content) > MAX_WAITING:
            raise CloseError(Closed.TOO_SLOW, "You read more slowly than you ask.")
        self._bytes += len(content)
        # Text frames, as the protocol says.
        self._waiting.append(content.decode())
        self._some.set()

    async def send_all(self, socket: WebSocket) -> None:
        """Sends what comes, for ever."""
        while True:
            await self._some.wait()
            text = self._waiting[0]
            await socket.send_text(text)
            self._waiting.popleft()
            self._bytes -= len(text.encode())
            if not self._waiting:
                self._some.clear()
