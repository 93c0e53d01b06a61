"""Journeys after a merge: one goes on, and no spell of either is rewritten (docs/decisions/0029)."""

from uuid import UUID

from db.database import Transaction
from db.merging.sides import Sides


async def move_journey(tx: Transaction, sides: Sides) -> UUID | None:
    """Gives the kept one the journey of the merged one, or its spells beside the kept one's own journey.

    Returns the id of a journey that ended so: what was to follow from its spells does not any more. Tasks of the merged
    one stay to be done.
    """
    ended: UUID | None = await tx.value(
        """
        select m.id from journey m join journey k on k.organization_id = m.organization_id and k.customer_id = :kept
        where m.organization_id = :organization and m.customer_id = :merged
        """,
        **sides.ids,
    )
    if ended is None:
        await tx.run(_MOVE, **sides.ids)
    else:
        await tx.run(_KEEP_SPELLS, id=ended, kept=sides.kept, now=sides.now)
        # The number of a spell means nothing in another journey.
        await tx.run(_FREE_TASKS, id=ended)
        await tx.run("delete from journey where organization_id = :organization and id = :id", id=ended)
    await tx.run(
        "update task set customer_id = :kept, updated_at = :now "
        "where organization_id = :organization and customer_id = :merged",
        now=sides.now,
        **sides.ids,
    )
    return ended


_MOVE = """
update journey set customer_id = :kept, updated_at = clock_timestamp()
where organization_id = :organization and customer_id = :merged
"""
_COLUMNS = """
    organization_id, journey_id, seq, from_stage_id, to_stage_id, entered_at, trigger, trigger_event, skipped, actor,
    notes, evidence, created_at
"""
_KEEP_SPELLS = f"""
insert into merged_transition (customer_id, exited_at, {_COLUMNS})
select :kept, coalesce(exited_at, greatest(entered_at, :now::timestamptz)), {_COLUMNS}
from stage_transition where organization_id = :organization and journey_id = :id
"""
_FREE_TASKS = """
update task set journey_id = null, seq = null, action_key = null
where organization_id = :organization and journey_id = :id
"""
