"""The stages that every organization begins with."""

import dataclasses

from db.database import Transaction
from db.stages.writing import keep_versions
from domain.journeys.defaults import DEFAULT_STAGES


async def ensure_default_stages(tx: Transaction) -> int:
    """Stores the seven default stages unless the organization has stages already; returns how many were stored."""
    rows = await tx.rows(
        """
        insert into journey_stage (organization_id, id, key, name, description, position, kind, condition, color, icon,
                                   allow_demotion, retention_days, is_initial)
        select :organization, uuid7(), s.key, s.name, s.description, s.position, s.kind, s.condition, s.color, s.icon,
               s.allow_demotion, s.retention_days, s.is_initial
        from jsonb_to_recordset(:stages::jsonb) as s (
            key text, name text, description text, position integer, kind text, condition jsonb, color text, icon text,
            allow_demotion boolean, retention_days integer, is_initial boolean)
        where not exists (select from journey_stage where organization_id = :organization)
        returning id
        """,
        stages=[dataclasses.asdict(stage) for stage in DEFAULT_STAGES],
    )
    await keep_versions(tx, [row["id"] for row in rows], actor="system")
    return len(rows)
