"""Which organizations there are, for the clock and for operators' commands, which begin without one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction


@dataclass(frozen=True, slots=True)
class Tenant:
    id: UUID
    slug: str
    timezone: str
    created_at: datetime


async def list_tenants(tx: Transaction) -> list[Tenant]:
    """All organizations, oldest first (their ids are ordered by time)."""
    return [Tenant(**row) for row in await tx.rows("select id, slug, timezone, created_at from list_organizations()")]
