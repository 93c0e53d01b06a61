"""Which segments and stages a change of customers concerns, by what their definitions read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from db.database import Transaction
from db.stages import Stage, list_stages
from domain.conditions import parse
from domain.conditions.dependencies import ACTIVITIES, fact, is_concerned, reads
from domain.journeys.triggers import FACTS, StageTrigger
from domain.segments import with_dependents

# What changed of a customer, as `domain.conditions.dependencies` names it; None: it may be anything.
Changed = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Readers:
    """What is read by segments that are updated automatically (None: unknown), and by stages.

    built_on: of segments that look at others, which these are.
    """

    segments: Mapping[UUID, Collection[str] | None]
    built_on: Mapping[UUID, Collection[UUID]]
    stages: frozenset[str]

    def segments_concerned(self, changed: Collection[str] | None) -> list[UUID] | None:
        """Those that read any of this, with all that are built on them; None: all of them."""
        if changed is None:
            return None
        concerned = {segment_id for segment_id, read in self.segments.items() if is_concerned(read, changed)}
        return sorted(with_dependents(concerned, self.built_on))

    def stages_concerned(self, changed: Collection[str] | None) -> bool:
        """Whether it may move somebody to another stage; activity wins customers back whatever the rules read."""
        return is_concerned(self.stages | ACTIVITIES, changed)

    def choose(self, changed: Mapping[UUID, Changed]) -> tuple[list[UUID], Changed]:
        """Of customers and what changed of each: those of whom somebody reads it, ascending, and all that changed."""
        read = {some for some in set(changed.values()) if self.concerned(some)}
        chosen = sorted(customer_id for customer_id, some in changed.items() if some in read)
        return chosen, None if None in read else frozenset(name for some in read if some for name in some)

    def concerned(self, changed: Collection[str] | None) -> bool:
        """Whether anybody reads any of this."""
        return self.stages_concerned(changed) or self.segments_concerned(changed) != []


async def readers(tx: Transaction) -> Readers:
    rows = await tx.rows(
        """
        select s.id, s.depends_on, v.reads
        from segment s
        left join segment_version v on v.organization_id = s.organization_id and v.segment_id = s.id
                                   and v.number = s.definition_version
        where s.organization_id = :organization and s.type = 'AUTOMATIC' and s.state = 'ACTIVE' and s.auto_update
        """
    )
    return Readers(
        segments={row["id"]: row["reads"] for row in rows},
        built_on={row["id"]: row["depends_on"] for row in rows},
        stages=frozenset().union(*(_read_by(stage) for stage in await list_stages(tx))),
    )


async def is_read(tx: Transaction, name: str) -> bool:
    """Whether some segment or stage reads this, so that its changes have to be told."""
    return (await readers(tx)).concerned({name})


def _read_by(stage: Stage) -> frozenset[str]:
    if stage.condition is None:
        return frozenset()
    return reads(parse(stage.condition)) | {fact(FACTS[StageTrigger(trigger)][0]) for trigger in stage.triggers}
