"""Making, changing and deleting segments; each definition is kept as a version."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from db.conditions.references import require_references
from db.database import Transaction
from db.records import columns_of
from db.segments.records import Segment
from db.statement import Statement
from domain.conditions import Condition, segments_in, to_json
from domain.conditions.dependencies import reads
from domain.ids import new_id
from domain.refusals import Refused
from domain.segments import SegmentState, SegmentType, refuse_cycle, require_definition


@dataclass(frozen=True, slots=True)
class Definition:
    """A segment to be made."""

    key: str
    name: str
    type: SegmentType
    condition: Condition | None = None
    description: str | None = None
    brand_id: UUID | None = None
    state: SegmentState = SegmentState.ACTIVE
    auto_update: bool = True
    id: UUID = field(default_factory=new_id)


async def find_segment(tx: Transaction, segment_id: UUID, *, lock: bool = False) -> Segment | None:
    """lock: keeps the definition as it is until the transaction ends."""
    return await tx.record(
        Segment,
        f"select {columns_of(Segment)} from segment t where t.organization_id = :organization and t.id = :id "
        f"{'for no key update' if lock else ''}",
        id=segment_id,
    )


async def known_segments(tx: Transaction, segment_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these ids that are a segment's whom the transaction sees."""
    rows = await tx.rows(
        "select id from segment where organization_id = :organization and id = any(:ids::uuid[])", ids=list(segment_ids)
    )
    return {row["id"] for row in rows}


async def lock_segments(tx: Transaction, segment_ids: Iterable[UUID]) -> None:
    """Until the transaction ends nobody else computes the members of these segments; waits for who does already.

    An advisory lock: it leaves the rows free for readers of the definition and for references, and writes nothing.
    """
    await tx.rows(
        """
        select pg_advisory_xact_lock(hashtextextended(id::text, 0))
        from (select id from unnest(:ids::uuid[]) id order by id) t
        """,
        ids=sorted(segment_ids),
    )


async def lock_masks(tx: Transaction) -> None:
    """One transaction at a time makes members of automatic segments, whichever: they share the customers' masks.

    Before `lock_segments`, by whoever computes members or decides about them.
    """
    await tx.rows("select pg_advisory_xact_lock(hashtextextended(:organization::uuid::text, 5))")


async def create_segment(tx: Transaction, definition: Definition, *, actor: str) -> UUID:
    """Stores a segment with its first version; nobody is a member yet.

    Refuses CONDITION_REQUIRED, CONDITION_NOT_ALLOWED, KEY_TAKEN and what `require_references` refuses.
    """
    require_definition(definition.type, definition.condition)
    segment_id = definition.id
    await _lock_definitions(tx)
    await _require_sound(tx, segment_id, definition.condition)
    try:
        await tx.run(
            """
            insert into segment (organization_id, id, brand_id, key, name, description, type, state, condition,
                                 depends_on, auto_update)
            values (:organization, :id, :brand_id, :key, :name, :description, :type, :state, :condition,
                    :depends_on, :auto_update)
            """,
            id=segment_id,
            brand_id=definition.brand_id,
            key=definition.key,
            name=definition.name,
            description=definition.description,
            type=definition.type.value,
            state=definition.state.value,
            condition=_json(definition.condition),
            depends_on=_names(definition.condition),
            auto_update=definition.auto_update,
        )
    except asyncpg.UniqueViolationError as error:
        raise Refused("KEY_TAKEN", f"There is a segment with the key {definition.key} already.", ("key",)) from error
    except (asyncpg.ForeignKeyViolationError, asyncpg.InsufficientPrivilegeError) as error:
        raise Refused("UNKNOWN_BRAND", "There is no such brand.", ("brandId",)) from error
    await _keep_version(tx, segment_id, definition.condition, definition.brand_id, actor)
    return segment_id


async def update_segment(tx: Transaction, segment: Segment, changes: Mapping[str, Any], *, actor: str) -> bool:
    """Writes the changed columns of a locked segment; True when its members have to be computed anew.

    changes: name, description, state, auto_update, condition (a Condition). Refuses as `create_segment` and CYCLE.
    """
    values = dict(changes)
    if "condition" in values:
        await _lock_definitions(tx)
        require_definition(SegmentType(segment.type), values["condition"])
        await _require_sound(tx, segment.id, values["condition"])
        values |= {"condition": _json(values["condition"]), "depends_on": _names(values["condition"])}
    changed = {name: value for name, value in values.items() if value != getattr(segment, name)}
    if not changed:
        return False
    redefined = "condition" in changed
    await tx.run(
        f"""
        update segment set {", ".join(f"{name} = :{name}" for name in changed)},
               definition_version = definition_version + :redefined, version = version + 1,
               updated_at = clock_timestamp()
        where organization_id = :organization and id = :id
        """,
        id=segment.id,
        redefined=int(redefined),
        **changed,
    )
    if redefined:
        await _keep_version(tx, segment.id, changes["condition"], segment.brand_id, actor)
    return redefined or changed.get("state") == SegmentState.ACTIVE or changed.get("auto_update") is True


async def delete_segment(tx: Transaction, segment_id: UUID) -> None:
    """Deletes a segment with its members and history; refuses IN_USE while something is built on it."""
    await _lock_definitions(tx)
    await lock_masks(tx)
    await lock_segments(tx, [segment_id])
    async with tx.unlimited():
        users = [row[0] for row in await tx.rows(_USERS, id=segment_id)]
    if users:
        told = ", ".join(users) if tx.brands is None else "something else"
        raise Refused("IN_USE", f"It is used by {told}.", ("segmentId",))
    await tx.run("delete from segment where organization_id = :organization and id = :id", id=segment_id)


_USERS = """
select 'the segment ' || name from segment where organization_id = :organization and depends_on @> array[:id::uuid]
union all
select 'the campaign ' || name from campaign
where organization_id = :organization and :id = any(include_segment_ids || exclude_segment_ids)
  and status not in ('COMPLETED', 'CANCELLED', 'FAILED')
union all
select 'the stage ' || name from journey_stage
where organization_id = :organization
  and jsonb_path_exists(condition, 'lax $.**.inSegment ? (@ == $id)', jsonb_build_object('id', :id::uuid))
order by 1 limit 20
"""


async def forget_customers(tx: Transaction, customers: Statement) -> None:
    """Takes customers who are about to be deleted out of every segment, so that the counts stay right.

    customers: a statement with one column of ids. Their history goes with them.
    """
    # For update, not less: whoever inserts a membership waits for us and then finds the customer gone.
    await tx.rows(
        "select id from customer where organization_id = :organization and id in (:customers) order by id for update",
        customers=customers,
    )
    await tx.run(
        """
        with gone as (
            delete from segment_membership
            where organization_id = :organization and customer_id in (:customers) returning segment_id)
        update segment s set member_count = s.member_count - g.number
        from (select segment_id, count(*) as number from gone group by segment_id) g
        where s.organization_id = :organization and s.id = g.segment_id
        """,
        customers=customers,
    )


async def _lock_definitions(tx: Transaction) -> None:
    """One at a time changes what is built on what: two changes could make a cycle that neither of them sees."""
    await tx.rows("select pg_advisory_xact_lock(hashtextextended(:organization::uuid::text, 1))")


async def _require_sound(tx: Transaction, segment_id: UUID, condition: Condition | None) -> None:
    if condition is None:
        return
    await require_references(tx, condition)
    async with tx.unlimited():
        depends_on = {row["id"]: row["depends_on"] for row in await tx.rows(_DEPENDS_ON)}
    refuse_cycle(segment_id, segments_in(condition), depends_on)


_DEPENDS_ON = "select id, depends_on from segment where organization_id = :organization"


async def _keep_version(
    tx: Transaction, segment_id: UUID, condition: Condition | None, brand_id: UUID | None, actor: str
) -> None:
    await tx.run(
        """
        insert into segment_version (organization_id, segment_id, number, condition, actor, reads)
        select organization_id, id, definition_version, condition, :actor, :reads::text[]
        from segment where organization_id = :organization and id = :id
        """,
        id=segment_id,
        actor=actor,
        reads=[] if condition is None else sorted(reads(condition, brand_id)),
    )


def _json(condition: Condition | None) -> dict[str, Any] | None:
    return None if condition is None else to_json(condition)


def _names(condition: Condition | None) -> list[UUID]:
    return [] if condition is None else sorted(segments_in(condition))
