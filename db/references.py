"""How callers name customers, turned into rows: found in one statement, made on the way when that is wanted."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from domain.customers import CustomerReference
from domain.ids import new_id


async def find_customers(tx: Transaction, references: Iterable[CustomerReference]) -> dict[CustomerReference, UUID]:
    """The customer of each reference; an unknown one is missing from the answer."""
    wanted = list(dict.fromkeys(references))
    # Scalar look-ups keep to the indexes, however many customers there are and however many are asked for.
    rows = await tx.rows(
        """
        select coalesce(
            (select c.id from customer c where c.organization_id = :organization and c.id = r.id),
            (select c.id from customer c where c.organization_id = :organization and c.external_id = r.external_id),
            (select c.id from customer c where c.organization_id = :organization and c.email = r.email))
        from unnest(:ids::uuid[], :external_ids::text[], :emails::text[])
            with ordinality as r(id, external_id, email, ordinal)
        order by r.ordinal
        """,
        ids=[reference.id for reference in wanted],
        external_ids=[reference.external_id for reference in wanted],
        emails=[reference.email for reference in wanted],
    )
    return {reference: row[0] for reference, row in zip(wanted, rows, strict=True) if row[0]}


async def make_customers(tx: Transaction, since: Mapping[CustomerReference, datetime], now: datetime) -> None:
    """Makes a customer for each reference that names a new one by external id or e-mail, acquired at the time given.

    A reference that somebody else's transaction makes at the same moment is waited for and left to them.
    """
    # In order, so that two transactions that make the same customers wait for one another and do not deadlock.
    new = sorted(
        (reference.external_id or "", reference.email or "", at) for reference, at in since.items() if not reference.id
    )
    await tx.run(
        """
        insert into customer (organization_id, id, external_id, email, acquired_at, created_at, updated_at)
        select :organization, n.id, nullif(n.external_id, ''), nullif(n.email, ''), n.acquired_at, :now, :now
        from unnest(:ids::uuid[], :external_ids::text[], :emails::text[], :since::timestamptz[])
            as n(id, external_id, email, acquired_at)
        on conflict do nothing
        """,
        ids=[new_id() for _ in new],
        external_ids=[external_id for external_id, _, _ in new],
        emails=[email for _, email, _ in new],
        since=[at for _, _, at in new],
        now=now,
    )
