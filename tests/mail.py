"""A real SMTP server on the test's own loop, which keeps what it accepted and misbehaves where a test says so."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass(frozen=True)
class Received:
    sender: str
    recipient: str
    content: bytes

    def parsed(self) -> EmailMessage:
        """Read by the standard library from the bytes on the wire."""
        message = BytesParser(policy=policy.default).parsebytes(self.content)
        assert isinstance(message, EmailMessage)
        assert not message.defects
        return message


@dataclass
class MailServer:
    """refused, deferred: answers by recipient, the latter to DATA; silent: never answers after the content;
    broken: hangs up after the content. All of them but the refused and deferred have been accepted."""

    url: str = ""
    mails: list[Received] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    deferred: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    sender_refused: str | None = None
    pause: float = 0
    connections: int = 0
    # To whom calls began, in their order: the recipient was named, whatever the answer.
    began: list[str] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    # Whether it says that it reports as it is asked to (RFC 3461), and what it was asked for.
    reports: bool = False
    asked: list[str] = field(default_factory=list)

    @property
    def count(self) -> Counter[str]:
        """How many mails each recipient got."""
        return Counter(mail.recipient for mail in self.mails)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return [*responses[:-1], "250-DSN", responses[-1]] if self.reports else responses

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if self.sender_refused:
            return self.sender_refused
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        self.began.append(address)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        [recipient] = envelope.rcpt_tos
        if recipient in self.deferred:
            return self.deferred[recipient]
        await asyncio.sleep(self.pause)
        self.mails.append(Received(envelope.mail_from, recipient, envelope.content))
        if recipient in self.silent:
            await self.release.wait()
        if recipient in self.broken:
            server.transport.abort()
        return f"250 queued as {len(self.mails)}"


class Reporting(SMTP):
    """aiosmtpd knows no RFC 3461: its parameters are taken out before it sees them."""

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        await super().smtp_MAIL(self._asked(arg))

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        await super().smtp_RCPT(self._asked(arg))

    def _asked(self, arg: str | None) -> str | None:
        if arg is None or not self.event_handler.reports:
            return arg
        address, _, parameters = arg.partition("> ")
        every = parameters.split()
        asked = [one for one in every if one.partition("=")[0] in ("RET", "ENVID", "NOTIFY", "ORCPT")]
        self.event_handler.asked += asked
        left = " ".join(one for one in every if one not in asked)
        return f"{address}> {left}".rstrip() if parameters else arg


@asynccontextmanager
async def mail_server(port: int = 0) -> AsyncIterator[MailServer]:
    kept = MailServer()
    loop = asyncio.get_running_loop()
    sessions: list[Any] = []

    def session() -> Any:
        sessions.append(Reporting(kept, hostname="mail.test", loop=loop))
        return sessions[-1]

    server = await loop.create_server(session, "127.0.0.1", port)
    kept.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield kept
    finally:
        kept.release.set()
        server.close()
        for open_ in sessions:
            if open_.transport is not None:
                open_.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0)
