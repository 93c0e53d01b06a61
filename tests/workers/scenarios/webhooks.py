"""Webhooks: each event of a change arrives at least once, always under the same id, wherever a worker dies."""

from collections import defaultdict
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import httpx2

from db.database import Database
from db.profiles import upsert_customers
from domain.customers import CustomerReference, ProfileChange
from domain.events import EventType
from domain.webhooks import message_id
from domain.webhooks.targets import Address
from tests.receiver import listen, told
from tests.workers.faults import Scenario

NAMES = [f"c{n}" for n in range(20)]
# What an endpoint got, by the path that it has for each organization.
_got: defaultdict[str, list[str]] = defaultdict(list)


def _take(request: httpx2.Request) -> httpx2.Response:
    _got[request.url.path].append(request.headers["webhook-id"])
    return httpx2.Response(204, stream=httpx2.ByteStream(b""))


async def _look_up(_host: str, _port: int) -> list[Address]:
    return [ip_address("93.184.215.14")]


async def prepare(database: Database, organization: UUID) -> None:
    told(transport=httpx2.MockTransport(_take), look_up=_look_up)
    await listen(database, organization, f"https://example.com/{organization}", EventType.CUSTOMER_CREATED)


async def act(database: Database, organization: UUID) -> None:
    changes = [ProfileChange(CustomerReference(external_id=name), {"name": name}) for name in NAMES]
    async with database.tenant(organization) as tx:
        await upsert_customers(tx, changes, datetime.now(UTC))


async def observe(database: Database, organization: UUID) -> Any:
    """Which events were written and how they ended; whether just those arrived, however often."""
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            """
            select c.external_id, e.id, d.state from outbox_event e
            join webhook_delivery d on d.organization_id = e.organization_id and d.event_id = e.id
            join customer c on c.organization_id = e.organization_id and c.id = (e.data ->> 'customerId')::uuid
            where e.organization_id = :organization order by 1
            """
        )
    arrived = set(_got[f"/{organization}"])
    return [(row[0], row[2], message_id(row[1]) in arrived) for row in rows], len(arrived)


SCENARIOS = [Scenario("webhooks", act, observe, prepare)]
