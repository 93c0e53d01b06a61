"""Connections to Postgres: one pool, and transactions that belong to one organization each."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson

from db.connections import Connections
from db.statement import Statement, sql
from db.traces import attach
from domain.live import Event
from domain.refusals import Rejected

# Owns nothing and bypasses nothing: row-level security binds it. Migrations create it.
APP_ROLE = "wayfare_app"
# What a transaction that is limited to some brands acts as: the policies `brands` bind it besides.
LIMITED_ROLE = "wayfare_limited"
_ATTEMPTS = 3
# What another look settles: who refers to something that another transaction has just deleted finds it gone then.
_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.ForeignKeyViolationError)
_SESSION = {"jit": "off", "application_name": "wayfare", "timezone": "UTC"}
# A statement of one round trip is a page or an object by keys: the same plan serves all of them. What a transaction
# runs may touch ten rows or a million, so there the values decide. Jobs give their statements sets of customers, of
# which a plan for any set expects ten: it would compare thousands of rows with each other, so theirs are planned anew.
_PLANS = {"plan_cache_mode": "force_generic_plan"}
BY_VALUES = "auto"
EACH_TIME = "force_custom_plan"
# How long Postgres lets a session of requests, or of jobs, work, wait for a lock and keep a transaction open idle. With
# a pooler they are settings of the role: what a session sets would stay for the next one.
REQUESTS = {"statement_timeout": "8s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"}
JOBS = {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"}
# Prepared statements are kept by their text. Postgres plans them anew when the role has changed since, so the texts of
# limited transactions are made others: nobody else pays for them.
_LIMITED = " -- limited"
_log = logging.getLogger("wayfare.database")

Record = TypeVar("Record")
Value = TypeVar("Value")
Bell = Callable[[list[UUID]], None]
Announce = Callable[[UUID, list[Event]], None]


class Transaction:
    """One open transaction; `:organization` is bound in every statement, and row-level security repeats it."""

    def __init__(self, connection: Any, organization_id: UUID | None, brands: frozenset[UUID] | None = None) -> None:
        self._connection = connection
        self._organization_id = organization_id
        self._limited = brands is not None
        self.brands = brands
        """The brands that this transaction is limited to; None: it sees all of its organization."""
        self.requested_jobs: list[UUID] = []
        """Jobs written in this transaction (db/jobs.py); their bells ring after the commit, never before."""
        self.at_end: list[Callable[[Transaction], Awaitable[None]]] = []
        """What is to be written last, just before the commit, because others wait for the same rows."""
        self.listeners: dict[str, list[UUID]] | None = None
        """Webhooks by the event type they ask for, once somebody looked (db/outbox.py)."""
        self.told: set[UUID] = set()
        """Webhooks for which this transaction recorded events."""
        self.events: list[Event] = []
        """What those who watch are told after the commit, each of them about a whole set."""

    @property
    def organization_id(self) -> UUID:
        if self._organization_id is None:
            message = "this transaction belongs to no organization"
            raise RuntimeError(message)
        return self._organization_id

    @asynccontextmanager
    async def unlimited(self) -> AsyncIterator[None]:
        """Inside, a limited transaction sees all of its organization: for what follows from a command whoever gave it.

        Such as the metrics of a customer, which count the facts of every brand. Nothing found here may be shown.
        """
        if not self._limited:
            yield
            return
        await self._connection.execute(f"set local role {APP_ROLE}")
        self._limited = False
        yield
        # Not after a failure: the transaction is rolled back then, and this with it.
        self._limited = True
        await self._connection.execute(f"set local role {LIMITED_ROLE}")

    async def rows(self, statement: str | Statement, /, **parts: Any) -> list[Any]:
        text, values = self._resolve(statement, parts)
        result: list[Any] = await self._connection.fetch(text, *values)
        return result

    async def row(self, statement: str | Statement, /, **parts: Any) -> Any | None:
        text, values = self._resolve(statement, parts)
        return await self._connection.fetchrow(text, *values)

    async def value(self, statement: str | Statement, /, **parts: Any) -> Any:
        text, values = self._resolve(statement, parts)
        return await self._connection.fetchval(text, *values)

    async def run(self, statement: str | Statement, /, **parts: Any) -> int:
        """Runs a write and returns how many rows it touched."""
        text, values = self._resolve(statement, parts)
        tag: str = await self._connection.execute(text, *values)
        last = tag.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    async def records(self, record: type[Record], statement: str | Statement, /, **parts: Any) -> list[Record]:
        """Rows as frozen dataclasses; the select list must be `columns_of(record)`."""
        return [record(*row) for row in await self.rows(statement, **parts)]

    async def record(self, record: type[Record], statement: str | Statement, /, **parts: Any) -> Record | None:
        row = await self.row(statement, **parts)
        return None if row is None else record(*row)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        await self._connection.copy_records_to_table(table, columns=list(columns), records=rows)

    def _resolve(self, statement: str | Statement, parts: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
        built = (
            statement
            if isinstance(statement, Statement)
            else sql(statement, organization=self._organization_id, **parts)
        )
        return built.text + _LIMITED if self._limited else built.text, built.values


class Database:
    """A pool of connections that act as the application role."""

    def __init__(
        self,
        connections: Connections,
        bell: Bell | None = None,
        announce: Announce | None = None,
        plans: str = BY_VALUES,
    ) -> None:
        self._connections = connections
        self._plans = plans
        self._bell = bell
        self._announce = announce

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        size: int = 10,
        pooler: bool = False,
        role: str = APP_ROLE,
        bell: Bell | None = None,
        announce: Announce | None = None,
        patience: float | None = None,
        limits: Mapping[str, str] | None = None,
        plans: str = BY_VALUES,
    ) -> "Database":
        """Connects; `pooler` is for PgBouncer in transaction mode, which loses prepared statements.

        `patience` is how many seconds to wait for a free connection (db/connections.py); `limits` are REQUESTS, JOBS or
        none; `plans` says how statements of transactions are planned, BY_VALUES or EACH_TIME.

        `bell` is called with the ids of the jobs a transaction requested, `announce` with the events it tells, after
        its commit; neither may block.

        Raises RuntimeError when the role could look past row-level security.
        """
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            init=_prepare,
            reset=_leave_transaction,
            statement_cache_size=0 if pooler else 512,
            server_settings={"role": role, **_SESSION, **({} if pooler else {**_PLANS, **(limits or {})})},
        )
        database = cls(Connections(pool, size, patience), bell, announce, plans)
        try:
            await database._refuse_powerful_role()
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        await self._connections.close()

    @property
    def connections(self) -> tuple[int, int, int]:
        """How many are in use, idle and waited for."""
        return self._connections.state

    async def answer(self, organization_id: UUID, statement: Statement, brands: frozenset[UUID] | None = None) -> Any:
        """The one value of a statement that only reads, in one round trip: it names the organization itself.

        brands: as `tenant` has it; a limited answer takes a transaction, because it is given as another role.

        statement: `select <expression>` without a FROM of its own. The organization is set for the statement's own
        transaction by the one row of the FROM that is added here. A select list is evaluated for a row of FROM, so
        never before that; were it otherwise, row-level security would show nothing.
        """
        if brands is not None:
            async with self.tenant(organization_id, brands) as tx:
                return await tx.value(statement)
        text = _alone(statement.text, len(statement.values) + 1)
        async with self._connections.use() as connection:
            return await connection.fetchval(text, *statement.values, str(organization_id))

    @asynccontextmanager
    async def tenant(self, organization_id: UUID, brands: frozenset[UUID] | None = None) -> AsyncIterator[Transaction]:
        """A transaction that sees one organization; commits at the end, rolls back on an exception.

        brands: it sees only what is these brands' (docs/decisions/0010); None for all. Raises FORBIDDEN when it writes
        what is not.
        """
        async with self._begin(organization_id, brands) as connection:
            tx = Transaction(connection, organization_id, brands)
            try:
                yield tx
                for write in tx.at_end:
                    await write(tx)
            except asyncpg.InsufficientPrivilegeError as error:
                if brands is None:
                    raise
                _log.info("refused to a caller of some brands: %s", error)
                raise Rejected("FORBIDDEN", "This concerns more than the brands that you are limited to.") from error
        if self._bell and tx.requested_jobs:
            self._bell(tx.requested_jobs)
        if self._announce and tx.events:
            self._announce(organization_id, tx.events)

    async def attempt(
        self,
        organization_id: UUID,
        work: Callable[[Transaction], Awaitable[Value]],
        brands: frozenset[UUID] | None = None,
    ) -> Value:
        """Runs a whole use case in one transaction, again when Postgres ended it because of another transaction."""
        for attempt in range(1, _ATTEMPTS):
            try:
                async with self.tenant(organization_id, brands) as tx:
                    return await work(tx)
            except _AGAIN:
                await asyncio.sleep(random.uniform(0, 0.05 * attempt))  # noqa: S311  # jitter, not a secret
        async with self.tenant(organization_id, brands) as tx:
            return await work(tx)

    async def look_up(self, statement: str, /, **parts: Any) -> Any | None:
        """One row of one statement without an organization, in the one round trip that it needs."""
        built = sql(statement, **parts)
        async with self._connections.use() as connection:
            return await connection.fetchrow(built.text, *built.values)

    @asynccontextmanager
    async def untenanted(self) -> AsyncIterator[Transaction]:
        """A transaction without an organization: sees no tenant row, may call the named definer functions."""
        async with self._begin() as connection:
            yield Transaction(connection, None)

    @asynccontextmanager
    async def _begin(
        self, organization_id: UUID | None = None, brands: frozenset[UUID] | None = None
    ) -> AsyncIterator[Any]:
        """The connection of a transaction: what `tenant` and `untenanted` are made of."""
        async with self._connections.use() as connection:
            try:
                await connection.execute(
                    f"begin; set local plan_cache_mode = {self._plans}{_of(organization_id, brands)}"
                )
                yield connection
            except Exception:
                await connection.execute("rollback")
                raise
            # Who is cancelled waits for nothing: the pool rolls back what is left open, or closes the connection.
            await connection.execute("commit")

    async def _refuse_powerful_role(self) -> None:
        found = await self.look_up(
            """
            select exists (select from pg_roles where rolname = current_user and (rolsuper or rolbypassrls))
                or exists (select from pg_class where relowner = current_user::regrole and relname = 'customer')
            """
        )
        if found is None or found[0]:
            message = (
                "The database role is a superuser, bypasses row-level security or owns the tables. "
                f"Run `wayfare migrate` once with an owner's URL and connect as a role that may become {APP_ROLE}."
            )
            raise RuntimeError(message)


@lru_cache(maxsize=4096)
def _alone(text: str, number: int) -> str:
    """Remembered, because the driver looks prepared statements up by a text whose hash is then known too."""
    return f"{text} from (select set_config('app.organization', ${number}, true) offset 0) tenant"


def _of(organization_id: UUID | None, brands: frozenset[UUID] | None) -> str:
    """Said in the same round trip. Identifiers are UUID objects, so their text cannot carry anything else."""
    if organization_id is None:
        return ""
    organization = f"; set local app.organization = '{UUID(str(organization_id))}'"
    if brands is None:
        return organization
    listed = ",".join(sorted(str(UUID(str(brand))) for brand in brands))
    return f"{organization}; set local app.brands = '{{{listed}}}'; set local role {LIMITED_ROLE}"


async def _prepare(connection: Any) -> None:
    attach(connection)
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_dump, decoder=orjson.loads, format="text")


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


async def _leave_transaction(connection: Any) -> None:
    """Nothing session-level is ever set, so the driver's RESET round trip is not needed; an open transaction is."""
    if connection.is_in_transaction():
        await connection.execute("rollback")
