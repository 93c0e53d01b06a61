"""Flows between stages, as a Sankey diagram draws them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction


@dataclass(frozen=True, slots=True)
class JourneyFlow:
    """transitions from a stage (None: the start) to another, and the customers who made them, each once."""

    from_stage_id: UUID | None
    to_stage_id: UUID
    transitions: int
    customers: int


async def flows(tx: Transaction, start: datetime, end: datetime) -> list[JourneyFlow]:
    """The flows from `start` until before `end`, in order of their stages; the starts first."""
    return await tx.records(
        JourneyFlow,
        """
        select g.from_stage_id, g.to_stage_id, g.transitions, g.customers
        from (
            select from_stage_id, to_stage_id, count(*)::integer as transitions,
                   count(distinct journey_id)::integer as customers
            from stage_transition
            where organization_id = :organization and entered_at >= :start and entered_at < :end
            group by from_stage_id, to_stage_id
        ) g
        left join journey_stage f on f.organization_id = :organization and f.id = g.from_stage_id
        join journey_stage t on t.organization_id = :organization and t.id = g.to_stage_id
        order by f.position nulls first, t.position, g.from_stage_id, g.to_stage_id
        """,
        start=start,
        end=end,
    )
