"""Progress of operations as it is told, and what is said of interruptions."""

from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID

import pytest

from db import bulk
from db.database import Database
from domain.ids import new_id
from domain.live import Change, Gap, Interruption, MembershipChange
from resolvers import live, watch
from resolvers.ids import global_id
from resolvers.watch import Watch
from tests.feed import Here
from tests.schema.watching import BULK, CAMPAIGN, MEMBERSHIPS, STAGES, Subscribe, following, request_operation, silent


async def test_an_operation_is_told_from_now_to_its_end(
    subscribe: Subscribe, database: Database, organization: UUID
) -> None:
    operation = await request_operation(database, organization)
    async with aclosing(await subscribe(BULK, global_id("BulkOperation", operation))) as answers:
        assert (await following(answers))["bulkOperation"]["state"] == "QUEUED"
        async with database.tenant(organization) as tx:
            await bulk.start(tx, operation, total=4)
        assert (await following(answers))["bulkOperation"]["state"] == "RUNNING"
        async with database.tenant(organization) as tx:
            await bulk.progress(tx, operation, done=1, counts={"moved": 1})
        told = await following(answers)
        assert told["bulkOperation"] == {
            "state": "RUNNING",
            "done": "1",
            "progress": 0.25,
            "counts": [{"outcome": "moved", "number": "1"}],
        }
        async with database.tenant(organization) as tx:
            await bulk.finish(tx, operation)
        told = await following(answers)
        assert (told["delivery"], told["bulkOperation"]["state"]) == ("LIVE", "COMPLETED")
        with pytest.raises(StopAsyncIteration):
            await anext(answers)


async def test_all_operations_can_be_watched(subscribe: Subscribe, database: Database, organization: UUID) -> None:
    async with aclosing(await subscribe(BULK)) as answers:
        operation = await request_operation(database, organization)
        told = await following(answers)
        assert (told["bulkOperationId"], told["bulkOperation"]["state"]) == (
            global_id("BulkOperation", operation),
            "QUEUED",
        )


async def test_while_events_are_interrupted_progress_is_looked_up(
    subscribe: Subscribe, feed: Here, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_UP", 0.05)
    operation = await request_operation(database, organization)
    async with aclosing(await subscribe(BULK, global_id("BulkOperation", operation))) as answers:
        assert (await following(answers))["delivery"] == "LIVE"
        feed.notice(organization, Interruption())
        told = await following(answers)
        assert (told["delivery"], told["bulkOperation"]["state"]) == ("DELAYED", "QUEUED")
        monkeypatch.setattr(database, "_announce", None)
        async with database.tenant(organization) as tx:
            await bulk.start(tx, operation, total=4)
        told = await following(answers)
        assert (told["delivery"], told["bulkOperation"]["state"]) == ("DELAYED", "RUNNING")
        assert await silent(answers)


async def test_after_an_interruption_progress_is_told_anew(
    subscribe: Subscribe, feed: Here, database: Database, organization: UUID
) -> None:
    operation = await request_operation(database, organization)
    async with aclosing(await subscribe(BULK, global_id("BulkOperation", operation))) as answers:
        await following(answers)
        feed.notice(organization, Interruption(), Gap())
        assert (await following(answers))["delivery"] == "DELAYED"
        assert (await following(answers))["delivery"] == "RESYNC"


async def test_interruptions_of_changes_are_told(subscribe: Subscribe, feed: Here, organization: UUID) -> None:
    for document in (MEMBERSHIPS, STAGES, BULK, CAMPAIGN):
        async with aclosing(await subscribe(document)) as answers:
            feed.notice(organization, Interruption(), Gap())
            told = [await following(answers), await following(answers)]
            assert [one.pop("delivery") for one in told] == ["DELAYED", "RESYNC"]
            assert [value for one in told for value in one.values() if value] == []


async def test_who_reads_too_slowly_is_told_that_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_WAITING", 3)
    one = Watch(lambda _: True)
    for _ in range(4):
        one.tell(MembershipChange(new_id(), Change.LEFT, 1, (new_id(),), datetime.now(UTC)))
    assert [await one.next(), await one.next(0.01)] == [Gap(), None]
