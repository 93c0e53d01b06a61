"""Making, changing, ordering and closing stages; each state of a stage is kept as a version."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.stages.records import Stage

# Of all that a stage says; names of columns, never of anything a client sends.
WRITABLE = {field.name for field in fields(Stage)} - {"id", "version", "created_at", "updated_at", "deleted_at"}


async def keep_stages(tx: Transaction) -> None:
    """Until the transaction ends the stages stay as they are; as many as like may hold them so.

    An advisory lock: an evaluation never moves anybody into a stage that is being closed, and writes nothing for it.
    Take it before the locks of rows.
    """
    await tx.rows("select pg_advisory_xact_lock_shared(hashtextextended(:organization::uuid::text, 2))")


async def hold_stages(tx: Transaction) -> None:
    """One at a time changes the stages, because whether a stage can be reached depends on all of them."""
    await tx.rows("select pg_advisory_xact_lock(hashtextextended(:organization::uuid::text, 2))")


async def create_stage(tx: Transaction, stage_id: UUID, values: Mapping[str, Any], *, actor: str) -> None:
    """Stores a stage; `values` by column name."""
    names = sorted(WRITABLE & set(values))
    await tx.run(
        f"""
        insert into journey_stage (organization_id, id, {", ".join(names)})
        values (:organization, :id, {", ".join(f":{name}" for name in names)})
        """,
        id=stage_id,
        **{name: values[name] for name in names},
    )
    await keep_versions(tx, [stage_id], actor=actor)


async def update_stage(tx: Transaction, stage_id: UUID, changes: Mapping[str, Any], *, actor: str) -> None:
    """Writes what differs, by column name; a stage that becomes the initial one takes it from the other."""
    names = sorted(WRITABLE & set(changes))
    if changes.get("is_initial"):
        await tx.run(
            "update journey_stage set is_initial = false, version = version + 1, updated_at = clock_timestamp() "
            "where organization_id = :organization and is_initial and id <> :id",
            id=stage_id,
        )
    await tx.run(
        f"""
        update journey_stage set {", ".join(f"{name} = :{name}" for name in names)},
               version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id
        """,
        id=stage_id,
        **{name: changes[name] for name in names},
    )
    await keep_versions(tx, [stage_id], actor=actor)


async def reorder(tx: Transaction, order: Sequence[UUID], *, actor: str) -> int:
    """Gives the stages the places 1, 2, 3 ... in this order; returns how many have another place now."""
    rows = await tx.rows(
        """
        update journey_stage s
        set position = o.position, version = s.version + 1, updated_at = clock_timestamp()
        from unnest(:ids::uuid[]) with ordinality as o (id, position)
        where s.organization_id = :organization and s.id = o.id and s.position <> o.position
        returning s.id
        """,
        ids=list(order),
    )
    await keep_versions(tx, [row["id"] for row in rows], actor=actor)
    return len(rows)


async def customers_in(tx: Transaction, stage_id: UUID) -> int:
    """How many customers stand in the stage."""
    number: int = await tx.value(
        "select count(*) from journey where organization_id = :organization and stage_id = :id", id=stage_id
    )
    return number


async def close_stage(tx: Transaction, stage_id: UUID, successor_id: UUID | None, *, delete: bool) -> None:
    """Nobody enters the stage any more; who stands in it goes to the successor with the next evaluation.

    Without a successor they stay until a rule moves them on. A deleted stage keeps its row for the history that names
    it. Others that win back to it win back to the successor, if that is a progression stage.
    """
    await tx.run(
        """
        with closed as (
            update journey_stage
            set is_active = false, successor_id = :successor, version = version + 1, updated_at = clock_timestamp(),
                deleted_at = case when :delete then clock_timestamp() end
            where organization_id = :organization and id = :id)
        update journey_stage s
        set win_back_to_id = (select f.id from journey_stage f
                              where f.organization_id = :organization and f.id = :successor
                                and f.kind = 'PROGRESSION'),
            version = s.version + 1, updated_at = clock_timestamp()
        where s.organization_id = :organization and s.win_back_to_id = :id and s.id <> :id
        """,
        id=stage_id,
        successor=successor_id,
        delete=delete,
    )


async def keep_versions(tx: Transaction, stage_ids: Sequence[UUID], *, actor: str) -> None:
    """Remembers the stages as they are now, under their version."""
    await tx.run(
        """
        insert into journey_stage_version (organization_id, stage_id, number, name, condition, triggers, actor)
        select organization_id, id, version, name, condition, triggers, :actor
        from journey_stage where organization_id = :organization and id = any(:ids::uuid[])
        """,
        ids=list(stage_ids),
        actor=actor,
    )
