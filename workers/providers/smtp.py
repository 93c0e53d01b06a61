"""Sending mail over SMTP: a few connections that are kept, and answers that say what the server can have accepted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from socket import socket
from ssl import SSLContext
from types import TracebackType
from urllib.parse import unquote, urlsplit
from uuid import UUID

from aiosmtplib import SMTP, SMTPException, SMTPRecipientRefused, SMTPResponseException, SMTPSenderRefused

from db.deliveries import LEASE
from db.points import point
from domain.messages import Answer, Outcome
from domain.providers import KINDS, Capabilities, ProviderKind
from domain.results.mails.statuses import is_nobody
from workers.mails import compose
from workers.parcels import Parcel
from workers.providers.provider import UnreachableError
from workers.traces import step

# For a whole mail, and so that a lease outlives it.
CALL_TIMEOUT = LEASE.total_seconds() / 3
LANES = 5
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Server:
    """Where to hand mail over, from `smtp://[user:password@]host[:port]` or `smtps://...`.

    smtp: TLS as soon as the server offers it, and only with it if there is a password to protect.
    """

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    # Connects where the name was checked to lead; None: wherever it leads.
    dial: Callable[[], Awaitable[socket]] | None = None
    trust: SSLContext | None = None
    # Whose mail is handed to us, so that what could not be delivered is told; None: told to who sends.
    return_domain: str | None = None

    @classmethod
    def at(cls, url: str) -> "Server":
        """Raises ValueError for other schemes."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("SMTP_URL is written as smtp://host:port or smtps://user:password@host:port")
        tls = parts.scheme == "smtps"
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, parts.port or (465 if tls else 587 if username else 25), tls, username, password)

    def client(self, opened: socket | None = None) -> SMTP:
        """Not yet greeted; over a connection that is open, or one of its own."""
        must_upgrade = self.username is not None and not self.tls and self.host not in _LOOPBACK
        return SMTP(
            hostname=self.host,
            port=None if opened else self.port,
            sock=opened,
            tls_context=self.trust,
            username=self.username,
            password=self.password,
            timeout=CALL_TIMEOUT,
            use_tls=self.tls,
            start_tls=None if not self.tls and not must_upgrade else must_upgrade,
        )


class Smtp:
    """Connections to one server for as long as the block runs.

    async with Smtp(server) as smtp: outcomes = await smtp.send(mails)   # at most LANES mails at a time
    """

    name = "smtp"
    account_id: UUID | None = None

    def __init__(self, server: Server, lanes: int = LANES) -> None:
        self._lanes = [Lane(server) for _ in range(lanes)]

    async def __aenter__(self) -> "Smtp":
        """Connects once; raises UnreachableError."""
        await self._lanes[0].connected()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(lane.leave() for lane in self._lanes))

    @property
    def capabilities(self) -> Capabilities:
        return replace(KINDS[ProviderKind.SMTP].capabilities, width=len(self._lanes))

    async def admit(self, count: int) -> int:
        """The installation's own server takes what comes."""
        return count

    async def send(self, mails: Sequence[Parcel]) -> list[Outcome]:
        """The outcome of each of at most so many mails as there are lanes; never raises."""
        return list(await asyncio.gather(*(lane.send(mail) for lane, mail in zip(self._lanes, mails, strict=False))))


class Lane:
    """One connection, made when it is needed."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: SMTP | None = None

    async def connected(self) -> SMTP:
        """A client that has greeted and signed in; raises UnreachableError."""
        if self._client is not None and self._client.is_connected:
            return self._client
        client: SMTP | None = None
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                opened = None if self._server.dial is None else await self._server.dial()
                self._client = client = self._server.client(opened)
                await client.connect()
        except (SMTPException, OSError) as error:  # TimeoutError is an OSError
            if client is not None:
                client.close()
            place = f"{self._server.host}:{self._server.port}"
            raise UnreachableError(f"The mail server {place} cannot be used: {_words(error)}") from error
        return client

    async def send(self, mail: Parcel) -> Outcome:
        """Hands one mail over."""
        try:
            content = compose(mail)
        except ValueError as error:
            return Outcome(Answer.REJECTED, str(error))
        try:
            client = await self.connected()
        except UnreachableError as error:
            return Outcome(Answer.UNREACHABLE, str(error))
        with step("mail"):
            return await self._converse(client, mail, content)

    async def _converse(self, client: SMTP, mail: Parcel, content: bytes) -> Outcome:
        handed_over = False
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                await self._address(client, mail)
                point("message.calling")
                # From here on the server may have it, whatever we hear or do not hear.
                handed_over = True
                reply = await client.data(content)
                point("message.called")
                return Outcome(Answer.ACCEPTED, reply.message)
        except SMTPResponseException as refusal:
            await self._begin_anew(client)
            nobody = isinstance(refusal, SMTPRecipientRefused) and is_nobody(refusal.code, refusal.message)
            return Outcome(_meaning(refusal), f"{refusal.code} {refusal.message}", is_nobody=nobody)
        except ValueError as error:  # an address that would end the command; nothing of it was sent
            return Outcome(Answer.REJECTED, str(error))
        except (SMTPException, OSError) as error:
            client.close()
            return Outcome(Answer.UNKNOWN if handed_over else Answer.DEFERRED, _words(error))

    async def _address(self, client: SMTP, mail: Parcel) -> None:
        """Who sends to whom; a report names the mail by its id and brings no more of it than its headers (RFC 3461)."""
        domain = self._server.return_domain
        sender = f"{mail.returns}@{domain}" if domain and mail.returns else mail.sender
        reports = client.supports_extension("dsn")
        await client.mail(sender, options=["RET=HDRS", f"ENVID={mail.id}"] if reports else [])
        await client.rcpt(mail.address, options=["NOTIFY=FAILURE,DELAY"] if reports else [])

    async def _begin_anew(self, client: SMTP) -> None:
        """After a refusal the server still waits for the rest of that mail."""
        async with _forgiving(client):
            await client.rset()

    async def leave(self) -> None:
        if self._client is not None and self._client.is_connected:
            async with _forgiving(self._client):
                await self._client.quit()
            self._client.close()


def _meaning(refusal: SMTPResponseException) -> Answer:
    if refusal.code < 500:
        return Answer.DEFERRED
    return Answer.SENDER_REFUSED if isinstance(refusal, SMTPSenderRefused) else Answer.REJECTED


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


@asynccontextmanager
async def _forgiving(client: SMTP) -> AsyncIterator[None]:
    """Politeness that must neither fail nor take long."""
    try:
        async with asyncio.timeout(2):
            yield
    except (SMTPException, OSError):
        client.close()
