"""The stages of an organization as they are stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.records import columns_of
from db.relations import Relation, Sort


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage; `domain.journeys.Stage` says what its columns mean.

    win_back_to_id: where it returns customers to whom no progression stage's rule applies. successor_id: where
    whoever still stands in it is moved, because it was closed. A deleted stage stays for the history that names it.
    """

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
    triggers: list[str]
    actions: list[dict[str, Any]]
    win_back_to_id: UUID | None
    successor_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


STAGE_BY_ID = Relation("journey_stage", Stage, "journey_stage t", key="t.id")
STAGES = Relation(
    "journey_stages",
    Stage,
    "(select * from journey_stage where deleted_at is null) t",
    key="t.organization_id",
    orders=(("POSITION", Sort("t.position", "integer")),),
)


@dataclass(frozen=True, slots=True)
class StageVersion:
    """A stage's rule as it was: what the evidence of a transition names by its number."""

    number: int
    name: str
    condition: dict[str, Any] | None
    triggers: list[str]
    actor: str
    created_at: datetime


VERSIONS_OF_STAGE = Relation(
    "versions_of_stage",
    StageVersion,
    "journey_stage_version t",
    key="t.stage_id",
    orders=(("NUMBER", Sort("t.number", "integer")),),
    tie=Sort("t.number", "integer"),
    descending=True,
)


async def list_stages(tx: Transaction, *, deleted: bool = False) -> list[Stage]:
    """Every stage, active or not, in order of position; with `deleted` also those that only history names."""
    return await tx.records(
        Stage,
        f"""
        select {columns_of(Stage)} from journey_stage t
        where t.organization_id = :organization and (:deleted or t.deleted_at is null) order by t.position, t.id
        """,
        deleted=deleted,
    )


_NAMED = {"id": "t.id = :value::uuid", "key": "t.key = :value::text"}


async def find_stage(tx: Transaction, name: str, value: object) -> Stage | None:
    """The stage whose `name` ("id" or "key") has this value."""
    return await tx.record(
        Stage,
        f"select {columns_of(Stage)} from journey_stage t "
        f"where t.organization_id = :organization and t.deleted_at is null and {_NAMED[name]}",
        value=value,
    )
