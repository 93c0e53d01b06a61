"""Events are written with the change, for those who asked, and cost one look where nobody did."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from db import bulk, campaigns, consents, journeys, segments
from db.database import Database, Transaction
from db.facts import record_facts
from db.organizations import create_organization, current_organization
from db.profiles import delete_customer, upsert_customers
from db.statement import sql
from db.tags import add_tags, remove_tags
from domain.bulk import BulkKind
from domain.conditions import parse
from domain.consents import Channel, ConsentState
from domain.customers import CustomerReference, ProfileChange
from domain.events import EVENTS, EventType
from domain.ids import new_id
from domain.journeys import Lock
from domain.segments import SegmentType
from tests.campaigns import open_shop
from tests.facts import told as fact
from tests.receiver import listen

NOW = datetime(2026, 3, 1, tzinfo=UTC)
URL = "https://example.com/hook"


async def events(database: Database, organization: UUID) -> list[tuple[str, dict[str, Any]]]:
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select type, data from outbox_event where organization_id = :organization order by created_at"
        )
    found = [(row[0], row[1]) for row in rows]
    for type_, data in found:
        assert set(data) == set(EVENTS[EventType(type_)].keys), type_
    return found


async def make(database: Database, organization: UUID, *names: str) -> list[UUID]:
    changes = [ProfileChange(CustomerReference(external_id=name), {"name": name}) for name in names]
    async with database.tenant(organization) as tx:
        made = await upsert_customers(tx, changes, NOW)
    return [one.customer_id for one in made if one.customer_id]


async def test_nobody_listens_so_nothing_is_written(
    database: Database, organization: UUID, statements: list[str]
) -> None:
    await make(database, organization, "a", "b")
    assert await events(database, organization) == []
    looks = [text for text in statements if "webhook" in text]
    assert len(looks) == 1
    assert not any("outbox_event (" in text for text in statements)


async def test_only_what_was_asked_for_is_written_once_for_each_who_asked(
    database: Database, organization: UUID
) -> None:
    first, _ = await listen(database, organization, URL, EventType.CUSTOMER_CREATED, EventType.CUSTOMER_DELETED)
    second, _ = await listen(database, organization, URL, EventType.CUSTOMER_CREATED)
    paused, _ = await listen(database, organization, URL, EventType.CUSTOMER_CREATED)
    async with database.tenant(organization) as tx:
        await tx.run(
            "update webhook set state = 'PAUSED' where organization_id = :organization and id = :id", id=paused
        )
    [customer, _] = await make(database, organization, "a", "b")
    await make(database, organization, "a")
    async with database.tenant(organization) as tx:
        await add_tags(tx, [(customer, "x")], NOW)
        await delete_customer(tx, customer)
        rows = await tx.rows(
            "select webhook_id, count(*) from webhook_delivery where organization_id = :organization group by 1"
        )
        jobs = await tx.rows(
            "select dedupe_key from job where organization_id = :organization and kind = 'webhooks.deliver'"
        )
    assert {row[0]: row[1] for row in rows} == {first: 3, second: 2}
    assert {row[0] for row in jobs} == {str(first), str(second)}
    assert sorted(type_ for type_, _ in await events(database, organization)) == [
        "CUSTOMER_CREATED",
        "CUSTOMER_CREATED",
        "CUSTOMER_DELETED",
    ]


async def test_what_is_rolled_back_never_happened(database: Database, organization: UUID) -> None:
    await listen(database, organization, URL)

    async def fail(tx: Transaction) -> None:
        await upsert_customers(tx, [ProfileChange(CustomerReference(external_id="a"), {"name": "a"})], NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.attempt(organization, fail)
    assert await events(database, organization) == []


async def test_an_organization_hears_nothing_of_another(database: Database, organization: UUID) -> None:
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=str(other))
    await listen(database, other, URL)
    await make(database, organization, "a")
    assert await events(database, organization) == await events(database, other) == []


async def test_customers_facts_and_tags(database: Database, organization: UUID) -> None:
    await listen(database, organization, URL)
    [a, b] = await make(database, organization, "a", "b")
    changed = ProfileChange(CustomerReference(id=a), {"name": "A"})
    unchanged = ProfileChange(CustomerReference(id=b), {"name": "b"})
    async with database.tenant(organization) as tx:
        await upsert_customers(tx, [changed, unchanged], NOW)
        assert await add_tags(tx, [(a, "x"), (a, "y"), (b, "x")], NOW) == {a, b}
        assert await add_tags(tx, [(a, "x")], NOW) == set()
        assert await remove_tags(tx, [(a, "x"), (b, "y")], NOW) == {a}
        order = fact("ORDER", "o1", "a", amount="10.00", occurred_at=NOW)
        recorded = await record_facts(tx, [order], NOW)
        await record_facts(tx, [order], NOW)
        await record_facts(tx, [fact("ORDER", "o2", "new", amount="1.00", occurred_at=NOW)], NOW, create_missing=True)
    seen = await events(database, organization)
    assert sorted(type_ for type_, _ in seen) == sorted(
        ["CUSTOMER_CREATED"] * 3
        + ["CUSTOMER_UPDATED", "CUSTOMER_UNTAGGED", "FACT_RECORDED", "FACT_RECORDED"]
        + ["CUSTOMER_TAGGED"] * 3
    )
    by_type = dict(reversed(seen))
    assert by_type["CUSTOMER_UPDATED"] == {"customerId": str(a)}
    assert by_type["CUSTOMER_UNTAGGED"] == {"customerId": str(a), "tag": "x"}
    assert by_type["FACT_RECORDED"] == {
        "eventId": str(recorded[0].fact_id),
        "customerId": str(a),
        "kind": "ORDER",
        "outcome": "NEW",
    }


async def test_segments_by_hand_and_by_condition(database: Database, organization: UUID) -> None:
    await listen(database, organization, URL, EventType.SEGMENT_ENTERED, EventType.SEGMENT_LEFT)
    [a, b] = await make(database, organization, "a", "b")
    ids = sql("select unnest(:ids::uuid[])", ids=[a, b])
    async with database.tenant(organization) as tx:
        manual = segments.Definition("manual", "manual", SegmentType.MANUAL)
        by_hand = await segments.create_segment(tx, manual, actor="test")
        found = await segments.find_segment(tx, by_hand)
        assert found
        await segments.assign(tx, found, ids, now=NOW, actor="test")
        await segments.unassign(tx, found, sql("select :id::uuid", id=a), now=NOW, actor="test")
        rule = parse({"text": {"field": "name", "is": {"eq": "b"}}})
        definition = segments.Definition("rule", "rule", SegmentType.AUTOMATIC, rule)
        ruled = await segments.create_segment(tx, definition, actor="test")
        for _ in range(2):
            await segments.refresh_segments(tx, await current_organization(tx), [ruled], now=NOW)
    seen = [(type_, data["segmentId"], data["customerId"]) for type_, data in await events(database, organization)]
    assert sorted(seen) == sorted(
        [
            ("SEGMENT_ENTERED", str(by_hand), str(a)),
            ("SEGMENT_ENTERED", str(by_hand), str(b)),
            ("SEGMENT_LEFT", str(by_hand), str(a)),
            ("SEGMENT_ENTERED", str(ruled), str(b)),
        ]
    )


async def test_journeys_by_hand(database: Database, organization: UUID) -> None:
    await listen(database, organization, URL, EventType.JOURNEY_STAGE_CHANGED)
    [a, _] = await make(database, organization, "a", "b")
    async with database.tenant(organization) as tx:
        everybody = sql("select id as customer_id from customer where organization_id = :o", o=organization)
        assert await journeys.start(tx, everybody, at=NOW, actor="test") == 2
        stages = await tx.rows(
            "select id, is_initial from journey_stage where organization_id = :organization order by position"
        )
        initial, other = stages[0]["id"], stages[1]["id"]
        await journeys.transition(tx, [journeys.Move(a)], other, lock=Lock.NONE, at=NOW, actor="test")
    seen = [data for _, data in await events(database, organization)]
    assert sorted(str(data["fromStageId"]) for data in seen) == sorted(["None", "None", str(initial)])
    assert {"customerId": str(a), "fromStageId": str(initial), "toStageId": str(other)} in seen


async def test_campaigns_consents_and_operations(database: Database, organization: UUID) -> None:
    shop = await open_shop(database, organization)
    customers = await shop.customers(["a", "b"])
    campaign = await shop.campaign([await shop.segment(customers)])
    await listen(database, organization, URL)
    async with database.tenant(organization) as tx:
        assert await campaigns.start(tx, campaign)
        assert not await campaigns.start(tx, campaign)
        wish = consents.Wish(customers[0], shop.brand, Channel.EMAIL, "marketing", ConsentState.UNSUBSCRIBED)
        await consents.set_consents(tx, [wish], "test")
        await consents.set_consents(tx, [wish], "test")
        operation = await bulk.request_operation(tx, BulkKind.REFRESH, "segments.refresh", actor="test")
        await bulk.finish(tx, operation)
        await bulk.finish(tx, operation)
        waiting = await bulk.request_operation(tx, BulkKind.REFRESH, "segments.refresh", actor="test")
        await bulk.cancel(tx, waiting)
    assert await events(database, organization) == [
        ("CAMPAIGN_STARTED", {"campaignId": str(campaign), "status": "RUNNING"}),
        (
            "CONSENT_CHANGED",
            {
                "customerId": str(customers[0]),
                "brandId": str(shop.brand),
                "channel": "EMAIL",
                "topic": "marketing",
                "state": "UNSUBSCRIBED",
            },
        ),
        (
            "BULK_OPERATION_COMPLETED",
            {"bulkOperationId": str(operation), "kind": "REFRESH", "state": "COMPLETED"},
        ),
        (
            "BULK_OPERATION_CANCELLED",
            {"bulkOperationId": str(waiting), "kind": "REFRESH", "state": "CANCELLED"},
        ),
    ]
