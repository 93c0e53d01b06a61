"""Customers whom time alone may move between segments or stages: kept with the next instant, taken when it has come."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from db.conditions import Scope
from db.conditions.dues import dues
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.organizations import Organization
from db.segments.refresh import segments_to_refresh
from db.stages import list_stages
from db.statement import Statement, join, sql
from domain.conditions import Condition, is_live, parse

# Due customers who are taken at a time.
SIZE = 20_000


async def note_dues(
    tx: Transaction, organization: Organization, candidates: Statement, now: datetime, *, soon: bool = False
) -> None:
    """Keeps when these customers (a statement of customer_id) are due next; writes only what differs.

    Call it where they were evaluated for `now`. Segments that are not updated automatically or are by percentile are
    left to refreshes of everybody. soon: whoever has facts in a window of days is due with the next day; for those of
    whom more may come in before that, so that nobody's facts are read for each of them.
    """
    found = [
        statement
        for brand_id, conditions in (await _timed(tx)).items()
        if (statement := dues(conditions, Scope(organization, None, now, brand_id, candidates), soon=soon))
    ]
    await tx.run(
        _NOTE,
        due=join(" union all ", [sql("(:due)", due=statement) for statement in found]) if found else _NOBODY,
        candidates=candidates,
    )


_NOBODY = Statement("select null::uuid as customer_id, null::timestamptz as due_at where false")


async def _timed(tx: Transaction) -> dict[UUID | None, list[Condition]]:
    """By the brand whose customers and facts they look at: the conditions of segments, and the rules of stages."""
    found = defaultdict(list)
    for segment in await segments_to_refresh(tx):
        found[segment.brand_id].append(parse(segment.condition))
    found[None] += [parse(stage.condition) for stage in await list_stages(tx) if stage.is_active and stage.condition]
    return {brand_id: list(filter(is_live, conditions)) for brand_id, conditions in found.items()}


async def redefined(tx: Transaction) -> bool:
    """Whether the members of some segment do not follow its latest definition yet: then others may be due."""
    found: bool = await tx.value(
        """
        select exists (select from segment where organization_id = :organization and type = 'AUTOMATIC'
                         and state = 'ACTIVE' and computed_version is distinct from definition_version)
        """
    )
    return found


async def take_due(tx: Transaction, now: datetime) -> int:
    """Owes an evaluation to the customers whose time has come, at most SIZE of them; returns how many.

    The evaluation notes when they are due again.
    """
    rows = await tx.rows(
        """
        delete from segment_due where organization_id = :organization and customer_id in (
            select customer_id from segment_due
            where organization_id = :organization and due_at < :now::timestamptz
            order by due_at, customer_id limit :size for update skip locked)
        returning customer_id
        """,
        now=now,
        size=SIZE,
    )
    if rows:
        await mark_dirty(tx, sql("select unnest(:ids::uuid[])", ids=sorted(row[0] for row in rows)), now)
    return len(rows)


_NOTE = """
with candidate_of_dues as materialized (:candidates),
due as materialized (
    select customer_id, min(due_at) as due_at from (:due) d group by customer_id
),
stored as (
    select d.customer_id, d.due_at from segment_due d
    where d.organization_id = (select :organization::uuid)
      and d.customer_id in (select customer_id from candidate_of_dues)
),
difference as materialized (
    select coalesce(d.customer_id, s.customer_id) as customer_id, d.due_at
    from due d full join stored s on s.customer_id = d.customer_id
    where d.due_at is distinct from s.due_at
),
gone as (
    delete from segment_due s using difference d
    where s.organization_id = (select :organization::uuid) and s.customer_id = d.customer_id and d.due_at is null
)
insert into segment_due (organization_id, customer_id, due_at)
select :organization, customer_id, due_at from difference where due_at is not null order by customer_id
on conflict (organization_id, customer_id) do update set due_at = excluded.due_at
"""
