"""One request of a webhook: signed, to an address that was checked, within 10 s, and never further than that."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2

from db.webhooks import Due
from domain.refusals import Refused
from domain.webhooks import Verdict, message_id, verdict
from domain.webhooks.signatures import headers
from domain.webhooks.targets import Address, Target, read_target
from workers.webhooks.names import BlockedError, reachable_addresses
from workers.webhooks.outbound import Outbound, Sending

CONNECT_PATIENCE = 5.0
PATIENCE = 10.0
MOST_ANSWER = 1_000_000
EXCERPT = 1_000
AGENT = "Wayfare-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """status: None when no answer began; error: why there was none, or not a whole one; response: its beginning."""

    at: datetime
    latency_ms: int
    status: int | None = None
    error: str | None = None
    response: str | None = None
    retry_after: timedelta | None = None

    def verdict(self, tries: int) -> Verdict:
        return verdict(self.status, tries, self.retry_after)


@asynccontextmanager
async def opened(out: Outbound) -> AsyncIterator["Poster"]:
    """A poster with connections of its own, which end with it: no slice uses an address of a slice before."""
    async with httpx2.AsyncClient(
        transport=out.transport,
        verify=out.trust or True,
        # What the environment says about proxies would lead around the check of addresses.
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(PATIENCE, connect=CONNECT_PATIENCE),
    ) as client:
        yield Poster(out, client)


class Poster:
    """Sends requests of one slice; looks a name up once."""

    def __init__(self, out: Outbound, client: httpx2.AsyncClient) -> None:
        self._out, self._client = out, client
        self._places: dict[str, asyncio.Task[tuple[Target, list[Address]]]] = {}

    async def post(self, sending: Sending, due: Due) -> Answer:
        """Never raises: whatever goes wrong is an answer."""
        body = await self._out.render(sending, due)
        clock = asyncio.get_running_loop().time
        began, at = clock(), datetime.now(UTC)
        problem: str | None
        try:
            response = await self._answered(sending, due, body, began + PATIENCE)
        except TimeoutError:
            problem = f"no answer within {PATIENCE:g} s"
        except Refused as refusal:
            problem = refusal.message
        except (BlockedError, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            problem = _described(error)
        else:
            excerpt, problem = await _read(response, began + PATIENCE)
            wait = _retry_after(response.headers.get("retry-after"))
            return Answer(at, _ms(clock() - began), response.status_code, problem, excerpt, wait)
        return Answer(at, _ms(clock() - began), error=problem)

    async def _answered(self, sending: Sending, due: Due, body: bytes, deadline: float) -> httpx2.Response:
        """The beginning of the answer: its status and headers."""
        async with asyncio.timeout_at(deadline):
            target, addresses = await self._place(sending.webhook.url)
            for address in addresses[:-1]:
                with contextlib.suppress(httpx2.ConnectError):
                    return await self._request(target, address, sending, due, body)
            return await self._request(target, addresses[-1], sending, due, body)

    async def _place(self, url: str) -> tuple[Target, list[Address]]:
        """Where the URL leads; the requests of a batch wait for the same look."""
        if url not in self._places:
            self._places[url] = asyncio.ensure_future(self._find(url))
        return await asyncio.shield(self._places[url])

    async def _find(self, url: str) -> tuple[Target, list[Address]]:
        target = read_target(url, self._out.allowed)
        return target, await reachable_addresses(target, self._out.allowed, self._out.look_up)

    async def _request(
        self, target: Target, address: Address, sending: Sending, due: Due, body: bytes
    ) -> httpx2.Response:
        host = f"[{address}]" if address.version == 6 else str(address)
        url = f"{target.scheme}://{host}:{target.port}{target.path}"
        sent = {
            "host": target.authority,
            "content-type": "application/json",
            "user-agent": AGENT,
            "accept-encoding": "identity",
            **headers(sending.secrets, message_id(due.event_id), datetime.now(UTC), body),
        }
        # The certificate has to be that of the name, not of the address.
        named = {"sni_hostname": target.host}
        request = self._client.build_request("POST", url, content=body, headers=sent, extensions=named)
        return await self._client.send(request, stream=True)


async def _read(response: httpx2.Response, deadline: float) -> tuple[str | None, str | None]:
    """The beginning of the answer's content and what was wrong with it; its status counts whatever follows."""
    content, size, problem = b"", 0, None
    try:
        # Undecoded, so that no answer grows while it is read.
        async with asyncio.timeout_at(deadline), contextlib.aclosing(response):
            async for chunk in response.aiter_raw():
                size += len(chunk)
                content += chunk[: EXCERPT - len(content)]
                if size > MOST_ANSWER:
                    problem = "the answer was cut after 1 MB"
                    break
    except TimeoutError:
        problem = f"the answer was cut after {PATIENCE:g} s"
    except (httpx2.HTTPError, OSError) as error:
        problem = f"the answer broke off: {_described(error)}"
    text = content.decode(errors="replace").replace("\x00", "\ufffd")
    return text or None, problem


def _retry_after(value: str | None) -> timedelta | None:
    """Seconds or an HTTP date; what cannot be read says nothing."""
    if value is None:
        return None
    try:
        if value.strip().isdigit():
            return timedelta(seconds=min(int(value), 10**6))
        return parsedate_to_datetime(value) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
