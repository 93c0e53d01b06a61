"""A click or an answer wins back who was at risk, and segments that look at the last activity follow."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.facts import record_facts
from db.journeys import EVALUATE_JOB
from domain.bulk import BulkKind
from domain.results.returns import Returned, ReturnType
from tests.campaigns import Shop, open_shop
from tests.facts import told
from tests.jobs import drain
from tests.results import sent_messages, take
from tests.segments import add_segment, member_of
from tests.workers.everybody import request

IDLE = {"date": {"field": "lastActivityAt", "is": {"olderThanDays": 90}}}
CLICKED = {"fact": {"kind": "CLICK", "aggregate": "COUNT", "withinDays": 7, "is": {"gte": "1"}}}


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def standing(shop: Shop, customer: UUID) -> tuple[str, str | None, set[str]]:
    """The customer's stage, what moved them there, and the segments that they are in."""
    (stage,) = await shop.rows(
        "select s.key, t.trigger_event from journey j "
        "join journey_stage s on s.organization_id = j.organization_id and s.id = j.stage_id "
        "join stage_transition t on t.organization_id = j.organization_id and t.journey_id = j.id "
        "and t.exited_at is null where j.organization_id = :organization and j.customer_id = :id",
        id=customer,
    )
    segments = await shop.rows(
        "select s.key from segment_membership m join segment s on s.id = m.segment_id "
        "where m.organization_id = :organization and m.customer_id = :id and s.type = 'AUTOMATIC'",
        id=customer,
    )
    return stage["key"], stage["trigger_event"], {row["key"] for row in segments}


async def moves(shop: Shop) -> int:
    (row,) = await shop.rows(
        "select (select count(*) from stage_transition where organization_id = :organization) "
        "+ (select count(*) from segment_membership_change where organization_id = :organization) as moves"
    )
    made: int = row["moves"]
    return made


@pytest.mark.parametrize("type_", [ReturnType.CLICKED, ReturnType.REPLIED])
async def test_who_was_at_risk_is_won_back_once_however_often_it_is_told(shop: Shop, type_: ReturnType) -> None:
    now = datetime.now(UTC)
    async with shop.database.tenant(shop.organization) as tx:
        idle = await add_segment(tx, "idle", IDLE)
        await add_segment(tx, "of idle", member_of(idle))
        await add_segment(tx, "clicked", CLICKED)
        order = told("ORDER", occurred_at=now - timedelta(days=120))
        (recorded,) = await record_facts(tx, [order], now, create_missing=True)
    customer = recorded.customer_id
    assert customer is not None
    async with shop.database.tenant(shop.organization) as tx:
        # Nobody begins a lifecycle by having left, unless everybody is evaluated.
        await request(tx, BulkKind.EVALUATE, EVALUATE_JOB)
    await drain(shop.database, shop.organization)
    stage, _, segments = await standing(shop, customer)
    assert (stage, segments) == ("at_risk", {"idle", "of idle"})

    sent: dict[str, Any] = dict.fromkeys(("queued_at", "sending_at", "sent_at"), now - timedelta(hours=2))
    _, (message,) = await sent_messages(shop, [customer], **sent)
    happened = [
        Returned("test", "delivered", ReturnType.DELIVERED, now - timedelta(hours=1), message),
        Returned("test", "scanned", ReturnType.CLICKED, now - timedelta(minutes=59), message, is_machine=True),
        Returned("test", "opened", ReturnType.OPENED, now - timedelta(minutes=50), message),
    ]
    await take(shop, *happened)
    await drain(shop.database, shop.organization)
    assert await standing(shop, customer) == ("at_risk", "RETENTION", {"idle", "of idle"})

    acted = Returned("test", "acted", type_, now - timedelta(minutes=40), message)
    assert await take(shop, acted) == 1
    await drain(shop.database, shop.organization)
    clicked = {"clicked"} if type_ is ReturnType.CLICKED else set()
    assert await standing(shop, customer) == ("customer", "WIN_BACK", clicked)
    before = await moves(shop)
    assert await take(shop, acted, *happened) == 0
    await drain(shop.database, shop.organization)
    assert await moves(shop) == before


async def test_whom_a_scanner_seemed_to_be_goes_back(shop: Shop) -> None:
    """The delivery is told after the click, which was too soon after it for a person."""
    now = datetime.now(UTC)
    (customer,) = await shop.customers(["ann"])
    async with shop.database.tenant(shop.organization) as tx:
        await add_segment(tx, "clicked", CLICKED)
    sent: dict[str, Any] = dict.fromkeys(("queued_at", "sending_at", "sent_at"), now - timedelta(hours=2))
    _, (message,) = await sent_messages(shop, [customer], **sent)
    at = now - timedelta(hours=1)
    members = (
        "select m.customer_id from segment_membership m join segment s on s.id = m.segment_id "
        "where m.organization_id = :organization and s.key = 'clicked'"
    )
    for event, expected in (
        (Returned("test", "click", ReturnType.CLICKED, at, message), [customer]),
        (Returned("test", "delivery", ReturnType.DELIVERED, at - timedelta(seconds=1), message), []),
    ):
        await take(shop, event)
        await drain(shop.database, shop.organization)
        assert [row["customer_id"] for row in await shop.rows(members)] == expected
