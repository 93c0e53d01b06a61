"""Refusals that commit at a named point of sending while the worker stands still there, on a thread of their own."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from db import deliveries
from db.consents import Wish, set_consents
from db.database import Database
from db.profiles import delete_customer
from db.suppressions import suppress
from domain.consents import Channel, ConsentState
from domain.ids import new_id
from domain.suppressions import SuppressionReason
from tests.campaigns import Shop

Value = TypeVar("Value")


@dataclass(frozen=True)
class Person:
    """A customer who refuses, or is refused."""

    id: UUID
    address: str


async def unsubscribe(shop: Shop, person: Person) -> None:
    wish = Wish(person.id, shop.brand, Channel.EMAIL, "marketing", ConsentState.UNSUBSCRIBED)
    async with shop.database.tenant(shop.organization) as tx:
        await set_consents(tx, [wish], "test")


async def be_suppressed(shop: Shop, person: Person) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        await suppress(tx, shop.key, Channel.EMAIL, person.address, SuppressionReason.COMPLAINT)


async def be_deleted(shop: Shop, person: Person) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        assert await delete_customer(tx, person.id)


async def get_another(shop: Shop, person: Person) -> None:
    """Another campaign's message to the same customer is marked as being sent: a rule lets one through."""
    rival = await shop.started([await shop.segment([person.id])])
    token, found = new_id(), await shop.find(rival)
    async with shop.database.tenant(shop.organization) as tx:
        due = await deliveries.next_due(tx, rival)
    async with shop.database.tenant(shop.organization) as tx:
        await deliveries.mark_sending(tx, found, due, token, shop.key)


Refusal = Callable[[Shop, Person], Coroutine[Any, Any, None]]
# By the reason that the ledger then gives.
REFUSALS: Mapping[str, Refusal] = {
    "UNSUBSCRIBED": unsubscribe,
    "SUPPRESSED": be_suppressed,
    "CUSTOMER_DELETED": be_deleted,
    "FREQUENCY_CAPPED": get_another,
}


class Elsewhere:
    """Somebody else at work on a loop of their own, so that they go on while the test's loop stands still."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._database: Database = self._done(Database.open(url, size=2))
        self._connection: asyncpg.Connection = self._done(_connected(url))

    def at(self, place: str, refuse: Refusal, shop: Shop, person: Person) -> "Interruption":
        """Refuses at the first passage of the point."""

        def begin() -> "Future[None]":
            return self._begun(refuse(replace(shop, database=self._database), person))

        return Interruption(place, begin, self._waits)

    def close(self) -> None:
        self._done(self._connection.close())
        self._done(self._database.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _begun(self, work: Coroutine[Any, Any, Value]) -> "Future[Value]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _done(self, work: Coroutine[Any, Any, Value]) -> Value:
        return self._begun(work).result(20)

    def _waits(self) -> bool:
        """Whether a transaction waits for another one's: the worker's, since nobody else is there."""
        question = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = $1"
        return bool(self._done(self._connection.fetchval(question, "Lock")))


class Interruption:
    """A watcher of fault points: at one of them the worker stands still until the refusal has committed, or waits."""

    def __init__(self, place: str, begin: "Callable[[], Future[None]]", waits: Callable[[], bool]) -> None:
        self._place, self._begin, self._waits = place, begin, waits
        self._refusing: Future[None] | None = None
        self.waited = False
        """Whether the refusal had to wait for the worker's transaction."""

    def __call__(self, name: str) -> None:
        if name != self._place or self._refusing is not None:
            return
        self._refusing = self._begin()
        while not self._refusing.done() and not self._waits():
            time.sleep(0.002)
        self.waited = not self._refusing.done()

    async def ended(self) -> None:
        """Raises what the refusal ended with."""
        assert self._refusing is not None, f"{self._place} was not passed"
        await asyncio.wrap_future(self._refusing)


async def _connected(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url)
