"""Customers and what a test says of their journeys."""

from dataclasses import astuple
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.journeys.records import JOURNEYS, Journey, Transition
from db.records import columns_of
from db.relations import Keyset, page_each
from db.stages import list_stages
from db.statement import Statement, sql
from domain.ids import new_id


async def add_customers(tx: Transaction, number: int, *, acquired_at: datetime | None = None) -> list[UUID]:
    """Customers without facts, in ascending order of id."""
    ids = sorted(new_id() for _ in range(number))
    await tx.run(
        "insert into customer (organization_id, id, acquired_at) "
        "select :organization, id, coalesce(:acquired_at, now()) from unnest(:ids::uuid[]) id",
        ids=ids,
        acquired_at=acquired_at,
    )
    return ids


def these(ids: list[UUID]) -> Statement:
    """The customers as a candidate set."""
    return sql("select unnest(:ids::uuid[]) as customer_id", ids=ids)


async def stage_ids(tx: Transaction) -> dict[str, UUID]:
    return {stage.key: stage.id for stage in await list_stages(tx)}


async def journeys(tx: Transaction) -> dict[UUID, Journey]:
    """Every journey by customer."""
    statement = page_each(
        JOURNEYS, [tx.organization_id], Keyset(JOURNEYS.sort(None), True, 100_000), tx.organization_id
    )
    found = [Journey(*row[3:]) for row in await tx.rows(statement)]
    return {journey.customer_id: journey for journey in found}


async def spells(tx: Transaction) -> dict[UUID, list[Transition]]:
    """The history of every customer, oldest first."""
    found: dict[UUID, list[Transition]] = {}
    rows = await tx.rows(
        f"select j.customer_id, {columns_of(Transition)} from stage_transition t "
        "join journey j on j.organization_id = t.organization_id and j.id = t.journey_id "
        "where t.organization_id = :organization order by j.customer_id, t.seq"
    )
    for customer_id, *values in rows:
        found.setdefault(customer_id, []).append(Transition(*values))
    return found


async def stages_passed(tx: Transaction, customer_id: UUID) -> list[str]:
    """The keys of the stages a customer was in, oldest first."""
    keys = {stage_id: key for key, stage_id in (await stage_ids(tx)).items()}
    return [keys[spell.to_stage_id] for spell in (await spells(tx))[customer_id]]


async def everything(tx: Transaction) -> dict[str, list[Any]]:
    """All that is remembered of journeys, to compare before with after."""
    return {
        "journeys": sorted(map(str, map(astuple, (await journeys(tx)).values()))),
        "spells": sorted(str(astuple(spell)) for history in (await spells(tx)).values() for spell in history),
    }


async def assert_chains(tx: Transaction) -> None:
    """Every journey: spells numbered from 1, each begun where the last one ended, one open, which the journey shows."""
    histories = await spells(tx)
    assert set(histories) == set(await journeys(tx))
    for customer_id, journey in (await journeys(tx)).items():
        history = histories[customer_id]
        assert [spell.seq for spell in history] == list(range(1, len(history) + 1))
        assert history[0].from_stage_id is None
        for before, after in pairwise(history):
            assert after.from_stage_id == before.to_stage_id != after.to_stage_id
            assert before.exited_at == after.entered_at >= before.entered_at
        last = history[-1]
        assert last.exited_at is None
        assert (journey.stage_id, journey.previous_stage_id) == (last.to_stage_id, last.from_stage_id)
        assert (journey.stage_entered_at, journey.version) == (last.entered_at, last.seq)
