"""A small HTTP/1.1 server of a test's own: it answers as told, or hangs, breaks off or never answers."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import parse_qsl


class Fault(Enum):
    CLOSE = auto()
    """The request is read, and the connection ends."""
    HANG = auto()
    """The request is read, and nothing follows."""
    BREAK = auto()
    """The answer begins, and the connection ends."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable["Response | Fault"]]


@dataclass
class Server:
    """handler: may be replaced while it runs; requests: all that came, in order."""

    handler: Handler
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    """Whatever answers instead of the handler, until it is taken away."""
    instead: "Response | Fault | None" = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _read(reader)
        if request is None:
            return False
        self.requests.append(request)
        answer = self.instead or await self.handler(request)
        if answer is Fault.HANG:
            await asyncio.sleep(30)
        if isinstance(answer, Fault):
            if answer is Fault.BREAK:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")
                await writer.drain()
            return False
        head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        length = f"content-length: {len(answer.body)}\r\n"
        writer.write(f"HTTP/1.1 {answer.status} X\r\n{head}{length}\r\n".encode() + answer.body)
        await writer.drain()
        return True


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


@asynccontextmanager
async def serving(handler: Handler, trust: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on a port of its own; with a context it speaks TLS."""
    server = Server(handler)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=trust)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"{'https' if trust else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listening.close()
