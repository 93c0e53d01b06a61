"""The sweeper: rings for what is due, does it itself when it cannot ring, and goes back to ringing."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from db.database import Database
from db.jobs import request_job
from tests.waiting import until
from workers import sweeper as sweepers
from workers.sweeper import Sweeper


class Post:
    """Notes what is rung for and what is done, and says whether ringing works."""

    def __init__(self) -> None:
        self.reachable = True
        self.rung: list[UUID] = []
        self.done: list[UUID] = []
        self.at_once = 0
        self.most_at_once = 0

    def ring(self, job_ids: Sequence[UUID]) -> Sequence[UUID]:
        if not self.reachable:
            return job_ids
        self.rung += job_ids
        return []

    async def attend(self, job_id: UUID) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.02)
        self.done.append(job_id)
        self.at_once -= 1


async def owe(database: Database, organization: UUID, count: int) -> list[UUID]:
    async with database.tenant(organization) as tx:
        return [await request_job(tx, "test.nothing", dedupe_key=str(n)) for n in range(count)]


async def forget_bells(database: Database, organization: UUID) -> None:
    """As if two seconds had passed."""
    async with database.tenant(organization) as tx:
        await tx.run("update job set last_bell = null where organization_id = :organization")


async def test_it_rings_for_everything_due(own_database: Database, own_organization: UUID) -> None:
    post = Post()
    owed = await owe(own_database, own_organization, 5)
    sweeper = Sweeper(own_database, post.ring, post.attend, hands=2)
    await sweeper.sweep()
    await sweeper.sweep()
    assert (sorted(post.rung), post.done) == (sorted(owed), [])


async def test_it_does_itself_what_it_cannot_ring_for(
    own_database: Database, own_organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweepers, "INTERVAL", 0.05)
    post = Post()
    post.reachable = False
    owed = await owe(own_database, own_organization, 6)
    running = asyncio.ensure_future(Sweeper(own_database, post.ring, post.attend, hands=2).run())
    try:
        await until(10, lambda: len(post.done) >= 2)
        await forget_bells(own_database, own_organization)
        await until(10, lambda: set(post.done) == set(owed))
        assert (post.most_at_once, post.rung) == (2, [])
        post.reachable = True
        await forget_bells(own_database, own_organization)
        await until(10, lambda: len(post.rung) == 6)
    finally:
        running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_without_redis_it_does_everything_itself(own_database: Database, own_organization: UUID) -> None:
    post = Post()
    owed = await owe(own_database, own_organization, 3)
    sweeper = Sweeper(own_database, None, post.attend, hands=5)
    await sweeper.sweep()
    await asyncio.sleep(0.1)
    assert sorted(post.done) == sorted(owed)


async def test_a_failing_sweep_is_not_the_last(
    own_database: Database, own_organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweepers, "INTERVAL", 0.01)
    post = Post()
    calls = 0

    def ring(job_ids: Sequence[UUID]) -> Sequence[UUID]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError
        return post.ring(job_ids)

    await owe(own_database, own_organization, 1)
    running = asyncio.ensure_future(Sweeper(own_database, ring, post.attend, hands=1).run())
    await until(10, lambda: calls)
    await forget_bells(own_database, own_organization)
    await until(10, lambda: post.rung)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
