"""The stages of an organization as they are stored."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.records import columns_of
from db.relations import Relation, Sort
from domain.journeys.defaults import DEFAULT_STAGES


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage; `domain.journeys.Stage` says what its columns mean."""

    id: UUID
    key: str
    name: str
    description: str | None
    position: int
    color: str | None
    icon: str | None
    kind: str
    condition: dict[str, Any] | None
    allow_demotion: bool
    retention_days: int | None
    is_initial: bool
    is_active: bool
    version: int
    created_at: datetime
    updated_at: datetime


STAGE_BY_ID = Relation("journey_stage", Stage, "journey_stage t", key="t.id")
STAGES = Relation(
    "journey_stages",
    Stage,
    "journey_stage t",
    key="t.organization_id",
    orders=(("POSITION", Sort("t.position", "integer")),),
)


async def ensure_default_stages(tx: Transaction) -> int:
    """Stores the seven default stages unless the organization has stages already; returns how many were stored."""
    return await tx.run(
        """
        insert into journey_stage (organization_id, id, key, name, description, position, kind, condition, color, icon,
                                   allow_demotion, retention_days, is_initial)
        select :organization, uuid7(), s.key, s.name, s.description, s.position, s.kind, s.condition, s.color, s.icon,
               s.allow_demotion, s.retention_days, s.is_initial
        from jsonb_to_recordset(:stages::jsonb) as s (
            key text, name text, description text, position integer, kind text, condition jsonb, color text, icon text,
            allow_demotion boolean, retention_days integer, is_initial boolean)
        where not exists (select from journey_stage where organization_id = :organization)
        """,
        stages=[dataclasses.asdict(stage) for stage in DEFAULT_STAGES],
    )


async def list_stages(tx: Transaction) -> list[Stage]:
    """Every stage, active or not, in order of position."""
    return await tx.records(
        Stage,
        f"""
        select {columns_of(Stage)} from journey_stage t
        where t.organization_id = :organization order by t.position
        """,
    )


_NAMED = {"id": "t.id = :value::uuid", "key": "t.key = :value::text"}


async def find_stage(tx: Transaction, name: str, value: object) -> Stage | None:
    """The stage whose `name` ("id" or "key") has this value."""
    return await tx.record(
        Stage,
        f"select {columns_of(Stage)} from journey_stage t where t.organization_id = :organization and {_NAMED[name]}",
        value=value,
    )
