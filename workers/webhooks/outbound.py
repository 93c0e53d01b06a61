"""What sending webhooks needs from the outside and only the process that starts can know; the app says it once."""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx2

from db.database import Database
from db.webhooks import Due, Vault, Webhook
from domain.webhooks.targets import Address, Network
from workers.webhooks.names import look_up


@dataclass(frozen=True, slots=True)
class Sending:
    """A webhook for which a batch is sent; secrets: those that sign now; `now`: when the slice began."""

    database: Database
    organization_id: UUID
    webhook: Webhook
    secrets: Sequence[str]
    now: datetime


Render = Callable[[Sending, Due], Awaitable[bytes]]
LookUp = Callable[[str, int], Awaitable[list[Address]]]


@dataclass(frozen=True, slots=True)
class Outbound:
    """render: the body of a request; allowed: networks of the operator's own that may be reached.

    look_up, transport and trust are the real ones except in tests.
    """

    vault: Vault
    render: Render
    allowed: Sequence[Network] = ()
    look_up: LookUp = look_up
    transport: httpx2.AsyncBaseTransport | None = None
    trust: ssl.SSLContext | None = None


_outbound: Outbound | None = None


def send_webhooks(how: Outbound | None) -> None:
    """Says how this process sends webhooks."""
    global _outbound
    _outbound = how


def outbound() -> Outbound | None:
    """How webhooks are sent; None when this process was not told."""
    return _outbound
