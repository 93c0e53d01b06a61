"""Until somebody is due, time alone does not change what a condition says about them: held against the oracle."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.conditions import Scope
from db.conditions.dues import dues
from db.database import Database, Transaction
from db.organizations import current_organization
from db.segments.dues import note_dues, take_due
from db.statement import sql
from domain.conditions import is_live, parse
from domain.ids import new_id
from tests.conditions.storage import BRANDS
from tests.conditions.strategies import ZONES, Json, cases
from tests.db.conditions.asking import prepare
from tests.oracle.conditions import matches
from tests.oracle.world import Customer, World
from tests.segments import NOON, add_people, add_segment, has_written, these

AHEAD = (0, 1, 2, 7, 8, 27, 28, 29, 30, 31, 32, 59, 60, 89, 90, 91, 180, 181, 364, 365, 366, 367, 400)


@pytest.mark.timeout(180)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(
    case=cases(),
    brand=st.sampled_from([None, *BRANDS]),
    soon=st.booleans(),
    at=st.lists(st.tuples(st.sampled_from(AHEAD), st.sampled_from(ZONES), st.booleans()), min_size=4, max_size=8),
)
async def test_nothing_changes_before_it_is_due(
    database: Database, case: tuple[World, list[Json]], brand: UUID | None, soon: bool, at: list[tuple[int, str, bool]]
) -> None:
    world, trees = case
    for customer in world.customers:
        past_only(customer, world.now)
    live = [tree for tree in trees if is_live(parse(tree))]
    async with database.tenant(new_id()) as tx:
        await prepare(tx, world)
        until = await first_flips(tx, live, world, brand, soon=soon)
    for days, zone, later in at:
        instant = moment(world, days, zone if later else world.timezone)
        if instant <= world.now:
            continue
        then = replace(world, now=instant)
        for tree in live:
            for changed in matches(tree, world, brand) ^ matches(tree, then, brand):
                assert until[changed] < instant, (tree, changed, instant)


def past_only(customer: Customer, now: datetime) -> None:
    """Spells and messages are never told in advance; facts may be."""
    customer.spells = [spell for spell in customer.spells if spell.entered_at <= now]
    for spell in customer.spells[-1:]:
        spell.exited_at = None
    customer.messages = [
        message
        for message in customer.messages
        if all(at is None or at < now for at in (message.updated_at, message.opened_at, message.clicked_at))
    ]


def moment(world: World, days: int, zone: str) -> datetime:
    """The local day so many days ahead, just after it began."""
    day = world.now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day + timedelta(days=days)).astimezone(world.now.tzinfo) + timedelta(hours=1, microseconds=1)


async def first_flips(
    tx: Transaction, trees: list[Json], world: World, brand: UUID | None, *, soon: bool
) -> dict[UUID, datetime]:
    """When each customer is due by the conditions, or earlier because the metrics have to be computed anew."""
    scope = Scope(await current_organization(tx), None, world.now, brand)
    found: dict[UUID, datetime] = {c.id: datetime.max.replace(tzinfo=world.now.tzinfo) for c in world.customers}
    stale: Any = sql("select customer_id, stale_at from customer_metrics where stale_at is not null")
    for statement in (stale, dues([parse(tree) for tree in trees], scope, soon=soon)):
        for customer_id, due_at in await tx.rows(statement) if statement else []:
            found[customer_id] = min(found[customer_id], due_at)
    return found


async def test_dues_are_kept_written_once_and_taken(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob, cyd = await add_people(tx, None, None, None)
        for id_, days in ((ada, 29), (bob, 30), (cyd, 300)):
            await tx.run("update customer set acquired_at = :at where id = :id", at=NOON - timedelta(days=days), id=id_)
        await add_segment(tx, "new", {"number": {"field": "tenureDays", "is": {"lte": "30"}}})
        await add_segment(
            tx, "by-hand", {"date": {"field": "acquiredAt", "is": {"withinDays": 300}}}, auto_update=False
        )
        await note_dues(tx, await current_organization(tx), these(ada, bob, cyd), NOON)
        assert await stored(tx) == {ada: "2026-02-02", bob: "2026-02-01"}
    async with database.tenant(organization) as tx:
        await note_dues(tx, await current_organization(tx), these(ada, bob, cyd), NOON)
        assert not await has_written(tx)
        assert await take_due(tx, NOON) == 0
        assert await take_due(tx, NOON + timedelta(days=1)) == 1
        assert await tx.value("select customer_id from dirty_customer") == bob
        assert await stored(tx) == {ada: "2026-02-02"}
        await note_dues(tx, await current_organization(tx), these(ada), NOON + timedelta(days=3))
        assert await stored(tx) == {}


async def stored(tx: Transaction) -> dict[UUID, str]:
    rows = await tx.rows("select customer_id, due_at from segment_due where organization_id = :organization")
    return {row[0]: str(row[1].date()) for row in rows}
