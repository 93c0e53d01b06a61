"""How callers name customers, turned into rows: found in one statement, made on the way when that is wanted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.outbox import recording
from db.statement import sql
from domain.customers import CustomerReference
from domain.events import EventType
from domain.ids import new_id


async def find_customers(tx: Transaction, references: Iterable[CustomerReference]) -> dict[CustomerReference, UUID]:
    """The customer of each reference, which may be a name that a merged one had; an unknown one is missing."""
    wanted = set(references)
    rows = await tx.rows(
        _FIND,
        ids=[reference.id for reference in wanted if reference.id],
        external_ids=[reference.external_id for reference in wanted if reference.external_id],
        emails=[reference.email for reference in wanted if reference.email],
    )
    return {CustomerReference(*names): customer_id for customer_id, *names in rows}


# The organization stands in a sub-select to hide its value from the planner. Statistics that do not know a new
# organization yet say that it has one row, and then any index that begins with the organization looks as good as the
# right one: each look-up would read everything the organization has. Hidden, it is taken for one of average size.
#
# What a customer is called now comes last and so goes before what somebody was called (docs/decisions/0029).
# Where nobody was merged, and nothing but that is looked at: sorting 5,000 names to find none takes ten milliseconds.
_FIND = """
select m.customer_id, m.merged_id, null, null from customer_merge m
where m.organization_id = (select :organization::uuid) and m.merged_id = any(:ids::uuid[])
union all
select a.customer_id, null, a.value, null from customer_alias a
where a.organization_id = (select :organization::uuid) and a.kind = 'EXTERNAL_ID'
  and a.value = any(:external_ids::text[])
  and (select exists (select from customer_alias where organization_id = :organization::uuid))
union all
select a.customer_id, null, null, a.value from customer_alias a
where a.organization_id = (select :organization::uuid) and a.kind = 'EMAIL' and a.value = any(:emails::text[])
  and (select exists (select from customer_alias where organization_id = :organization::uuid))
union all
select c.id, c.id, null, null from customer c
where c.organization_id = (select :organization::uuid) and c.id = any(:ids::uuid[])
union all
select c.id, null, c.external_id, null from customer c
where c.organization_id = (select :organization::uuid) and c.external_id = any(:external_ids::text[])
union all
select c.id, null, null, c.email from customer c
where c.organization_id = (select :organization::uuid) and c.email = any(:emails::text[])
"""


async def make_customers(tx: Transaction, since: Mapping[CustomerReference, datetime], now: datetime) -> None:
    """Makes a customer for each reference that names a new one by external id or e-mail, acquired at the time given.

    A reference that somebody else's transaction makes at the same moment is waited for and left to them.
    """
    # In order, so that two transactions that make the same customers wait for one another and do not deadlock.
    new = sorted(
        (reference.external_id or "", reference.email or "", at) for reference, at in since.items() if not reference.id
    )
    created = "select 'CUSTOMER_CREATED', jsonb_build_object('customerId', id), :now::timestamptz from made"
    # Whom a limited caller makes is not yet anybody's; a trigger makes them known to the caller's brands.
    async with tx.unlimited():
        await tx.run(
            """
            with made as (
                insert into customer (organization_id, id, external_id, email, acquired_at, created_at, updated_at)
                select :organization, n.id, nullif(n.external_id, ''), nullif(n.email, ''), n.acquired_at,
                       :now::timestamptz, :now::timestamptz
                from unnest(:ids::uuid[], :external_ids::text[], :emails::text[], :since::timestamptz[])
                    as n(id, external_id, email, acquired_at)
                on conflict do nothing
                returning id):events
            select from made
            """,
            events=await recording(tx, [EventType.CUSTOMER_CREATED], sql(created, now=now)),
            ids=[new_id() for _ in new],
            external_ids=[external_id for external_id, _, _ in new],
            emails=[email for _, email, _ in new],
            since=[at for _, _, at in new],
            now=now,
        )


async def unknown_customers(tx: Transaction, customers: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that are nobody's."""
    rows = await tx.rows(
        "select id from customer where organization_id = :organization and id = any(:ids::uuid[])", ids=list(customers)
    )
    return set(customers) - {row["id"] for row in rows}
