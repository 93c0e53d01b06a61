"""Segments as jobs: refreshed in slices by order or by the clock, and kept live as facts are told."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.conditions import Scope
from db.conditions.percentiles import find_cutoffs
from db.database import Database, Transaction
from db.dirty_customers import mark_dirty, settled, unsettled
from db.facts import record_facts
from db.jobs import request_job
from db.segments import cutoffs, update_segment
from db.slices import next_slice
from db.statement import Statement
from domain.bulk import BulkKind
from domain.conditions import parse
from tests.facts import told
from tests.jobs import drain, due
from tests.runs import slice_of
from tests.segments import (
    add_segment,
    assert_consistent,
    history,
    member_of,
    members,
    refresh,
    segment,
)
from tests.workers.everybody import CUSTOMERS, operation, prepare, request, slices_of
from workers.customers import SETTLE_JOB, settle
from workers.jobs import perform
from workers.segments import DUE_JOB, RECONCILE_JOB, REFRESH_JOB, refresh_slice

pytestmark = pytest.mark.usefixtures("customers")

RICH = {"number": {"field": "lifetimeValue", "is": {"gte": "1000"}}}
BOUGHT_LATELY = {"fact": {"kind": "ORDER", "aggregate": "COUNT", "withinDays": 3, "is": {"gte": "1"}}}


@pytest.fixture
async def customers(database: Database, organization: UUID) -> None:
    """Twenty, whose only orders are worth 0, 100 ... 1,900 and 0, 10 ... 190 days old."""
    await prepare(database, organization)


@pytest.fixture
def small_slices() -> Iterator[None]:
    with slices_of(7):
        yield


async def refresh_as_job(database: Database, organization: UUID, **args: Any) -> Any:
    async with database.tenant(organization) as tx:
        operation_id = await request(tx, BulkKind.REFRESH, REFRESH_JOB, **args)
    await drain(database, organization)
    return await operation(database, organization, operation_id)


@pytest.mark.usefixtures("small_slices")
async def test_everybody_is_refreshed_in_slices(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        rich = await add_segment(tx, "rich", RICH)
        others = await add_segment(tx, "others", {"not": member_of(rich)})
    done = await refresh_as_job(database, organization)
    assert (done.state, done.done, done.total) == ("COMPLETED", CUSTOMERS, CUSTOMERS)
    assert done.counts == {"entered": 20}
    async with database.tenant(organization) as tx:
        for id_ in (rich, others):
            stored = await segment(tx, id_)
            assert (stored.member_count, stored.computed_version) == (10, 1)
            assert stored.last_refreshed_at is not None
        operations = await tx.rows("select distinct bulk_operation_id, actor, reason from segment_membership_change")
        assert [tuple(row) for row in operations] == [(done.id, "test", "INITIAL")]
        await assert_consistent(tx)
        before = await segment(tx, rich)
    again = await refresh_as_job(database, organization)
    assert (again.state, again.counts) == ("COMPLETED", {})
    async with database.tenant(organization) as tx:
        assert await segment(tx, rich) == before


@pytest.mark.usefixtures("small_slices")
@pytest.mark.parametrize("ago", [None, 45])
async def test_percentiles_are_of_everybody_whatever_the_slice(
    database: Database, organization: UUID, ago: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked: list[str] = []

    async def ranking(tx: Transaction, conditions: Any, scope: Scope) -> dict[str, str | None]:
        found = await find_cutoffs(tx, conditions, scope)
        ranked.extend(found)
        return found

    monkeypatch.setattr(cutoffs, "find_cutoffs", ranking)
    async with database.tenant(organization) as tx:
        top = {share: await add_segment(tx, f"top-{share}", percentile(share)) for share in (10, 30, 100)}
        nobody = await add_segment(tx, "nobody", percentile(10, field="appointmentCount"))
    args = {} if ago is None else {"asOf": (datetime.now(UTC) - timedelta(days=ago)).isoformat()}
    assert (await refresh_as_job(database, organization, **args)).state == "COMPLETED"
    assert len(ranked) == 4
    async with database.tenant(organization) as tx:
        counts = {share: len(await members(tx, id_)) for share, id_ in top.items()}
        # Of those who bought, one for nothing, which is no value at all; the first five only later.
        assert counts == ({10: 1, 30: 5, 100: 19} if ago is None else {10: 1, 30: 4, 100: 15})
        assert await members(tx, nobody) == []


def percentile(top: int, field: str = "lifetimeValue") -> dict[str, Any]:
    return {"percentile": {"field": field, "top": str(top)}}


async def test_named_segments_bring_those_they_are_built_on(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        rich = await add_segment(tx, "rich", RICH)
        others = await add_segment(tx, "others", {"not": member_of(rich)})
        apart = await add_segment(tx, "apart", RICH)
    done = await refresh_as_job(database, organization, segmentIds=[str(others)])
    assert done.counts == {"entered": 20}
    async with database.tenant(organization) as tx:
        assert len(await members(tx, others)) == 10
        assert (await segment(tx, apart)).computed_version is None


async def test_a_refresh_may_look_back(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        bought = await add_segment(tx, "bought", BOUGHT_LATELY)
    then = datetime.now(UTC) - timedelta(days=50)
    done = await refresh_as_job(database, organization, asOf=then.isoformat())
    assert done.counts == {"entered": 1}
    async with database.tenant(organization) as tx:
        assert await tx.value("select entered_at from segment_membership where segment_id = :id", id=bought) == then


async def test_the_clock_asks_without_an_operation(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        rich = await add_segment(tx, "rich", RICH)
        await request_job(tx, REFRESH_JOB, dedupe_key="clock")
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        assert len(await members(tx, rich)) == 10
        assert await tx.value("select distinct actor from segment_membership_change") == "schedule"


@pytest.mark.usefixtures("small_slices")
async def test_a_segment_redefined_on_the_way_is_not_called_computed(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        rich = await add_segment(tx, "rich", RICH)
        await request(tx, BulkKind.REFRESH, REFRESH_JOB)
    [job] = await due(database, organization)
    await perform(database, job)
    async with database.tenant(organization) as tx:
        await update_segment(tx, await segment(tx, rich), {"condition": parse({"not": RICH})}, actor="test")
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        assert (await segment(tx, rich)).computed_version is None
    await refresh_as_job(database, organization)
    async with database.tenant(organization) as tx:
        stored = await segment(tx, rich)
        assert (stored.computed_version, stored.member_count) == (2, 10)
        await assert_consistent(tx)


async def order(database: Database, organization: UUID, key: str, number: int, amount: str = "1000.00") -> None:
    now = datetime.now(UTC)
    async with database.tenant(organization) as tx:
        fact = told("ORDER", key, f"c{number}", amount=amount, occurred_at=now - timedelta(microseconds=1))
        await record_facts(tx, [fact], now)


async def test_members_follow_what_is_told(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        vip = await add_segment(tx, "vip", {"stage": {"in": ["vip"]}})
        rich = await add_segment(tx, "rich", RICH)
        poor = await add_segment(tx, "poor", {"not": member_of(rich)})
        await refresh(tx, now=datetime.now(UTC))
        customer = await tx.value("select id from customer where external_id = 'c5'")
    await order(database, organization, "new", 5)
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        for id_ in (vip, rich):
            assert (await history(tx, id_))[-1] == (customer, "ENTERED", "LIVE")
        assert (await history(tx, poor))[-1] == (customer, "LEFT", "LIVE")
        assert await tx.value("select count(*) from dirty_customer where organization_id = :organization") == 0
        await assert_consistent(tx)


async def test_what_is_told_after_the_job_began_counts(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        bought = await add_segment(tx, "bought", {"fact": BOUGHT_LATELY["fact"] | {"withinDays": 0}})
        await refresh(tx, now=datetime.now(UTC))
        before = await members(tx, bought)
    async with slice_of(database, organization, SETTLE_JOB, "by hand", {}) as run:
        await order(database, organization, "new", 15)
        await settle(run)
    async with database.tenant(organization) as tx:
        customer = await tx.value("select id from customer where external_id = 'c15'")
        assert await members(tx, bought) == sorted([*before, customer])
        began = datetime.now(UTC) - timedelta(hours=1)
        await refresh_slice(tx, await next_slice(tx, None), began, None, actor="test")
        assert await members(tx, bought) == sorted([*before, customer])


async def test_who_is_due_is_evaluated_and_nobody_else(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        # The rules of stages make others due.
        await tx.run("update journey_stage set is_active = is_initial where organization_id = :organization")
        bought = await add_segment(tx, "bought", BOUGHT_LATELY)
    await refresh_as_job(database, organization)
    async with database.tenant(organization) as tx:
        [member] = await members(tx, bought)
        assert await tx.value("select count(*) from segment_due where organization_id = :organization") == 1
        # As if the days had passed.
        await tx.run("update fact set occurred_at = occurred_at - interval '9 days' where kind = 'ORDER'")
        await tx.run("update segment_due set due_at = due_at - interval '9 days'")
        await request_job(tx, DUE_JOB, dedupe_key="clock")
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        assert (await history(tx, bought))[-1] == (member, "LEFT", "LIVE")
        assert await tx.value("select count(*) from segment_due where organization_id = :organization") == 0
        await assert_consistent(tx)


async def test_a_refresh_tells_what_live_evaluation_missed(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await add_segment(tx, "rich", RICH)
        await add_segment(tx, "top", {"percentile": {"field": "lifetimeValue", "top": "50"}})
    await refresh_as_job(database, organization)
    await order(database, organization, "told", 3)
    await refresh_as_job(database, organization)
    async with database.tenant(organization) as tx:
        # Behind everybody's back.
        await tx.run("update customer_metrics set lifetime_value = 5000 where lifetime_value in (100, 200)")
    await refresh_as_job(database, organization)
    await refresh_as_job(database, organization)
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select entered, gone, drift, finished_at is not null from segment_refresh order by started_at"
        )
    found = [tuple(row) for row in rows]
    assert [(drift, ended) for _, _, drift, ended in found] == [(0, True), (0, True), (2, True), (0, True)]
    assert found[2][0] > 2, "the segment by percentile moved too, which is no drift"
    assert found[3][:2] == (0, 0)


async def test_a_mark_made_while_its_customer_settles_stays(database: Database, organization: UUID) -> None:
    async def mark() -> None:
        async with database.tenant(organization) as tx:
            await mark_dirty(tx, _CUSTOMERS, datetime.now(UTC))

    await mark()
    async with database.tenant(organization) as tx:
        taken = await unsettled(tx, 1000)
        assert taken
        async with database.tenant(organization) as other:
            assert await unsettled(other, 1000) is None
        # It waits for nobody.
        await mark()
        await settled(tx, taken)
    async with database.tenant(organization) as tx:
        again = await unsettled(tx, 1000)
        assert again
        assert again.changed == taken.changed
        assert set(again.marks).isdisjoint(taken.marks)
        assert len(taken.changed) == CUSTOMERS


_CUSTOMERS = Statement("select id from customer")


async def test_nothing_told_while_others_settle_is_missed(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await add_segment(tx, "rich", RICH)
        await add_segment(tx, "bought", BOUGHT_LATELY)
        await add_segment(tx, "busy", {"number": {"field": "orderCount", "is": {"gte": "4"}}})
        await refresh(tx, now=datetime.now(UTC))

    async def tell(number: int) -> None:
        for again in range(5):
            await order(database, organization, f"{number}/{again}", number, "250.00")

    telling = asyncio.gather(*[tell(number) for number in range(8)])
    while not telling.done():
        await drain(database, organization)
        await asyncio.sleep(0)
    await telling
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        await assert_consistent(tx)
        assert await refresh(tx, now=datetime.now(UTC)) == [], "live members differ from a refresh of everybody"


async def test_reconciling_repairs_a_mask_that_is_wrong_and_logs_it_as_drift(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        rich = await add_segment(tx, "rich", RICH)
    await refresh_as_job(database, organization)
    async with database.tenant(organization) as tx:
        first, *others = await members(tx, rich)
        # One is rich no more, and the mask says that they have not been a member anyway.
        await tx.run("update customer_metrics set lifetime_value = 0 where customer_id = :id", id=first)
        await tx.run("update segment_mask set mask = 0 where customer_id = :id", id=first)
    await refresh_as_job(database, organization)
    async with database.tenant(organization) as tx:
        assert await members(tx, rich) == [first, *others], "what the mask says is believed"
        await request_job(tx, RECONCILE_JOB, dedupe_key="test")
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        assert await members(tx, rich) == others
        # The mask, and the change that live evaluation was not told of.
        assert await tx.value("select drift from segment_refresh order by started_at desc limit 1") == 2
        await assert_consistent(tx)


@pytest.mark.parametrize("kind", ["ORDER", "CUSTOM"])
async def test_whom_a_fact_makes_is_in_segments_that_do_not_ask_for_facts(
    database: Database, organization: UUID, kind: str
) -> None:
    async with database.tenant(organization) as tx:
        homeless = await add_segment(tx, "homeless", {"text": {"field": "city", "is": {"isNull": True}}})
    await refresh_as_job(database, organization)
    now = datetime.now(UTC)
    async with database.tenant(organization) as tx:
        before = set(await members(tx, homeless))
        fact = told(kind, "first", "somebody new", occurred_at=now - timedelta(minutes=1))
        [made] = await record_facts(tx, [fact], now, create_missing=True)
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        assert set(await members(tx, homeless)) - before == {made.customer_id}
        assert await tx.value("select count(*) from journey where customer_id = :id", id=made.customer_id) == 1
