"""A receiver of webhooks for tests: a real server on the loopback that keeps what it gets and answers as told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from app.payloads import render
from db.database import Database
from db.webhooks import Draft, Vault, add_webhook
from domain.events import EVENTS, EventType
from domain.ids import new_id
from domain.webhooks.signatures import secret_text
from domain.webhooks.targets import parse_networks
from tests.campaigns import SECRET
from workers.webhooks.outbound import Outbound, send_webhooks

LOOPBACK = parse_networks("127.0.0.0/8,::1/128")
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Received:
    """One request; `line` is its first line, header names are lower case."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Answer = bytes | Sequence[bytes | float]


@dataclass
class Receiver:
    """`answer` gives what to send for a request: bytes, or several with pauses in seconds between them."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    answer: Callable[[Received], Answer] = lambda _request: OK

    @property
    def topics(self) -> list[str]:
        return [request.json["type"] for request in self.requests]


def status(code: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} X", "content-length: 0", *headers, "", ""]
    return "\r\n".join(lines).encode()


@asynccontextmanager
async def receiving(host: str = "127.0.0.1", **tls: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                receiver.requests.append(request)
                answer = receiver.answer(request)
                for part in [answer] if isinstance(answer, bytes) else answer:
                    if isinstance(part, bytes):
                        writer.write(part)
                        await writer.drain()
                    else:
                        await asyncio.sleep(part)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, 0, **tls)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"{'https' if tls else 'http'}://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        server.close()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *rest = head.decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    return Received(line, headers, await reader.readexactly(int(headers.get("content-length", 0))))


def outgoing(**changes: Any) -> Outbound:
    return replace(Outbound(Vault([SECRET]), render, LOOPBACK), **changes)


def told(**changes: Any) -> None:
    """This process sends webhooks."""
    send_webhooks(outgoing(**changes))


async def listen(
    database: Database, organization: UUID, url: str, *types: EventType, selection: str | None = None
) -> tuple[UUID, str]:
    """A webhook for these events, and its secret."""
    webhook_id, secret = new_id(), secret_text(new_id().bytes * 2)
    wanted = types or tuple(EventType)
    scopes = sorted({EVENTS[type_].scope for type_ in wanted})
    draft = Draft("test", url, [type_.value for type_ in wanted], scopes, selection)
    async with database.tenant(organization) as tx:
        await add_webhook(tx, webhook_id, draft, secret, Vault([SECRET]))
    return webhook_id, secret
