"""What facts say about a customer beside the metrics: which brands know them, and since when they are one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from db.database import Transaction
from db.facts.writing import Writing

Key = TypeVar("Key")


async def note_acquisition(
    tx: Transaction, writings: Sequence[Writing], since: Mapping[UUID, datetime], now: datetime
) -> frozenset[UUID]:
    """Nobody becomes a customer later than the first thing that happened with them; returns who had.

    since: since when each of them, locked, is a customer so far.
    """
    first = _earliest((writing.customer_id, writing.fact.occurred_at) for writing in writings)
    earlier = {customer_id: at for customer_id, at in first.items() if at < since[customer_id]}
    if earlier:
        await tx.run(
            """
            update customer c set acquired_at = f.at, updated_at = :now, version = c.version + 1
            from unnest(:ids::uuid[], :ats::timestamptz[]) as f(customer_id, at)
            where c.organization_id = (select :organization::uuid) and c.id = f.customer_id
            """,
            ids=list(earlier),
            ats=list(earlier.values()),
            now=now,
        )
    return frozenset(earlier)


async def note_brands(tx: Transaction, writings: Sequence[Writing]) -> None:
    """A fact of a brand makes its customer visible to that brand."""
    first = _earliest(
        ((writing.customer_id, writing.fact.brand_id), writing.fact.occurred_at)
        for writing in writings
        if writing.fact.brand_id
    )
    if first:
        await tx.run(
            """
            insert into customer_brand (organization_id, customer_id, brand_id, first_seen_at)
            select :organization, f.customer_id, f.brand_id, f.at
            from unnest(:customers::uuid[], :brands::uuid[], :ats::timestamptz[]) as f(customer_id, brand_id, at)
            order by f.customer_id, f.brand_id
            on conflict (organization_id, customer_id, brand_id) do update
            set first_seen_at = excluded.first_seen_at where excluded.first_seen_at < customer_brand.first_seen_at
            """,
            customers=[customer_id for customer_id, _ in first],
            brands=[brand_id for _, brand_id in first],
            ats=list(first.values()),
        )


def _earliest(moments: Iterable[tuple[Key, datetime]]) -> dict[Key, datetime]:
    earliest: dict[Key, datetime] = {}
    for key, at in moments:
        earliest[key] = min(at, earliest.get(key, at))
    return earliest
