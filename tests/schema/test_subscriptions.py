"""Subscriptions as the schema answers them: who may watch what, what an event says."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID

import pytest

from db import segments
from db.database import Database
from db.organizations import add_brand, create_organization, current_organization
from db.statement import sql
from domain.access import SCOPES
from domain.conditions import parse
from domain.ids import new_id
from domain.live import Change, MembershipChange
from domain.segments import SegmentType
from resolvers.ids import global_id, split_id
from schema.build import schema
from tests.api import Api
from tests.feed import Here
from tests.schema.watching import (
    BULK,
    CAMPAIGN,
    MEMBERSHIPS,
    STAGES,
    Subscribe,
    assign,
    following,
    make_customers,
    make_segment,
    request_operation,
    silent,
    unassign,
)


async def test_who_enters_a_segment_is_told_once_with_what_can_be_read(
    api: Api, subscribe: Subscribe, database: Database, organization: UUID
) -> None:
    segment, other = [await make_segment(database, organization, key) for key in ("vip", "other")]
    customers = await make_customers(api, 3)
    async with aclosing(await subscribe(MEMBERSHIPS, global_id("Segment", segment))) as answers:
        await assign(api, other, customers)
        await assign(api, segment, customers)
        told = await following(answers)
        assert sorted(told.pop("customerIds")) == sorted(customers)
        assert sorted(c["name"] for c in told.pop("customers")) == ["Person 0", "Person 1", "Person 2"]
        assert datetime.fromisoformat(told.pop("at")) <= datetime.now(UTC)
        assert told == {
            "delivery": "LIVE",
            "change": "ENTERED",
            "count": 3,
            "segmentId": global_id("Segment", segment),
            "segment": {"name": "VIP", "memberCount": 3},
        }
        await assign(api, segment, customers)
        assert await silent(answers)


async def test_a_refresh_of_many_is_one_event_that_names_the_first(
    subscribe: Subscribe, database: Database, organization: UUID
) -> None:
    segment = await make_segment(database, organization)
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            insert into customer (organization_id, id, name)
            select :organization, uuid7(), 'Person ' || n from generate_series(1, 2000) n
            """
        )
    async with aclosing(await subscribe(MEMBERSHIPS)) as answers:
        async with database.tenant(organization) as tx:
            found = await segments.find_segment(tx, segment)
            assert found
            everybody = sql("select id from customer where organization_id = :o", o=organization)
            await segments.assign(tx, found, everybody, now=datetime.now(UTC), actor="test")
        told = await following(answers)
        assert (told["count"], len(told["customerIds"]), len(told["customers"])) == (2_000, 250, 250)
        assert await silent(answers)


async def test_who_a_rule_lets_in_and_puts_out_is_told(
    api: Api, subscribe: Subscribe, database: Database, organization: UUID
) -> None:
    customers = await make_customers(api, 3)
    rule = parse({"text": {"field": "name", "is": {"contains": "person"}}})
    async with database.tenant(organization) as tx:
        definition = segments.Definition("rule", "Rule", SegmentType.AUTOMATIC, rule)
        segment = await segments.create_segment(tx, definition, actor="test")
    async with aclosing(await subscribe(MEMBERSHIPS, global_id("Segment", segment))) as answers:
        for name, change, whom in (("Person 0", "ENTERED", customers), ("Nobody", "LEFT", customers[:1])):
            async with database.tenant(organization) as tx:
                await tx.run(
                    "update customer set name = :name where organization_id = :organization and id = :id",
                    name=name,
                    id=split_id(customers[0])[1],
                )
                now = datetime.now(UTC)
                await segments.refresh_segments(tx, await current_organization(tx), [segment], now=now)
            told = await following(answers)
            assert (told["change"], told["count"], sorted(told["customerIds"])) == (change, len(whom), sorted(whom))


async def test_each_event_is_read_anew(
    api: Api, subscribe: Subscribe, database: Database, organization: UUID, statements: list[str]
) -> None:
    """With a context of its own: a second event must not be answered from what the first one had loaded."""
    segment = await make_segment(database, organization)
    customers = await make_customers(api, 4)
    async with aclosing(await subscribe(MEMBERSHIPS, global_id("Segment", segment))) as answers:
        numbers = []
        for some in (customers[:1], customers[1:3], customers[3:]):
            await assign(api, segment, some)
            statements.clear()
            told = await following(answers)
            numbers.append((told["segment"]["memberCount"], len(told["customers"]), len(statements)))
    assert [number[:2] for number in numbers] == [(1, 1), (3, 2), (4, 1)]
    # As many statements for two customers as for one.
    assert len({number[2] for number in numbers}) == 1


async def test_moves_between_stages_are_told(api: Api, subscribe: Subscribe, organization: UUID) -> None:
    stages = {s["key"]: s["id"] for s in (await api("{ journeyStages { id key } }"))["data"]["journeyStages"]}
    customers = await make_customers(api, 2)
    first, second = list(stages.items())[:2]
    start = "mutation ($c: ID!) { journeyStart(input: {customerId: $c}) { userErrors { message } } }"
    move = """
    mutation ($c: ID!, $s: ID!) {
      journeyTransition(input: {customerId: $c, stage: {id: $s}}) { userErrors { message } } }
    """
    async with aclosing(await subscribe(STAGES)) as everything, aclosing(await subscribe(STAGES, second[1])) as one:
        assert (await api(start, c=customers[0]))["data"]["journeyStart"]["userErrors"] == []
        began = await following(everything)
        assert (began["fromStageId"], began["fromStage"], began["count"]) == (None, None, 1)
        assert (await api(move, c=customers[0], s=second[1]))["data"]["journeyTransition"]["userErrors"] == []
        told = await following(one)
        assert told == await following(everything)
        assert (told["fromStageId"], told["toStageId"]) == (began["toStageId"], second[1])
        assert (told["toStage"], told["customerIds"]) == ({"key": second[0]}, [customers[0]])
        assert first[0] != second[0]


@pytest.mark.parametrize(
    ("document", "type_", "scope"),
    [
        (MEMBERSHIPS, "Segment", "segments:view"),
        (STAGES, "JourneyStage", "journeys:view"),
        (BULK, "BulkOperation", "customers:view"),
        (CAMPAIGN, "Campaign", "campaigns:view"),
    ],
)
async def test_only_who_may_see_may_watch(
    subscribe: Subscribe, feed: Here, document: str, type_: str, scope: str
) -> None:
    refused = await subscribe(document, scopes=frozenset(SCOPES) - {scope})
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    for unknown in (global_id(type_, new_id()), global_id("Customer", new_id()), "x"):
        refused = await subscribe(document, unknown)
        assert [error["extensions"]["code"] for error in refused["errors"]] == ["BAD_USER_INPUT"]
        assert "data" not in refused
    assert not any(feed.watches.values())


async def test_another_organization_hears_and_learns_nothing(
    api: Api, subscribe: Subscribe, database: Database, organization: UUID, feed: Here
) -> None:
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
    segment = await make_segment(database, organization)
    customers = await make_customers(api, 1)
    operation = await request_operation(database, organization)
    foreign, ghost = [
        await subscribe(MEMBERSHIPS, global_id("Segment", id_), organization=other) for id_ in (segment, new_id())
    ]
    assert foreign == ghost
    foreign, ghost = [
        await subscribe(BULK, global_id("BulkOperation", id_), organization=other) for id_ in (operation, new_id())
    ]
    assert foreign == ghost
    async with aclosing(await subscribe(MEMBERSHIPS, organization=other)) as answers:
        await assign(api, segment, customers)
        assert await silent(answers)
    # Even an event that came to the wrong ears shows nothing: what is read is read as the one who listens.
    async with aclosing(await subscribe(MEMBERSHIPS, organization=other)) as answers:
        feed.notice(other, MembershipChange(segment, Change.ENTERED, 1, (new_id(),), datetime.now(UTC)))
        told = await following(answers)
        assert (told["segment"], told["customers"]) == (None, [])


async def test_who_is_limited_to_brands_hears_of_their_customers_and_segments_only(
    api: Api, subscribe: Subscribe, database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        mine, theirs = [await add_brand(tx, name=name, slug=name) for name in ("mine", "theirs")]
    common = await make_segment(database, organization, "common", mine)
    foreign = await make_segment(database, organization, "foreign", theirs)
    known, unknown = await make_customers(api, 2)
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into customer_brand (organization_id, customer_id, brand_id) values (:organization, :c, :b)",
            c=split_id(known)[1],
            b=mine,
        )
    limited = {"brand_ids": frozenset({mine})}
    assert "errors" in await subscribe(MEMBERSHIPS, global_id("Segment", foreign), **limited)
    async with aclosing(await subscribe(MEMBERSHIPS, **limited)) as answers:
        await assign(api, foreign, [known, unknown])
        await assign(api, common, [unknown])
        assert await silent(answers)
    async with aclosing(await subscribe(MEMBERSHIPS, **limited)) as answers:
        await unassign(api, common, [unknown])
        await assign(api, common, [known, unknown])
        told = await following(answers)
        assert (told["count"], told["customerIds"], told["segment"]["name"]) == (1, [known], "COMMON")
        assert [customer["name"] for customer in told["customers"]] == ["Person 0"]


async def test_a_field_beneath_an_event_needs_its_own_scope(
    api: Api, subscribe: Subscribe, database: Database, organization: UUID
) -> None:
    segment = await make_segment(database, organization)
    customers = await make_customers(api, 1)
    async with aclosing(await subscribe(MEMBERSHIPS, scopes=frozenset({"segments:view"}))) as answers:
        await assign(api, segment, customers)
        answer = await asyncio.wait_for(anext(answers), 10)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


def test_every_subscription_is_here() -> None:
    subscription = schema._schema.subscription_type
    assert subscription
    assert set(subscription.fields) == {
        "bulkOperationProgressed",
        "campaignProgressed",
        "journeyStageChanged",
        "segmentMembershipChanged",
    }
