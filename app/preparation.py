"""What must be true before Wayfare serves: the newest schema, an organization, its demo data and a key to try it."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from app.demo.loading import begin, find_loading
from app.demo.progress import Progress, quiet
from app.demo.sizes import Demo
from app.secret import development_secret
from app.servers import Addresses
from app.settings import Settings
from db.database import Bell, Database
from db.keys import create_key, find_key
from db.members import activate, add_member, lock_member
from db.migrate import upgrade
from db.organizations import create_organization
from db.roles import find_role
from db.tenants import list_tenants
from domain.access import SCOPES
from domain.ids import new_id
from domain.members import OWNER
from resolvers.passwords import hash_password

# Of a domain that no mail reaches.
OWNER_EMAIL = "owner@wayfare.test"


@dataclass(frozen=True)
class Prepared:
    """The development organization, its working key and the password of its owner."""

    organization_id: UUID
    api_key: str
    password: str


async def prepare(settings: Settings, addresses: Addresses, demo: Demo, progress: Progress = quiet) -> Prepared:
    """Migrate, make sure there is an organization with the wanted data, and find or make its development key."""
    await upgrade(settings.database_admin_url or addresses.database_url)
    async with opened(settings, addresses) as database:
        organization_id = await _first_organization(database, demo)
        if demo is not Demo.NONE:
            await _load_demo(settings, database, organization_id, progress)
        key = await _development_key(settings.state / "dev-key", database, organization_id)
        password = await _development_owner(settings.state / "dev-password", database, organization_id)
        return Prepared(organization_id, key, password)


@asynccontextmanager
async def opened(settings: Settings, addresses: Addresses, bell: Bell | None = None) -> AsyncIterator[Database]:
    """A pool of connections for as long as the block runs."""
    database = await Database.open(addresses.database_url, pooler=settings.pooled, bell=bell)
    try:
        yield database
    finally:
        await database.close()


async def _first_organization(database: Database, demo: Demo) -> UUID:
    """Made when there is none, and then it is owed the demo's data."""
    async with database.untenanted() as tx:
        present = await list_tenants(tx)
    if present:
        return present[0].id
    organization_id = new_id()
    async with database.tenant(organization_id) as tx:
        await create_organization(tx, name="Demo", slug="demo")
        if demo is not Demo.NONE:
            await begin(tx, demo, datetime.now(UTC))
    return organization_id


async def _load_demo(settings: Settings, database: Database, organization_id: UUID, progress: Progress) -> None:
    """What the organization is still owed, now or since a start that was interrupted."""
    async with database.tenant(organization_id) as tx:
        loading = await find_loading(tx)
    if loading and not loading.done:
        from app.demo.seeding import load  # what makes its names up is not installed in production

        await load(database, organization_id, loading, progress, secret=development_secret(settings))


async def _development_key(file: Path, database: Database, organization_id: UUID) -> str:
    """The key of earlier starts while the database knows it, so that open GraphiQL tabs and scripts keep working."""
    text = _read(file)
    known = await find_key(database, text, datetime.now(UTC))
    if known and known.organization_id == organization_id and known.scopes == SCOPES.keys():
        return text
    async with database.tenant(organization_id) as tx:
        text = await create_key(tx, name="Development", scopes=list(SCOPES))
    _write(file, text)
    return text


async def _development_owner(file: Path, database: Database, organization_id: UUID) -> str:
    """The password that lets people try signing in, made once; what its owner makes of the account stays."""
    password = _read(file)
    async with database.tenant(organization_id) as tx:
        known = await lock_member(tx, email=OWNER_EMAIL)
    if known and password:
        return password
    password = secrets.token_urlsafe(12)
    hashed = await hash_password(password)
    async with database.tenant(organization_id) as tx:
        role = await find_role(tx, key=OWNER)
        assert role
        added = await add_member(tx, email=OWNER_EMAIL, name="Owner", role_id=role.id, brand_ids=None)
        member = await lock_member(tx, email=OWNER_EMAIL)
        assert member
        await activate(tx, added or member.id, hashed, None)
    _write(file, password)
    return password


def _read(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _write(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)
