"""Live evaluation leaves nothing for a refresh of everybody to do, whatever happens in whatever order."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock, patch
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.consents import Wish, set_consents
from db.database import Database, Transaction
from db.dirty_customers import settled, unsettled
from db.facts import record_facts
from db.journeys import Move, start, tell_segments, transition
from db.metrics import recompute_stale
from db.organizations import create_organization, current_organization
from db.profiles import upsert_customers
from db.results.events import take_back
from db.scores import recalculate
from db.segments import override, release, update_segment
from db.segments.concerned import readers
from db.segments.dues import note_dues, take_due
from db.signals import take_signals
from db.tags import add_tags, remove_tags
from domain.conditions import parse
from domain.consents import Channel, ConsentState
from domain.customers import CustomerReference, ProfileChange
from domain.ids import new_id
from domain.journeys import Lock
from domain.results.returns import Returned, ReturnType
from domain.segments import ChangeReason, OverrideMode
from tests.facts import told
from tests.segments import (
    Json,
    add_people,
    add_segment,
    assert_consistent,
    city,
    member_of,
    refresh,
    segment,
    these,
)

BEGIN = datetime(2026, 1, 28, 22, 30, tzinfo=UTC)
PEOPLE = 3
EXAMPLES = int(os.environ.get("WAYFARE_EXAMPLES", "150")) // 10
ORDERED = {"kind": "ORDER", "aggregate": "COUNT"}
CONDITIONS: list[Json] = [
    city("Rome"),
    {"number": {"field": "lifetimeValue", "is": {"gte": "20"}}},
    {"number": {"field": "tenureDays", "is": {"between": {"min": "3", "max": "31"}}}},
    {"number": {"field": "daysSinceLastOrder", "is": {"gt": "1"}}},
    {"number": {"field": "purchaseFrequency", "is": {"lt": "1"}}},
    {"date": {"field": "lastOrderAt", "is": {"withinDays": 2}}},
    {"date": {"field": "firstOrderAt", "is": {"olderThanDays": 7}}},
    {"date": {"field": "acquiredAt", "is": {"anniversaryWithinDays": 3}}},
    {"fact": ORDERED | {"withinDays": 1, "is": {"gte": "1"}}},
    {"fact": ORDERED | {"aggregate": "SUM", "withinDays": 30, "is": {"lt": "30"}}},
    {"not": {"date": {"field": "lastActivityAt", "is": {"withinDays": 90}}}},
    {"date": {"field": "lastActivityAt", "is": {"withinDays": 2}}},
    {"fact": {"kind": "CLICK", "aggregate": "COUNT", "withinDays": 30, "is": {"gte": "1"}}},
    {"set": {"field": "tags", "is": {"noneOf": ["loud"]}}},
    {"number": {"field": "engagementScore", "is": {"gte": "0.4"}}},
    {"consent": {"channel": "EMAIL", "topic": "news", "state": "SUBSCRIBED"}},
    {"message": {"was": "SENT", "channel": "EMAIL"}},
    {"stage": {"in": ["customer"]}},
    {"text": {"field": "attributes.shoe", "is": {"eq": "left"}}},
]
AHEAD = [timedelta(minutes=5), timedelta(hours=2), timedelta(days=1), *(timedelta(days=n) for n in (2, 3, 29, 91, 366))]

people = st.integers(0, PEOPLE - 1)
steps = st.one_of(
    st.tuples(st.just("order"), people, st.sampled_from([0, 1, 2, 6, 29, 31, 90, 364]), st.booleans()),
    st.tuples(st.just("move"), people, st.sampled_from(["Rome", "Oslo"])),
    st.tuples(st.just("wait"), st.sampled_from(AHEAD)),
    st.tuples(st.just("define"), st.integers(0, 2), st.sampled_from(CONDITIONS)),
    st.tuples(st.just("tag"), people, st.booleans()),
    st.tuples(st.just("score")),
    st.tuples(st.just("consent"), people, st.sampled_from(["SUBSCRIBED", "UNSUBSCRIBED"])),
    st.tuples(st.just("message"), people, st.sampled_from(["SENT", "FAILED"])),
    st.tuples(
        st.just("react"),
        people,
        st.sampled_from([ReturnType.CLICKED, ReturnType.REPLIED]),
        st.sampled_from([0, 1, 2, 89, 90]),
        st.booleans(),
    ),
    st.tuples(st.just("stage"), people, st.sampled_from(["customer", "lead"])),
    st.tuples(st.just("wear"), people, st.sampled_from(["left", "right"])),
    st.tuples(st.just("decide"), people, st.sampled_from([*OverrideMode, None])),
)


async def queue_message(tx: Transaction, customer_id: UUID) -> UUID:
    """A message of a campaign of its own."""
    ids = {"id": new_id(), "template": new_id()}
    for statement in (
        (
            "insert into template (organization_id, id, brand_id, name, channel) "
            "select organization_id, :template, id, gen_random_uuid()::text, 'EMAIL' from brand "
            "where organization_id = :organization"
        ),
        (
            "insert into template_version (organization_id, template_id, number, subject, text, actor) "
            "values (:organization, :template, 1, 'S', 'T', 'test')"
        ),
        (
            "insert into campaign (organization_id, id, brand_id, name, template_id, template_version) "
            "select organization_id, :id, id, 'C', :template, 1 from brand where organization_id = :organization"
        ),
    ):
        await tx.run(statement, **ids)
    await tx.run(
        "insert into message (organization_id, id, campaign_id, customer_id, channel, address, status) "
        "values (:organization, :id, :id, :customer, 'EMAIL', 'a@example.com', 'QUEUED')",
        id=ids["id"],
        customer=customer_id,
    )
    return ids["id"]


class Life:
    """Three segments, one of them built on another, and what happens to three people."""

    def __init__(self, tx: Transaction, people: list[UUID], segments: list[UUID]) -> None:
        self.tx, self.people, self.segments, self.now, self.orders = tx, people, segments, BEGIN, 0

    async def step(self, name: str, *arguments: Any) -> None:
        await getattr(self, name)(*arguments)
        await self.settle()
        assert await refresh(self.tx, now=self.now) == [], (name, arguments, self.now)
        await assert_consistent(self.tx)

    async def order(self, who: int, days: int, ahead: bool) -> None:
        """In the past, or told in advance."""
        self.orders += 1
        at = self.now + timedelta(days=days, minutes=1) * (1 if ahead else -1)
        fact = told("ORDER", str(self.orders), f"p{who}", occurred_at=at)
        await record_facts(self.tx, [fact], self.now)

    async def move(self, who: int, to: str) -> None:
        await self._say(who, city=to)

    async def wear(self, who: int, shoe: str) -> None:
        await self._say(who, attributes={"shoe": shoe})

    async def _say(self, who: int, **fields: Any) -> None:
        change = ProfileChange(CustomerReference(id=self.people[who]), fields)
        await upsert_customers(self.tx, [change], self.now)

    async def tag(self, who: int, on: bool) -> None:
        await (add_tags if on else remove_tags)(self.tx, [(self.people[who], "loud")], self.now)

    async def score(self) -> None:
        """As every night, when metrics are right."""
        while await recompute_stale(self.tx, self.now):
            pass
        await recalculate(self.tx, await current_organization(self.tx), now=self.now)

    async def consent(self, who: int, state: str) -> None:
        brand = await self.tx.value("select id from brand where organization_id = :organization")
        wish = Wish(self.people[who], brand, Channel.EMAIL, "news", ConsentState(state))
        await set_consents(self.tx, [wish], "test")

    async def message(self, who: int, status: str) -> None:
        """It changes hands as sending does: queued, and then it has ended."""
        message_id = await queue_message(self.tx, self.people[who])
        await self.tx.run(
            "update message set status = :status, sent_at = case when :status = 'SENT' then :at::timestamptz end, "
            "updated_at = :at where organization_id = :organization and id = :id",
            id=message_id,
            status=status,
            at=self.now - timedelta(seconds=1),
        )

    async def react(self, who: int, type_: ReturnType, days: int, scanned: bool) -> None:
        """A click or an answer; if scanned, it is told afterwards that a click came with the delivery, so by nobody."""
        message_id, at = await queue_message(self.tx, self.people[who]), self.now - timedelta(days=days, minutes=1)
        await self.tx.run(
            "update message set status = 'SENT', sending_at = :at, sent_at = :at, updated_at = :now "
            "where organization_id = :organization and id = :id",
            id=message_id,
            at=at - timedelta(hours=1),
            now=self.now - timedelta(seconds=1),
        )
        told_of = [type_, ReturnType.DELIVERED] if scanned else [ReturnType.DELIVERED, type_]
        with patch("db.results.activity.database_time", AsyncMock(return_value=self.now)):
            for number, happened in enumerate(told_of):
                delivered = at if scanned else at - timedelta(minutes=30)
                when = delivered if happened is ReturnType.DELIVERED else at
                await take_back(self.tx, [Returned("test", f"{message_id}{number}", happened, when, message_id)])
                await self.settle()

    async def stage(self, who: int, key: str) -> None:
        stage = await self.tx.value(
            "select id from journey_stage where organization_id = :organization and key = :key", key=key
        )
        await transition(self.tx, [Move(self.people[who])], stage, lock=Lock.FOREVER, at=self.now, actor="test")
        await tell_segments(self.tx, [self.people[who]], self.now)

    async def wait(self, ahead: timedelta) -> None:
        self.now += ahead

    async def define(self, which: int, condition: Json) -> None:
        """The third stays built on the first; the refresh that follows is the one that the command owes."""
        inner = {"any": [condition, member_of(self.segments[0])]} if which == 2 else condition
        found = await segment(self.tx, self.segments[which])
        await update_segment(self.tx, found, {"condition": parse(inner)}, actor="test")
        while await recompute_stale(self.tx, self.now):
            pass
        await refresh(self.tx, now=self.now)
        await note_dues(self.tx, await current_organization(self.tx), these(*self.people), self.now)

    async def decide(self, who: int, mode: OverrideMode | None) -> None:
        found, them = await segment(self.tx, self.segments[0]), these(self.people[who])
        if mode is None:
            while await recompute_stale(self.tx, self.now):
                pass
            organization = await current_organization(self.tx)
            await release(self.tx, organization, found, them, actor="test", now=self.now)
        else:
            await override(self.tx, found, them, mode, actor="test", now=self.now)

    async def settle(self) -> None:
        """As the workers do: metrics that time made stale, who is due, and who changed."""
        while await recompute_stale(self.tx, self.now) or await take_due(self.tx, self.now):
            pass
        await take_signals(self.tx, self.now)
        if owed := await unsettled(self.tx, 100):
            found = await readers(self.tx)
            customers, changed = found.choose(owed.changed)
            who: dict[str, Any] = {"candidates": these(*customers), "reason": ChangeReason.LIVE}
            await refresh(self.tx, found.segments_concerned(changed), now=self.now, percentiles=False, **who)
            soon = changed is not None
            await note_dues(self.tx, await current_organization(self.tx), these(*customers), self.now, soon=soon)
            await settled(self.tx, owed)


# WAYFARE_EXAMPLES sets ten times how many; hundreds take minutes.
@pytest.mark.timeout(280 if EXAMPLES <= 15 else 0)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(
    zone=st.sampled_from(["UTC", "America/Havana", "Asia/Kathmandu"]),
    chosen=st.tuples(*[st.sampled_from(CONDITIONS)] * 3),
    lived=st.lists(steps, min_size=3, max_size=12),
)
async def test_live_evaluation_leaves_nothing_to_do(
    database: Database, zone: str, chosen: tuple[Json, Json, Json], lived: list[tuple[Any, ...]]
) -> None:
    organization = new_id()
    async with database.tenant(organization) as tx:
        await create_organization(tx, name="Life", slug=str(organization), timezone=zone)
        ids = await add_people(tx, "Rome", "Oslo", None)
        await tx.run(
            "update customer c set external_id = 'p' || n - 1, acquired_at = :at::timestamptz - n * interval '9 days' "
            "from unnest(:ids::uuid[]) with ordinality p (id, n) where c.id = p.id",
            at=BEGIN,
            ids=ids,
        )
        first = await add_segment(tx, "first", chosen[0])
        second = await add_segment(tx, "second", chosen[1])
        third = await add_segment(tx, "third", {"any": [chosen[2], member_of(first)]})
        await start(tx, these(*ids), at=BEGIN, actor="test")
        await refresh(tx, now=BEGIN)
        await note_dues(tx, await current_organization(tx), these(*ids), BEGIN)
        life = Life(tx, ids, [first, second, third])
        for step in lived:
            await life.step(*step)
