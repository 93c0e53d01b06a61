"""Members of a test's organization, and callers that come in the way members do."""

from datetime import UTC, datetime
from uuid import UUID

from db.database import Database
from db.members import activate, add_member
from db.roles import find_role
from domain.access import Caller
from resolvers.access import authenticate
from resolvers.passwords import hash_password
from tests.api import TOOLS

PASSWORD = "correct horse battery"


async def add_person(
    database: Database,
    organization: UUID,
    email: str,
    role: str = "owner",
    *,
    brands: list[UUID] | None = None,
    password: str | None = PASSWORD,
) -> UUID:
    """A member with this role; still only invited without a password."""
    hashed = password and await hash_password(password)
    async with database.tenant(organization) as tx:
        found = await find_role(tx, key=role)
        assert found
        added = await add_member(tx, email=email, name=None, role_id=found.id, brand_ids=brands)
        assert added
        if hashed:
            await activate(tx, added, hashed, None)
    return added


async def come_in(
    database: Database, token: str, *, at: datetime | None = None, organization: str | None = None
) -> Caller:
    """The caller that a presented key or token makes; raises Rejected."""
    return await authenticate(database, f"Bearer {token}", at or datetime.now(UTC), TOOLS, organization)
