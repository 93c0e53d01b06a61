"""The benchmark databases: one for each size, built by data.sql, kept until what they are made of changes."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from db import metrics, scores
from db.database import BY_VALUES, Bell, Database
from db.journeys.counts import recount
from db.keys import create_key
from db.migrate import MIGRATIONS, upgrade
from db.organizations import create_organization, current_organization
from db.statement import Statement
from domain.access import SCOPES

HERE = Path(__file__).parent
DATA = HERE / "data.sql"
PEERS = HERE / "peers" / "functions.sql"
KINDS = ("organization", "customer", "fact", "journey", "segment", "campaign", "message", "note", "template")
# As data.sql says.
FINAL = datetime(2026, 1, 1, tzinfo=UTC)
# The second organization is there so that row-level security has something to hide.
NEIGHBOUR_SHARE = 20
# A foreign key is checked row by row, which takes as long as all the rest; the small size proves the data right.
CHECKED_SIZE = 10_000


@dataclass(frozen=True)
class World:
    """A built database: its address, its size and a working API key of its large organization."""

    url: str
    customers: int
    api_key: str

    @property
    def organization_id(self) -> UUID:
        return row_id("organization", 1)


def row_id(kind: str, number: int, organization: int = 1) -> UUID:
    """The id of a generated row; data.sql makes the same."""
    return UUID(f"{organization * 256 + KINDS.index(kind) + 1:08x}-0000-7000-8000-{number:012x}")


async def prepare(server_url: str, customers: int) -> World:
    """The database of this size, built when it is missing or was made of something else."""
    name, made_of = f"bench_{customers}", _digest()
    url = address(server_url, name)
    async with connected(server_url) as server:
        found = await server.fetchval(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = $1", name
        )
        if found != made_of:
            print(f"Building {name} ...", flush=True)
            await _build(await fresh(server_url, name), customers)
            await server.execute(f"comment on database {name} is '{made_of}'")
    async with opened(url) as database, database.tenant(row_id("organization", 1)) as tx:
        return World(url, customers, await create_key(tx, name="Benchmark", scopes=list(SCOPES)))


async def fresh(server_url: str, name: str) -> str:
    """The address of a database of this name, made anew at the newest schema."""
    async with connected(server_url) as server:
        await server.execute(f"drop database if exists {name} (force)")
        await server.execute(f"create database {name}")
    await upgrade(address(server_url, name))
    return address(server_url, name)


async def _build(url: str, customers: int) -> None:
    for number, size in ((1, customers), (2, customers // NEIGHBOUR_SHARE)):
        organization_id = row_id("organization", 1, organization=number)
        async with opened(url) as database:
            async with database.tenant(organization_id) as tx:
                await create_organization(tx, name=f"Bench {number}", slug=f"bench-{number}")
            await _fill(url, number, size)
            async with database.tenant(organization_id) as tx:
                everybody = Statement("select id from customer")
                await metrics.recompute(tx, everybody, FINAL)
                await scores.recalculate(tx, await current_organization(tx), now=FINAL)
                # The generator writes past triggers.
                await recount(tx)
    async with connected(url) as connection:
        await connection.execute(PEERS.read_text())
        await connection.execute("vacuum (freeze, analyze)")


async def _fill(url: str, organization: int, customers: int) -> None:
    async with connected(url) as connection:
        checks = "origin" if customers <= CHECKED_SIZE else "replica"
        await connection.execute(
            f"set bench.organization = {organization}; set bench.customers = {customers};"
            f"set app.organization = '{row_id('organization', 1, organization)}';"
            f"set session_replication_role = {checks}; set work_mem = '256MB'"
        )
        await connection.execute(DATA.read_text())


def address(server_url: str, name: str) -> str:
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def _digest() -> str:
    """Changes with the generator, the schema, and the functions that the peers need."""
    files = [DATA, PEERS, *sorted(path for path in MIGRATIONS.rglob("*") if path.suffix in (".sql", ".py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """As the server's superuser, who makes databases and whom row-level security does not bind."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def opened(url: str, *, bell: Bell | None = None, plans: str = BY_VALUES) -> AsyncIterator[Database]:
    database = await Database.open(url, bell=bell, plans=plans)
    try:
        yield database
    finally:
        await database.close()
