"""The jobs of results: what is owed is counted, also after a slice was lost, and what waited finds its message."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.facts import record_facts
from db.jobs import request_job
from db.points import watched
from db.results.conversions import add_definition
from domain.conditions import parse
from domain.conditions.tree import FactLeaf
from domain.customers import CustomerReference
from domain.facts import FactKind, fact
from domain.ids import new_id
from domain.results.conversions import Definition
from domain.results.returns import Returned, ReturnType
from tests.campaigns import Shop, open_shop
from tests.jobs import drain, wait
from tests.results import SENT, message_row, sent_messages, take


class LostError(Exception):
    """As if the process had ended there."""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def counted(shop: Shop) -> list[Any]:
    rows = await shop.rows(
        "select (select count(*) from conversion where organization_id = :organization), "
        "(select coalesce(sum(amount), 0) from attribution where organization_id = :organization), "
        "(select count(*) from result_due where organization_id = :organization)"
    )
    return list(rows[0])


@pytest.mark.parametrize("lost", [0, 1])
async def test_facts_are_counted_by_a_job_of_their_own(shop: Shop, lost: int) -> None:
    (ann, bob) = await shop.customers(["ann", "bob"])
    campaign, _ = await sent_messages(shop, [ann])
    leaf = parse({"fact": {"kind": "ORDER", "aggregate": "COUNT", "is": {"gte": "1"}}})
    assert isinstance(leaf, FactLeaf)
    orders = [
        fact(
            kind=FactKind.ORDER,
            source="t",
            key=str(customer),
            customer=CustomerReference(id=customer),
            occurred_at=SENT + timedelta(hours=1),
            amount="12.50",
        )
        for customer in (ann, bob)
    ]
    async with shop.database.tenant(shop.organization) as tx:
        await add_definition(tx, new_id(), campaign, Definition("Bought", leaf))
        await record_facts(tx, orders, SENT + timedelta(days=1))
    # Only who was written to is owed a count, and nobody waits for it.
    assert await counted(shop) == [0, 0, 1]
    left = lost

    def lose(name: str) -> None:
        nonlocal left
        if name == "results.counting" and left:
            left -= 1
            raise LostError

    with watched(lose):
        await drain(shop.database, shop.organization)
    if lost:
        assert await counted(shop) == [0, 0, 1]
        await wait(shop.database, shop.organization)
        await drain(shop.database, shop.organization)
    assert await counted(shop) == [1, Decimal("12.50"), 0]


async def test_what_waited_finds_its_message_or_is_forgotten(shop: Shop) -> None:
    _, (message,) = await sent_messages(shop, await shop.customers(["ann"]))
    known = Returned("twilio", "SM1:delivered", ReturnType.DELIVERED, SENT, provider_message_id="SM1")
    unknown = Returned("twilio", "SM2:delivered", ReturnType.DELIVERED, SENT, provider_message_id="SM2")
    await take(shop, known, unknown)
    await shop.rows("update message set provider = 'twilio', provider_message_id = 'SM1' where id = :id", id=message)
    await wait(shop.database, shop.organization)
    await drain(shop.database, shop.organization)
    assert (await message_row(shop, message))["status"] == "DELIVERED"
    waiting = "select event_id from waiting_event where organization_id = :organization"
    assert [row[0] for row in await shop.rows(waiting)] == ["SM2:delivered"]
    await shop.rows("update waiting_event set received_at = received_at - interval '2 hours'")
    await wait(shop.database, shop.organization)
    await drain(shop.database, shop.organization)
    assert await shop.rows(waiting) == []
    states = await shop.rows("select state from job where organization_id = :organization and kind = 'results.waiting'")
    assert {row[0] for row in states} == {"done"}


async def test_the_sweep_forgets_callbacks_that_are_long_past(shop: Shop) -> None:
    await shop.rows(
        "insert into callback_receipt (organization_id, account_id, nonce, at) "
        "select :organization, uuid7(), n::text, clock_timestamp() - n * interval '20 days' "
        "from generate_series(1, 3) n"
    )
    async with shop.database.tenant(shop.organization) as tx:
        await request_job(tx, "results.sweep", dedupe_key="schedule")
    await drain(shop.database, shop.organization)
    left = await shop.rows("select nonce from callback_receipt where organization_id = :organization")
    assert [row[0] for row in left] == ["1"]
