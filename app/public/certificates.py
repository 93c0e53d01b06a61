"""Certificates of Amazon SNS and confirmations of its subscriptions: fetched from SNS itself and from nobody else."""

import httpx2

from app.public.sightings import Recent
from domain.results.providers.sns import is_amazons
from domain.webhooks.targets import read_target
from workers.providers.outside import LookUp
from workers.webhooks.names import look_up, reachable_addresses

PATIENCE = 5.0
LARGEST = 64 * 1024


class UnfetchableError(Exception):
    """SNS does not answer now; whoever delivers tries again."""


class Amazon:
    """transport and look_up are the real ones except in tests."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None, look_up: LookUp = look_up) -> None:
        self._transport, self._look_up = transport, look_up
        self._kept: Recent[bytes] = Recent()

    async def certificate(self, url: str) -> bytes | None:
        """None for an address that is not of SNS. Raises UnfetchableError."""
        if not is_amazons(url) or not url.endswith(".pem"):
            return None
        found = self._kept.get(url)
        if found is None:
            found = await self._get(url)
            self._kept.put(url, found)
        return found

    async def confirm(self, url: str) -> bool:
        """Agrees to a subscription; False for an address that is not of SNS. Raises UnfetchableError."""
        if not is_amazons(url):
            return False
        await self._get(url)
        return True

    async def _get(self, url: str) -> bytes:
        # The name is Amazon's; what it leads to is looked at all the same.
        try:
            await reachable_addresses(read_target(url), (), self._look_up)
            async with (
                httpx2.AsyncClient(
                    transport=self._transport, follow_redirects=False, trust_env=False, timeout=PATIENCE
                ) as client,
                client.stream("GET", url) as answer,
            ):
                if answer.status_code != 200:
                    raise UnfetchableError(f"SNS answers {answer.status_code}")
                body = b""
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > LARGEST:
                        raise UnfetchableError("more than a certificate")
                return body
        except UnfetchableError:
            raise
        except Exception as error:  # names, connections and certificates fail in many ways, all of which mean later
            raise UnfetchableError(type(error).__name__) from error
