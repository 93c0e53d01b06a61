"""Writes the demo's customers and what happened to them: a batch a transaction, and each may be repeated."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from app.demo.history import ACTOR
from app.demo.loading import Loading
from app.demo.population import Character, batches, population
from app.demo.progress import Progress
from db.consents import Wish, set_consents
from db.database import Database, Transaction
from db.facts import MAX_BATCH, record_facts
from db.profiles import upsert_customers
from db.statistics import keep_statistics
from db.tags import add_tags
from domain.refusals import Refusals

TOPIC = "marketing"
CUSTOMERS = 1_000
# While Postgres works for one of them, the other makes up the next lives.
WRITERS = 2


@dataclass(slots=True)
class Writer:
    """Several coroutines that take batches from one population."""

    database: Database
    organization_id: UUID
    loading: Loading
    progress: Progress
    written: int = 0

    async def write(self, brands: dict[str, UUID]) -> None:
        """brands: ids by slug."""
        everybody = population(self.loading.size.customers, self.loading.now, brands)
        shared = batches(everybody, CUSTOMERS, MAX_BATCH)
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(self._take_turns(shared))

    async def _take_turns(self, shared: Iterator[list[Character]]) -> None:
        for batch in shared:
            self.progress(self.written, self.loading.size.customers, "Customers and their lives")
            await self._write(batch)
            await keep_statistics(self.database)
            self.written += len(batch)
        self.progress(self.written, self.loading.size.customers, "Customers and their lives")

    async def _write(self, batch: Sequence[Character]) -> None:
        """Facts in a transaction of their own: whoever owes an evaluation keeps others waiting until the commit."""
        now = self.loading.now
        facts = list(chain.from_iterable(character.facts for character in batch))

        async def profiles(tx: Transaction) -> None:
            upserted = await upsert_customers(tx, [character.profile for character in batch], now)
            if refusals := [one.refusal for one in upserted if one.refusal]:
                raise Refusals(refusals)
            known = {one.customer_id: who for one, who in zip(upserted, batch, strict=True) if one.customer_id}
            await add_tags(tx, [(id_, tag) for id_, who in known.items() for tag in who.tags], now)
            await set_consents(tx, list(_wishes(known)), ACTOR)

        await self.database.attempt(self.organization_id, profiles)
        await self.database.attempt(self.organization_id, lambda tx: record_facts(tx, facts, now))


def _wishes(known: dict[UUID, Character]) -> Iterator[Wish]:
    for customer_id, character in known.items():
        for brand_id, channel, state, source in character.consents:
            yield Wish(customer_id, brand_id, channel, TOPIC, state, source)
