"""Tags of customers: names that are put on and taken off by sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.outbox import recording
from db.relations import Relation, Sort
from db.statement import sql
from domain.conditions import dependencies
from domain.events import EventType


@dataclass(frozen=True, slots=True)
class Tag:
    id: UUID
    name: str
    created_at: datetime


TAG_BY_ID = Relation("tag", Tag, "tag t", key="t.id")
TAGS = Relation("tags", Tag, "tag t", key="t.organization_id", orders=(("NAME", Sort('t.name collate "C"', "text")),))
TAGS_OF_CUSTOMER = Relation(
    "tags_of_customer",
    Tag,
    "customer_tag j join tag t on t.organization_id = j.organization_id and t.id = j.tag_id",
    key="j.customer_id",
    orders=(("NAME", Sort('t.name collate "C"', "text")),),
)


async def add_tags(tx: Transaction, tags: Sequence[tuple[UUID, str]], now: datetime) -> set[UUID]:
    """Puts tags on customers, making new tags; returns the customers changed. Unknown customers are left out."""
    if not tags:
        return set()
    names = sorted({name for _, name in tags})
    await tx.run(
        """
        insert into tag (organization_id, id, name)
        select :organization, uuid7(), given.name from unnest(:names::text[]) as given(name)
        where not exists (select from tag t where t.organization_id = :organization and t.name = given.name)
        order by given.name
        on conflict (organization_id, name) do nothing
        """,
        names=names,
    )
    return await _change(
        tx,
        """
        insert into customer_tag (organization_id, customer_id, tag_id)
        select distinct :organization::uuid, c.id, t.id
        from unnest(:customers::uuid[], :names::text[]) as given(customer_id, name)
        join customer c on c.organization_id = :organization and c.id = given.customer_id
        join tag t on t.organization_id = :organization and t.name = given.name
        order by 2, 3
        on conflict do nothing
        returning customer_id, tag_id
        """,
        EventType.CUSTOMER_TAGGED,
        tags,
        now,
    )


async def remove_tags(tx: Transaction, tags: Sequence[tuple[UUID, str]], now: datetime) -> set[UUID]:
    """Takes tags off customers; returns the customers changed."""
    return await _change(
        tx,
        """
        delete from customer_tag j
        using unnest(:customers::uuid[], :names::text[]) as given(customer_id, name), tag t
        where t.organization_id = :organization and t.name = given.name
          and j.organization_id = :organization and j.customer_id = given.customer_id and j.tag_id = t.id
        returning j.customer_id, j.tag_id
        """,
        EventType.CUSTOMER_UNTAGGED,
        tags,
        now,
    )


async def _change(
    tx: Transaction, statement: str, type_: EventType, tags: Sequence[tuple[UUID, str]], now: datetime
) -> set[UUID]:
    told = sql(_EVENTS, type=type_.value, now=now, organization=tx.organization_id)
    rows = await tx.rows(
        f"with changed as ({statement}):events select customer_id from changed",
        customers=[customer_id for customer_id, _ in tags],
        names=[name for _, name in tags],
        events=await recording(tx, [type_], told),
    )
    changed = {row[0] for row in rows}
    if changed:
        await mark_dirty(tx, sql("select unnest(:ids::uuid[])", ids=sorted(changed)), now, {dependencies.TAGS})
    return changed


_EVENTS = """
select :type::text, jsonb_build_object('customerId', c.customer_id, 'tag', t.name), :now::timestamptz
from changed c join tag t on t.organization_id = :organization and t.id = c.tag_id
"""
