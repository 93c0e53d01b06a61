"""The merge of two customers: in which order locks are taken and what each of them had changes hands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.consents import Wish, set_consents
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.merging.belongings import move_belongings
from db.merging.consents import move_consents
from db.merging.journeys import move_journey
from db.merging.messages import move_messages
from db.merging.names import keep_names, write_profile
from db.merging.segments import move_memberships
from db.merging.sides import Sides
from db.metrics import recompute
from db.outbox import record
from db.results.due import owe_results
from db.segments import lock_masks, lock_segments
from db.statement import sql
from domain.customers import PROFILE_FIELDS
from domain.events import EventType
from domain.ids import new_id
from domain.merging import lost_names, merged_profile, require_version
from domain.refusals import Refused


@dataclass(frozen=True, slots=True)
class Expected:
    """The versions that the kept and the merged customer have to be at; None: any."""

    into: int | None = None
    from_: int | None = None


async def merge_customers(
    tx: Transaction, from_: UUID, into: UUID, *, expected: Expected, actor: str, now: datetime
) -> UUID:
    """Makes one customer of two: what `from_` has becomes `into`'s, who stays. Returns the id of the merge.

    Whoever writes about either of them waits and then writes about the kept one, or is waited for. Refuses NOT_FOUND,
    SAME_CUSTOMER and STALE. Not for callers of some brands: it moves what belongs to every brand.
    """
    if from_ == into:
        raise Refused("SAME_CUSTOMER", "Name two customers.", ("input", "from"))
    sides = Sides(tx.organization_id, from_, into, actor, now)
    await _lock_members(tx, sides)
    customers = await _lock(tx, sides)
    if from_ not in customers and await _is_merged_into(tx, sides):
        raise Refused("SAME_CUSTOMER", "They are one customer already.", ("input", "from"))
    require_version(customers.get(from_), expected.from_, "from", "expectedFromVersion")
    require_version(customers.get(into), expected.into, "into", "expectedVersion")
    return await _merge(tx, sides, customers[into], customers[from_])


async def _merge(tx: Transaction, sides: Sides, kept: Mapping[str, Any], merged: Mapping[str, Any]) -> UUID:
    profile = merged_profile(kept, merged)
    facts = await move_belongings(tx, sides)
    journey_id = await move_journey(tx, sides)
    messages = await move_messages(tx, sides, journey_id)
    await move_memberships(tx, sides)
    refused = await move_consents(tx, sides)
    await keep_names(tx, sides, lost_names(profile, merged))
    await tx.run("delete from customer where organization_id = :organization and id = :id", id=sides.merged)
    await write_profile(tx, sides, profile)
    merge_id = await _note(tx, sides, facts, messages)
    await _follow(tx, sides, refused)
    return merge_id


async def _lock_members(tx: Transaction, sides: Sides) -> None:
    """Before the customers, as whoever computes members does."""
    await lock_masks(tx)
    rows = await tx.rows(
        """
        select segment_id from segment_membership
        where organization_id = :organization and customer_id = any(:both::uuid[])
        union select segment_id from segment_override
        where organization_id = :organization and customer_id = any(:both::uuid[])
        """,
        both=sides.both,
    )
    await lock_segments(tx, [row[0] for row in rows])


async def _lock(tx: Transaction, sides: Sides) -> dict[UUID, Mapping[str, Any]]:
    """Both customers by id. For update, not less: who inserts something of the merged one waits and finds them gone."""
    rows = await tx.rows(
        f"select id, version, {', '.join(PROFILE_FIELDS)} from customer "
        "where organization_id = :organization and id = any(:both::uuid[]) order by id for update",
        both=sides.both,
    )
    return {row["id"]: row for row in rows}


async def _is_merged_into(tx: Transaction, sides: Sides) -> bool:
    found: bool = await tx.value(
        "select exists (select from customer_merge where organization_id = :organization "
        "and merged_id = :merged and customer_id = :kept)",
        **sides.ids,
    )
    return found


async def _note(tx: Transaction, sides: Sides, facts: int, messages: int) -> UUID:
    """The line that says so, and what the id of the merged one is found by."""
    merge_id = new_id()
    await tx.run(
        """
        insert into customer_merge (organization_id, id, customer_id, merged_id, facts, messages, actor, merged_at)
        values (:organization, :id, :kept, :merged, :facts, :messages, :actor, :now)
        """,
        id=merge_id,
        facts=facts,
        messages=messages,
        actor=sides.actor,
        now=sides.now,
        **sides.ids,
    )
    return merge_id


async def _follow(tx: Transaction, sides: Sides, refused: Sequence[Wish]) -> None:
    """What is computed of the kept one is computed anew: metrics now, the rest is owed."""
    touched = sql("select :kept::uuid", kept=sides.kept)
    await recompute(tx, touched, sides.now)
    data = "jsonb_build_object('customerId', :kept::uuid, 'mergedId', :merged::uuid)"
    told = f"select 'CUSTOMER_MERGED', {data}, :now::timestamptz"
    await record(tx, [EventType.CUSTOMER_MERGED], told, now=sides.now, **sides.ids)
    if refused:
        await set_consents(tx, refused, sides.actor)
    await mark_dirty(tx, touched, sides.now)
    await owe_results(tx, touched)
