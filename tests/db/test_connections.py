"""Connections at hand: bounded, fair, and never one in doubt."""

import asyncio
import time
from functools import partial
from typing import Any

import asyncpg
import pytest

from app.servers import Addresses
from db.connections import RECYCLE, Connections, _is_gone
from db.database import Database
from db.statement import Statement, sql
from domain.refusals import Rejected
from tests.waiting import until


class Connection:
    def __init__(self) -> None:
        self.closed = False

    async def close(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # as the driver's
        del timeout
        self.closed = True

    def is_closed(self) -> bool:
        return self.closed


class Pool:
    """The driver's pool as far as it matters: how many are out."""

    def __init__(self) -> None:
        self.out: list[Connection] = []
        self.opened = 0
        self.fails = False

    async def acquire(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109  # as the driver's
        del timeout
        await asyncio.sleep(0)
        if self.fails:
            raise OSError
        self.opened += 1
        self.out.append(Connection())
        return self.out[-1]

    async def release(self, connection: Connection, timeout: float | None = None) -> None:  # noqa: ASYNC109  # as above
        del timeout
        self.out.remove(connection)


async def test_the_last_one_given_back_is_taken_first_and_none_is_opened_without_need() -> None:
    pool = Pool()
    connections = Connections(pool, 3)
    first, second = await connections.take(), await connections.take()
    connections.give(first)
    connections.give(second)
    assert await connections.take() is second
    assert pool.opened == 2


async def test_what_was_used_for_long_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool()
    connections = Connections(pool, 2)
    first, second = await connections.take(), await connections.take()
    connections.give(first)
    late = time.monotonic() + 1.2 * RECYCLE
    monkeypatch.setattr("db.connections.monotonic", lambda: late)
    third = await connections.take()
    assert third not in (first, second)
    assert (first.closed, pool.out, pool.opened) == (True, [second, third], 3)
    # In the middle of a use nothing is taken away, and whoever waits does not get what is old either.
    waiting = asyncio.create_task(connections.take())
    await asyncio.sleep(0)
    connections.give(second)
    assert (await waiting).closed is False
    assert second.closed
    assert len(pool.out) == 2
    connections.give(third)
    assert await connections.take() is third


async def test_a_server_s_connection_is_replaced_too(addresses: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await Database.open(addresses.database_url, size=1, patience=1.0)

    async def process() -> Any:
        async with database.untenanted() as tx:
            return await tx.value("select pg_backend_pid()")

    before = await process()
    assert await process() == before
    late = time.monotonic() + 1.2 * RECYCLE
    with monkeypatch.context() as patch:
        patch.setattr("db.connections.monotonic", lambda: late)
        after = await process()
        assert after != before
        assert await process() == after
    await database.close()


async def test_never_more_than_the_size_and_first_come_first_served() -> None:
    pool = Pool()
    connections = Connections(pool, 2)
    order: list[int] = []

    async def work(number: int) -> None:
        async with connections.use():
            order.append(number)
            assert len(pool.out) <= 2
            await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(50)))
    assert order == sorted(order)
    assert pool.opened == 2


async def test_patience_ends_with_a_refusal_and_leaves_nothing_behind() -> None:
    connections = Connections(Pool(), 1, patience=0.01)
    held = await connections.take()
    with pytest.raises(Rejected, match="OVERLOADED"):
        await connections.take()
    connections.give(held)
    assert await connections.take() is held


async def test_whoever_stops_waiting_hands_on_what_they_were_given() -> None:
    connections = Connections(Pool(), 1)
    held = await connections.take()
    waiting = asyncio.create_task(connections.take())
    await asyncio.sleep(0)
    connections.give(held)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.wait_for(connections.take(), 1) is held


async def test_a_dropped_one_makes_place_for_who_waits() -> None:
    pool = Pool()
    connections = Connections(pool, 1)
    held = await connections.take()
    waiting = asyncio.create_task(connections.take())
    await asyncio.sleep(0)
    await connections.drop(held)
    assert await asyncio.wait_for(waiting, 1) is not held
    assert pool.opened == 2


async def test_a_closed_one_is_never_handed_out_and_a_failing_server_costs_no_place() -> None:
    pool = Pool()
    connections = Connections(pool, 1)
    held = await connections.take()
    held.closed = True
    connections.give(held)
    pool.fails = True
    for _ in range(3):
        with pytest.raises(OSError):  # noqa: PT011  # raised by the pool above without a text
            await connections.take()
    pool.fails = False
    assert not (await connections.take()).is_closed()


async def test_a_cancelled_statement_leaves_a_clean_connection(addresses: Any, organization: Any) -> None:
    database = await Database.open(addresses.database_url, size=1)
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), database.tenant(organization) as tx:
                await tx.value("select pg_sleep(5)")
        async with database.untenanted() as tx:
            assert await tx.value("select current_setting('app.organization', true)") in ("", None)
    finally:
        await database.close()


async def test_an_answer_of_one_round_trip_sees_its_organization_and_leaves_none(
    database: Database, organization: Any
) -> None:
    statement = sql("select (select count(*) from organization)")
    assert await database.answer(organization, statement) == 1
    row = await database.look_up("select count(*) as seen from organization")
    assert row is not None
    assert row["seen"] == 0
    named = Statement("select (select id from organization where id = $1)", (organization,))
    assert await database.answer(organization, named) == organization


async def test_what_postgres_ended_while_nobody_used_it_is_replaced_and_costs_no_place(addresses: Addresses) -> None:
    """As after each crash of Postgres: more often than there are places."""
    own = await asyncpg.connect(addresses.database_url)
    database = await Database.open(addresses.database_url, size=2)
    try:
        for _ in range(5):
            async with database.untenanted() as tx:
                process = await tx.value("select pg_backend_pid()")
            [idle] = database._connections._idle
            await own.execute("select pg_terminate_backend($1)", process)
            await until(10, partial(_is_gone, idle))
        async with database.untenanted() as one, database.untenanted() as two:
            assert await one.value("select 1") == await two.value("select 1") == 1
        assert database.connections == (0, 2, 0)
    finally:
        await database.close()
        await own.close()
