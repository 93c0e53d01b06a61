"""Calls to providers over HTTP: to addresses that were checked where somebody gave them, and never doubtful in silence.

Either there is an answer, or nothing was sent (NotSentError), or nobody knows (UnansweredError).
"""

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx2

from db.points import point
from domain.refusals import Refused
from domain.webhooks.targets import read_target
from workers.providers.outside import Outside
from workers.traces import step
from workers.webhooks.names import BlockedError, reachable_addresses

CONNECT_PATIENCE = 5.0
# For a whole call: a lease (db/deliveries.py) outlives it.
PATIENCE = 12.0
MOST_ANSWER = 100_000
LONGEST_WAIT = timedelta(hours=24)
AGENT = "Wayfare/1"

# It would tell the URL of each call, and many of them name a device or are known to nobody else.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class NotSentError(Exception):
    """No conversation began: there is no such address, nobody listens, or the certificate is not to be trusted."""


class UnansweredError(Exception):
    """The request was under way, and there is no whole answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `body`: its first 100 kB."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def told(self) -> dict[str, Any]:
        """The object that a JSON body is; an empty one for whatever else."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}

    @property
    def words(self) -> str:
        """Its status and the beginning of what it says, in one line."""
        text = " ".join(self.body[:2_000].decode(errors="replace").replace("\x00", " ").split())
        return f"{self.status} {text}"[:400].strip()

    @property
    def retry_after(self) -> timedelta:
        """Seconds or an HTTP date; nothing for what cannot be read."""
        value = self.headers.get("retry-after", "").strip()
        try:
            asked = (
                timedelta(seconds=min(int(value), 10**6))
                if value.isdigit()
                else parsedate_to_datetime(value) - datetime.now(UTC)
            )
        except (ValueError, TypeError, OverflowError):
            return timedelta(0)
        return min(max(asked, timedelta(0)), LONGEST_WAIT)


class Caller:
    """Connections to providers for as long as the block runs."""

    def __init__(self, outside: Outside, *, http2: bool = False, identity: ssl.SSLContext | None = None) -> None:
        """identity: trusts whom it trusts, and says who calls by a certificate."""
        self.outside = outside
        self._client = httpx2.AsyncClient(
            transport=outside.transport,
            verify=identity or outside.trust or True,
            http2=http2,
            # What the environment says about proxies would lead around the check of addresses.
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(PATIENCE, connect=CONNECT_PATIENCE),
        )

    async def __aenter__(self) -> "Caller":
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def call(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Reply:
        """Calls a provider at its own address. Raises NotSentError and UnansweredError."""
        return await self._called(method, self._placed(url), headers, content, {})

    async def call_given(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Reply:
        """Calls a URL that a customer gave: https to a public address. Raises NotSentError and UnansweredError."""
        try:
            target = read_target(url, self.outside.allowed)
            addresses = await reachable_addresses(target, self.outside.allowed, self.outside.look_up)
        except Refused as refusal:
            raise NotSentError(refusal.message) from refusal
        except (BlockedError, OSError) as error:
            raise NotSentError(str(error) or type(error).__name__) from error
        said = {**headers, "host": target.authority}
        problem: NotSentError | None = None
        for address in addresses:
            host = f"[{address}]" if address.version == 6 else str(address)
            place = f"{target.scheme}://{host}:{target.port}{target.path}"
            try:
                return await self._called(method, place, said, content, {"sni_hostname": target.host})
            except NotSentError as error:
                problem = error
        raise problem or NotSentError("the name has no address")

    def _placed(self, url: str) -> str:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        return self.outside.places.get(origin, origin) + url.removeprefix(origin)

    async def _called(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, extensions: dict[str, Any]
    ) -> Reply:
        said = {"user-agent": AGENT, "accept-encoding": "identity", **headers}
        request = self._client.build_request(method, url, headers=said, content=content, extensions=extensions)
        point("message.calling")
        try:
            with step("call"):
                async with asyncio.timeout(PATIENCE):
                    reply = await self._answer(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol) as error:
            raise NotSentError(_words(error)) from error
        except TimeoutError as error:
            raise UnansweredError(f"no answer within {PATIENCE:g} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise UnansweredError(_words(error)) from error
        point("message.called")
        return reply

    async def _answer(self, request: httpx2.Request) -> Reply:
        response = await self._client.send(request, stream=True)
        body = b""
        # Undecoded, so that no answer grows while it is read.
        async with contextlib.aclosing(response):
            async for chunk in response.aiter_raw():
                body += chunk[: MOST_ANSWER - len(body)]
                if len(body) >= MOST_ANSWER:
                    break
        return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
