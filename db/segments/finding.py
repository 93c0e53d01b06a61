"""Finding segments."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.names import named, of_brand
from db.records import columns_of
from db.segments.records import Membership
from db.statement import Statement, all_of, sql
from domain.segments import ChangeReason


def matching(type_: str | None, state: str | None, brand_id: UUID | None, search: str | None) -> Statement | None:
    """Segments of a type, state and brand whose name contains every word; None for all."""
    of_type = sql("t.type = :type", type=type_) if type_ else None
    in_state = sql("t.state = :state", state=state) if state else None
    return named(search, of_type, in_state, of_brand(brand_id))


def matching_changes(
    *,
    segment_id: UUID | None = None,
    change: str | None = None,
    reason: Sequence[ChangeReason] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Statement | None:
    """Changes of membership of which all that is said holds, from `since` and before `until`; None for all."""
    asked = [
        None if segment_id is None else sql("t.segment_id = :segment_id", segment_id=segment_id),
        None if change is None else sql("t.change = :change", change=change),
        None if reason is None else sql("t.reason = any(:reasons::text[])", reasons=list(reason)),
        None if since is None else sql("t.at >= :since", since=since),
        None if until is None else sql("t.at < :until", until=until),
    ]
    return all_of([predicate for predicate in asked if predicate is not None])


async def find_membership(tx: Transaction, segment_id: UUID, customer_id: UUID) -> Membership | None:
    return await tx.record(
        Membership,
        f"select {columns_of(Membership)} from segment_membership t where t.organization_id = :organization "
        "and t.segment_id = :segment_id and t.customer_id = :customer_id",
        segment_id=segment_id,
        customer_id=customer_id,
    )


async def find_by_key(tx: Transaction, key: str) -> UUID | None:
    found: UUID | None = await tx.value(
        "select id from segment where organization_id = :organization and key = :key", key=key
    )
    return found
