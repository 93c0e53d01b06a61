"""What a stage's rule may not ask for, and what else asks for a stage."""

from uuid import UUID

from db.database import Transaction
from domain.conditions import Condition, segments_in, stages_in
from domain.refusals import Refused


async def require_unused(tx: Transaction, key: str) -> None:
    """Refuses IN_USE, naming the segment whose condition asks for the stage."""
    user = await tx.value(
        """
        select name from segment
        where organization_id = :organization
          and jsonb_path_exists(condition, 'lax $.**.stage.** ? (@ == $key)', jsonb_build_object('key', :key::text))
        order by name limit 1
        """,
        key=key,
    )
    if user:
        raise Refused("IN_USE", f"The segment {user} asks for this stage.", ("stageId",))


async def require_independent(tx: Transaction, condition: Condition) -> None:
    """Refuses CYCLE when a rule asks where customers stand, itself or through its segments.

    Such a rule could move a customer to and fro for ever: evaluating again must change nothing.
    """
    if stages_in(condition) or await _through_segments(tx, list(segments_in(condition))):
        message = "A stage's rule cannot ask for stages, not even through a segment: it could never settle."
        raise Refused("CYCLE", message, ("condition",))


async def _through_segments(tx: Transaction, segment_ids: list[UUID]) -> bool:
    found: bool = await tx.value(
        """
        with recursive asked as (
            select id, condition, depends_on from segment
            where organization_id = :organization and id = any(:ids::uuid[])
            union
            select s.id, s.condition, s.depends_on from segment s join asked a on s.id = any(a.depends_on)
            where s.organization_id = :organization)
        select exists (select from asked where condition @? 'lax $.**.stage')
        """,
        ids=segment_ids,
    )
    return found
