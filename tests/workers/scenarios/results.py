"""Providers tell what became of messages, some before their ids are known here, and customers buy after reading."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from db.database import Database
from db.facts import record_facts
from db.results.conversions import add_definition
from domain.conditions import parse
from domain.conditions.tree import FactLeaf
from domain.customers import CustomerReference
from domain.facts import FactKind, fact
from domain.ids import new_id
from domain.results.conversions import Definition
from domain.results.returns import Returned, ReturnType
from tests.campaigns import SECRET, Shop, open_shop
from tests.results import SENT, add_messages, take, told
from tests.workers.faults import Scenario
from workers.delivery import deliver_by_smtp

NAMES = [f"c{i:02}" for i in range(12)]
BOUGHT = NAMES[:5]

_open: dict[UUID, tuple[Shop, list[UUID], list[UUID]]] = {}


async def prepare(database: Database, organization: UUID) -> None:
    """Everybody was written to; a purchase afterwards counts."""
    # Nothing is sent here, but complaints and bounces are kept by hashes under the secret.
    deliver_by_smtp("smtp://localhost:1", SECRET)
    shop = await open_shop(database, organization)
    customers = await shop.customers(NAMES)
    campaign = await shop.campaign([await shop.segment(customers)])
    messages = await add_messages(shop, campaign, customers)
    leaf = parse({"fact": {"kind": "ORDER", "aggregate": "COUNT", "is": {"gte": "1"}}})
    assert isinstance(leaf, FactLeaf)
    async with database.tenant(organization) as tx:
        await add_definition(tx, new_id(), campaign, Definition("Bought", leaf))
    _open[organization] = shop, customers, messages


async def come_back(database: Database, organization: UUID) -> None:
    """Each event and fact has an id of its own, so the client may say all of it again."""
    opened, customers, messages = _open[organization]
    shop = replace(opened, database=database)
    early = Returned("twilio", "SM1:delivered", ReturnType.DELIVERED, SENT, provider_message_id="SM1")
    await take(shop, early, *(told(message, ReturnType.CLICKED, 3_600) for message in messages[1:]))
    await take(shop, told(messages[-1], ReturnType.BOUNCED, 7_200), told(messages[-2], ReturnType.COMPLAINED, 7_200))
    await shop.rows(
        "update message set provider = 'twilio', provider_message_id = 'SM1' where id = :id", id=messages[0]
    )
    orders = [
        fact(
            kind=FactKind.ORDER,
            source="till",
            key=name,
            customer=CustomerReference(id=customer),
            occurred_at=SENT + timedelta(hours=2),
            amount="12.50",
        )
        for name, customer in zip(BOUGHT, customers, strict=False)
    ]
    async with database.tenant(organization) as tx:
        await record_facts(tx, orders, SENT + timedelta(days=1))


async def observe(database: Database, organization: UUID) -> Any:
    """Each customer's message and money; what is still owed, waits or is suppressed."""
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            """
            select c.name, m.status, m.converted_at is not null,
                   (select count(*) from conversion v where v.organization_id = :organization and v.customer_id = c.id),
                   (select sum(a.amount)::text from attribution a
                    where a.organization_id = :organization and a.message_id = m.id)
            from message m join customer c on c.organization_id = :organization and c.id = m.customer_id
            where m.organization_id = :organization order by 1
            """
        )
        left = await tx.row(
            "select (select count(*) from result_due where organization_id = :organization), "
            "(select count(*) from waiting_event where organization_id = :organization), "
            "(select count(*) from suppression where organization_id = :organization)"
        )
    return [tuple(row) for row in rows], tuple(left or ())


SCENARIOS = [Scenario("results", come_back, observe, prepare)]
