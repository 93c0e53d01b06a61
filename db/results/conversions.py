"""Conversions: which customers did what a campaign is for, counted anew from facts and messages by sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.conditions.facts import counted
from db.database import Transaction
from db.records import column, columns_of
from db.relations import Relation, Sort
from db.statement import Statement, join, sql
from domain.conditions import parse, to_json
from domain.conditions.tree import FactLeaf
from domain.refusals import Refused
from domain.results.conversions import Definition, Start


@dataclass(frozen=True, slots=True)
class StoredDefinition:
    """fact: a canonical condition of a fact; else entering the segment counts."""

    id: UUID
    campaign_id: UUID
    name: str
    fact: dict[str, Any] | None
    segment_id: UUID | None
    window: timedelta
    starts_from: str
    created_at: datetime
    window_hours: int = column('(extract(epoch from t."window") / 3600)::integer')


DEFINITION_BY_ID = Relation("conversion_definition", StoredDefinition, "conversion_definition t", key="t.id")
DEFINITIONS_OF_CAMPAIGN = Relation(
    "conversion_definitions_of_campaign",
    StoredDefinition,
    "conversion_definition t",
    key="t.campaign_id",
    orders=(("NAME", Sort('t.name collate "C"', "text")),),
)


async def add_definition(tx: Transaction, definition_id: UUID, campaign_id: UUID, definition: Definition) -> None:
    """Stores what counts; refuses NAME_TAKEN and NOT_FOUND for the segment."""
    if definition.segment_id and not await tx.value(
        "select exists (select from segment where organization_id = :organization and id = :id)",
        id=definition.segment_id,
    ):
        raise Refused("NOT_FOUND", "There is no such segment.", ("segmentId",))
    added = await tx.run(
        """
        insert into conversion_definition (organization_id, id, campaign_id, name, fact, segment_id, "window",
                                           starts_from)
        values (:organization, :id, :campaign_id, :name, :fact, :segment_id, :window, :starts_from)
        on conflict (organization_id, campaign_id, name) do nothing
        """,
        id=definition_id,
        campaign_id=campaign_id,
        name=definition.name,
        fact=None if definition.fact is None else to_json(definition.fact),
        segment_id=definition.segment_id,
        window=definition.window,
        starts_from=definition.starts_from.value,
    )
    if not added:
        raise Refused("NAME_TAKEN", f"The campaign has a conversion called {definition.name}.", ("name",))


async def count_definitions(tx: Transaction, campaign_id: UUID) -> int:
    number: int = await tx.value(
        "select count(*) from conversion_definition where organization_id = :organization and campaign_id = :id",
        id=campaign_id,
    )
    return number


async def delete_definition(tx: Transaction, definition_id: UUID) -> UUID | None:
    """Takes away what counts and what was counted; the campaign, or None when there is no such definition."""
    campaign: UUID | None = await tx.value(
        "delete from conversion_definition where organization_id = :organization and id = :id returning campaign_id",
        id=definition_id,
    )
    return campaign


async def count_conversions(tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    """Makes the conversions of these customers what their facts and messages say; writes only what differs.

    One a definition and customer: the first thing that counts after a message's start and within the window, thanks
    to the last message before it. Who was held out begins at the moment of the snapshot.
    """
    definitions = await tx.records(
        StoredDefinition,
        f"""
        select {columns_of(StoredDefinition)} from conversion_definition t
        where t.organization_id = :organization and t.campaign_id in (
            select m.campaign_id from message m
            where m.organization_id = :organization and m.customer_id = any(:ids::uuid[]))
        order by t.id
        """,
        ids=list(customer_ids),
    )
    wins = [_wins(tx.organization_id, definition, customer_ids) for definition in definitions] or [_NONE]
    await tx.run(_COUNT, wins=join(" union all ", wins), ids=list(customer_ids))
    await tx.run(_MARK, ids=list(customer_ids))


_NONE = Statement(
    "select null::uuid as definition_id, null::uuid as message_id, null::uuid as campaign_id, "
    "null::uuid as customer_id, null::timestamptz as at, null::numeric as amount where false"
)
_STARTS = {Start.SENT: "m.sent_at", Start.OPENED: "m.opened_at", Start.CLICKED: "m.clicked_at"}


def _wins(organization_id: UUID, definition: StoredDefinition, customer_ids: Sequence[UUID]) -> Statement:
    """(definition_id, message_id, campaign_id, customer_id, at, amount) of one definition, one row a customer."""
    start = _STARTS[Start(definition.starts_from)]
    return sql(
        f"""
        (select distinct on (m.customer_id) :definition::uuid as definition_id, m.id as message_id, m.campaign_id,
                m.customer_id, w.at, w.amount
        from (select m.*, case when m.status = 'SKIPPED' then m.queued_at else {start} end as start_at
              from message m
              where m.organization_id = :organization and m.campaign_id = :campaign and not m.is_test
                and m.customer_id = any(:ids::uuid[])
                and (m.sent_at is not null or m.skip_reason = 'HOLDOUT')) m
        cross join lateral (:happened) w
        where w.at > m.start_at and w.at <= m.start_at + :window::interval
        order by m.customer_id, w.at, m.start_at desc, m.id desc)
        """,
        definition=definition.id,
        organization=organization_id,
        campaign=definition.campaign_id,
        ids=list(customer_ids),
        window=definition.window,
        happened=_happened(organization_id, definition),
    )


def _happened(organization_id: UUID, definition: StoredDefinition) -> Statement:
    if definition.fact is None:
        return sql(
            "select h.at, null::numeric as amount from segment_membership_change h "
            "where h.organization_id = :organization and h.customer_id = m.customer_id "
            "and h.segment_id = :segment and h.change = 'ENTERED'",
            organization=organization_id,
            segment=definition.segment_id,
        )
    leaf = parse(definition.fact)
    assert isinstance(leaf, FactLeaf)
    return sql(
        "select f.occurred_at as at, f.amount from fact f "
        "where f.organization_id = :organization and f.customer_id = m.customer_id and :counted",
        organization=organization_id,
        counted=counted(leaf),
    )


_COUNT = """
with win as (:wins), gone as (
    delete from conversion c
    where c.organization_id = :organization and c.customer_id = any(:ids::uuid[])
      and not exists (select from win w where w.definition_id = c.definition_id and w.customer_id = c.customer_id)
)
insert into conversion as c (organization_id, definition_id, message_id, campaign_id, customer_id, at, amount)
select :organization, w.definition_id, w.message_id, w.campaign_id, w.customer_id, w.at, w.amount from win w
order by w.definition_id, w.customer_id
on conflict (organization_id, definition_id, customer_id) do update
set message_id = excluded.message_id, at = excluded.at, amount = excluded.amount
where (c.message_id, c.at, c.amount) is distinct from (excluded.message_id, excluded.at, excluded.amount)
"""

_MARK = """
update message m set converted_at = c.at
from message b left join (select message_id, min(at) as at from conversion
                          where organization_id = :organization and customer_id = any(:ids::uuid[]) group by 1) c
               on c.message_id = b.id
where m.organization_id = :organization and b.organization_id = :organization and m.id = b.id
  and b.customer_id = any(:ids::uuid[]) and m.converted_at is distinct from c.at
"""
