"""Which segments and stages a change of customers concerns, by what their definitions read."""

from collections.abc import Collection
from uuid import UUID

from db.database import Transaction
from db.stages import Stage, list_stages
from domain.conditions import parse
from domain.conditions.dependencies import ACTIVITIES, fact, is_concerned, reads
from domain.journeys.triggers import FACTS, StageTrigger
from domain.segments import with_dependents


async def segments_concerned(tx: Transaction, changed: Collection[str] | None) -> list[UUID] | None:
    """Those that are updated automatically and read any of this, with all that are built on them.

    None: all of them, because the change may be anything.
    """
    if changed is None:
        return None
    rows = await tx.rows(
        """
        select s.id, s.depends_on, v.reads
        from segment s
        left join segment_version v on v.organization_id = s.organization_id and v.segment_id = s.id
                                   and v.number = s.definition_version
        where s.organization_id = :organization and s.type = 'AUTOMATIC' and s.state = 'ACTIVE' and s.auto_update
        """
    )
    concerned = {row["id"] for row in rows if is_concerned(row["reads"], changed)}
    return sorted(with_dependents(concerned, {row["id"]: row["depends_on"] for row in rows}))


async def stages_concerned(tx: Transaction, changed: Collection[str] | None) -> bool:
    """Whether the change may move somebody to another stage; activity wins customers back whatever the rules read."""
    if changed is None or not ACTIVITIES.isdisjoint(changed):
        return True
    return any(_reads_any(stage, changed) for stage in await list_stages(tx))


async def is_read(tx: Transaction, name: str) -> bool:
    """Whether some segment or stage reads this, so that its changes have to be told."""
    return bool(await segments_concerned(tx, {name})) or any(
        _reads_any(stage, {name}) for stage in await list_stages(tx)
    )


def _reads_any(stage: Stage, changed: Collection[str]) -> bool:
    triggers = {fact(FACTS[StageTrigger(trigger)][0]) for trigger in stage.triggers}
    return stage.condition is not None and is_concerned(reads(parse(stage.condition)) | triggers, changed)
