"""Subscriptions as the schema answers them: who may watch what, what an event says, what is said of interruptions."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from db import bulk, segments
from db.database import Database
from db.journeys import EVALUATE_JOB
from db.organizations import add_brand, create_organization, current_organization
from db.statement import sql
from domain.access import SCOPES
from domain.bulk import BulkKind
from domain.conditions import parse
from domain.ids import new_id
from domain.live import Change, Gap, Interruption, MembershipChange
from domain.segments import SegmentType
from resolvers import live, watch
from resolvers.context import Context
from resolvers.ids import global_id, split_id
from resolvers.watch import Watch
from schema.build import schema
from schema.execute import begin
from tests.api import TOOLS, Api, caller
from tests.feed import Here

MEMBERSHIPS = """
subscription ($id: ID) { segmentMembershipChanged(segmentId: $id) {
  delivery change count at customerIds customers { name } segmentId segment { name memberCount } } }
"""
STAGES = """
subscription ($id: ID) { journeyStageChanged(stageId: $id) {
  delivery count customerIds customers { name } fromStageId fromStage { key } toStageId toStage { key } } }
"""
BULK = """
subscription ($id: ID) { bulkOperationProgressed(id: $id) {
  delivery bulkOperationId bulkOperation { state done progress counts { outcome number } } } }
"""
CAMPAIGN = "subscription ($id: ID) { campaignProgressed(id: $id) { delivery campaignId campaign { name status } } }"


@pytest.fixture
def feed(database: Database, monkeypatch: pytest.MonkeyPatch) -> Here:
    here = Here()
    monkeypatch.setattr(database, "_announce", here.announce)
    return here


Answers = AsyncGenerator[dict[str, Any], None]
Subscribe = Callable[..., Any]


@pytest.fixture
def subscribe(database: Database, organization: UUID, feed: Here) -> Subscribe:
    """`await subscribe(document, id)` -> the answers to come, or the answer that refuses."""

    async def run(
        document: str,
        id_: str | None = None,
        *,
        organization: UUID = organization,
        scopes: frozenset[str] = frozenset(SCOPES),
        **limits: Any,
    ) -> Any:
        def context() -> Context:
            asking = replace(caller(organization, scopes), **limits)
            return Context(database, asking, datetime.now(UTC), replace(TOOLS, feed=feed))

        return await begin(context(), document, {"id": id_}, fresh=context)

    return run


async def following(answers: Answers) -> dict[str, Any]:
    """The one field of the next answer, as JSON tells it."""
    answer = orjson.loads(orjson.dumps(await asyncio.wait_for(anext(answers), 10)))
    assert "errors" not in answer, answer
    (field,) = answer["data"].values()
    told: dict[str, Any] = field
    return told


async def silent(answers: Answers) -> bool:
    """Whether nothing comes for a while."""
    coming = asyncio.ensure_future(anext(answers))
    done, _ = await asyncio.wait({coming}, timeout=0.3)
    coming.cancel()
    await asyncio.gather(coming, return_exceptions=True)
    return not done


UPSERT = "mutation ($c: CustomersUpsertInput!) { customersUpsert(input: $c) { outcomes { customer { id } } } }"


async def make_customers(api: Api, number: int) -> list[str]:
    people = [{"externalId": f"p{n}", "name": f"Person {n}"} for n in range(number)]
    made = await api(UPSERT, c={"customers": people})
    return [outcome["customer"]["id"] for outcome in made["data"]["customersUpsert"]["outcomes"]]


async def make_segment(database: Database, organization: UUID, key: str = "vip", brand: UUID | None = None) -> UUID:
    async with database.tenant(organization) as tx:
        definition = segments.Definition(key, key.upper(), SegmentType.MANUAL, brand_id=brand)
        return await segments.create_segment(tx, definition, actor="test")


ASSIGN = "mutation ($i: SegmentAssignInput!) { segmentAssign(input: $i) { userErrors { message } } }"


async def assign(api: Api, segment: UUID, customers: list[str]) -> None:
    given = {"segmentId": global_id("Segment", segment), "customerIds": customers}
    answer = await api(ASSIGN, i=given)
    assert answer["data"]["segmentAssign"]["userErrors"] == [], answer


async def unassign(api: Api, segment: UUID, customers: list[str]) -> None:
    unassign = "mutation ($i: SegmentUnassignInput!) { segmentUnassign(input: $i) { userErrors { message } } }"
    answer = await api(unassign, i={"segmentId": global_id("Segment", segment), "customerIds": customers})
    assert answer["data"]["segmentUnassign"]["userErrors"] == [], answer


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


async def request_operation(database: Database, organization: UUID) -> UUID:
    async with database.tenant(organization) as tx:
        return await bulk.request_operation(tx, BulkKind.EVALUATE, EVALUATE_JOB, actor="test")


async def test_an_operation_is_told_from_now_to_its_end(
    subscribe: Subscribe, database: Database, organization: UUID
) -> None:
    operation = await request_operation(database, organization)
    async with aclosing(await subscribe(BULK, global_id("BulkOperation", operation))) as answers:
        assert (await following(answers))["bulkOperation"]["state"] == "QUEUED"
        async with database.tenant(organization) as tx:
            await bulk.start(tx, operation, total=4)
        assert (await following(answers))["bulkOperation"]["state"] == "RUNNING"
        async with database.tenant(organization) as tx:
            await bulk.progress(tx, operation, done=1, counts={"moved": 1})
        told = await following(answers)
        assert told["bulkOperation"] == {
            "state": "RUNNING",
            "done": "1",
            "progress": 0.25,
            "counts": [{"outcome": "moved", "number": "1"}],
        }
        async with database.tenant(organization) as tx:
            await bulk.finish(tx, operation)
        told = await following(answers)
        assert (told["delivery"], told["bulkOperation"]["state"]) == ("LIVE", "COMPLETED")
        with pytest.raises(StopAsyncIteration):
            await anext(answers)


async def test_all_operations_can_be_watched(subscribe: Subscribe, database: Database, organization: UUID) -> None:
    async with aclosing(await subscribe(BULK)) as answers:
        operation = await request_operation(database, organization)
        told = await following(answers)
        assert (told["bulkOperationId"], told["bulkOperation"]["state"]) == (
            global_id("BulkOperation", operation),
            "QUEUED",
        )


async def test_while_events_are_interrupted_progress_is_looked_up(
    subscribe: Subscribe, feed: Here, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_UP", 0.05)
    operation = await request_operation(database, organization)
    async with aclosing(await subscribe(BULK, global_id("BulkOperation", operation))) as answers:
        assert (await following(answers))["delivery"] == "LIVE"
        feed.notice(organization, Interruption())
        told = await following(answers)
        assert (told["delivery"], told["bulkOperation"]["state"]) == ("DELAYED", "QUEUED")
        monkeypatch.setattr(database, "_announce", None)
        async with database.tenant(organization) as tx:
            await bulk.start(tx, operation, total=4)
        told = await following(answers)
        assert (told["delivery"], told["bulkOperation"]["state"]) == ("DELAYED", "RUNNING")
        assert await silent(answers)


async def test_after_an_interruption_progress_is_told_anew(
    subscribe: Subscribe, feed: Here, database: Database, organization: UUID
) -> None:
    operation = await request_operation(database, organization)
    async with aclosing(await subscribe(BULK, global_id("BulkOperation", operation))) as answers:
        await following(answers)
        feed.notice(organization, Interruption(), Gap())
        assert (await following(answers))["delivery"] == "DELAYED"
        assert (await following(answers))["delivery"] == "RESYNC"


async def test_interruptions_of_changes_are_told(subscribe: Subscribe, feed: Here, organization: UUID) -> None:
    for document in (MEMBERSHIPS, STAGES, BULK, CAMPAIGN):
        async with aclosing(await subscribe(document)) as answers:
            feed.notice(organization, Interruption(), Gap())
            told = [await following(answers), await following(answers)]
            assert [one.pop("delivery") for one in told] == ["DELAYED", "RESYNC"]
            assert [value for one in told for value in one.values() if value] == []


async def test_who_reads_too_slowly_is_told_that_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_WAITING", 3)
    one = Watch(lambda _: True)
    for _ in range(4):
        one.tell(MembershipChange(new_id(), Change.LEFT, 1, (new_id(),), datetime.now(UTC)))
    assert [await one.next(), await one.next(0.01)] == [Gap(), None]


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
