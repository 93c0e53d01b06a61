"""Whenever two are merged, metrics and timeline end as those of one customer to whom everything happened."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from db.database import Database
from db.facts import record_facts
from db.facts.reading import EVENT_BY_ID
from db.profiles import upsert_customers
from db.references import find_customers
from db.relations import each, page_each
from db.timeline import TIMELINE
from domain.customers import CustomerReference, ProfileChange
from domain.facts import Fact
from resolvers.paging import PageArguments, keyset
from tests.db.merging.merges import merge
from tests.db.test_metrics import _organization, latest, tellings
from tests.facts import expected_metrics, maintained

ADA = CustomerReference(external_id="ada")
BOB = CustomerReference(external_id="bob")


def as_one(facts: list[Fact]) -> list[Fact]:
    """What was told of bob, told of ada."""
    return [replace(fact, customer=ADA) if fact.customer == BOB else fact for fact in facts]


async def timeline(database: Database, organization: UUID, customer: UUID) -> list[tuple[Any, ...]]:
    """(instant, kind, key) of the facts, as the timeline tells them."""
    page = page_each(TIMELINE, [customer], keyset(TIMELINE, PageArguments(first=250)), organization)
    async with database.tenant(organization) as tx:
        entries = [(row["occurred_at"], row["kind"], row["id"]) for row in await tx.rows(page)]
        shown = [(at, kind, id_) for at, kind, id_ in entries if kind != "MERGED"]
        assert len(entries) == len(shown) + 1
        rows = await tx.rows(each(EVENT_BY_ID, [id_ for _, _, id_ in shown], organization))
    assert [at for at, _, _ in shown] == sorted((at for at, _, _ in shown), reverse=True)
    keys = {row["id"]: row["key"] for row in rows}
    return [(at, kind, keys[id_]) for at, kind, id_ in shown]


@settings(max_examples=40, deadline=None)
@given(tellings(), st.integers(0, 3), st.booleans())
async def test_two_end_as_one_who_had_all_of_it(
    database: Database, telling: tuple[datetime, str, list[Fact], list[list[Fact]]], when: int, swapped: bool
) -> None:
    now, zone, facts, batches = telling
    organization = await _organization(database, zone)
    async with database.tenant(organization) as tx:
        changes = [ProfileChange(who, {"external_id": who.external_id}) for who in (ADA, BOB)]
        await upsert_customers(tx, changes, now)
        found = await find_customers(tx, [ADA, BOB])
    into, from_ = (BOB, ADA) if swapped else (ADA, BOB)
    for number, batch in enumerate([*batches, []]):
        if number == min(when, len(batches)):
            assert await merge(database, organization, found[from_], found[into], now=now) == "DONE"
        async with database.tenant(organization) as tx:
            await record_facts(tx, batch, now, create_missing=True)
    told = latest(as_one(facts))
    named = [replace(fact, customer=into) if fact.customer == ADA else fact for fact in told]
    assert await maintained(database, organization) == expected_metrics(named, now, zone)
    theirs = [(fact.occurred_at, fact.kind.value, fact.key) for fact in named if fact.customer == into]
    assert sorted(await timeline(database, organization, found[into])) == sorted(theirs)
