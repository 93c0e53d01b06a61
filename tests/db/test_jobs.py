"""The job table: owed exactly when its transaction commits, held by one worker at a time, never lost, never doubled."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db import jobs
from db.database import Database, Transaction
from db.jobs import Claim, LeaseLost, Request, request_job, request_jobs
from domain.ids import new_id

NO_LEASE = timedelta(seconds=-1)


async def owe(database: Database, organization: UUID, key: str = "one", **more: Any) -> UUID:
    async with database.tenant(organization) as tx:
        return await request_job(tx, "test.nothing", dedupe_key=key, **more)


async def take(database: Database, job_id: UUID, lease: timedelta | None = None) -> Claim | None:
    async with database.untenanted() as tx:
        return await jobs.claim(tx, job_id, lease)


async def taken(database: Database, job_id: UUID, lease: timedelta | None = None) -> Claim:
    claim = await take(database, job_id, lease)
    assert claim is not None
    return claim


async def stored(database: Database, organization: UUID, job_id: UUID) -> dict[str, Any]:
    async with database.tenant(organization) as tx:
        row = await tx.row("select * from job where organization_id = :organization and id = :id", id=job_id)
    assert row is not None
    return dict(row)


async def make_due(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await tx.run(
            "update job set run_at = clock_timestamp(), last_bell = null, lease_until = lease_until - interval '1 day' "
            "where organization_id = :organization"
        )


async def test_a_job_is_owed_when_its_transaction_commits(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization, args={"segment": "s"}, priority=3)
    row = await stored(database, organization, job_id)
    assert (row["kind"], row["dedupe_key"], row["args"], row["priority"]) == (
        "test.nothing",
        "one",
        {"segment": "s"},
        3,
    )
    assert (row["state"], row["want"], row["got"], row["attempts"]) == ("ready", 1, 0, 0)


async def test_a_job_is_not_owed_when_its_transaction_rolls_back(database: Database, organization: UUID) -> None:
    async def break_off() -> None:
        async with database.tenant(organization) as tx:
            await request_job(tx, "test.nothing", dedupe_key="one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from job where organization_id = :organization") == 0


async def test_the_bell_is_for_due_jobs_only(database: Database, organization: UUID) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with database.tenant(organization) as tx:
        due = await request_job(tx, "test.nothing", dedupe_key="due")
        await request_job(tx, "test.nothing", dedupe_key="later", run_at=tomorrow)
        assert tx.requested_jobs == [due]


async def test_requests_with_one_key_are_one_job(database: Database, organization: UUID) -> None:
    first = await owe(database, organization, priority=5)
    assert await owe(database, organization, priority=2) == first
    row = await stored(database, organization, first)
    assert (row["want"], row["priority"]) == (2, 2)


async def test_many_requests_are_one_statement_in_the_order_asked(database: Database, organization: UUID) -> None:
    asked = [Request("test.nothing", key) for key in ("b", "a", "b")]
    async with database.tenant(organization) as tx:
        ids = await request_jobs(tx, asked)
        assert sorted(tx.requested_jobs) == sorted(set(ids))
    assert ids[0] == ids[2] != ids[1]
    assert (await stored(database, organization, ids[1]))["dedupe_key"] == "a"


async def test_simultaneous_requests_are_all_counted(database: Database, organization: UUID) -> None:
    ids = await asyncio.gather(*(owe(database, organization) for _ in range(20)))
    assert len(set(ids)) == 1
    assert (await stored(database, organization, ids[0]))["want"] == 20


async def test_simultaneous_batches_in_different_order_do_not_deadlock(database: Database, organization: UUID) -> None:
    async def batch(keys: list[str]) -> None:
        async with database.tenant(organization) as tx:
            await request_jobs(tx, [Request("test.nothing", key) for key in keys])

    keys = [str(n) for n in range(50)]
    await asyncio.gather(*(batch(keys if n % 2 else keys[::-1]) for n in range(8)))
    async with database.tenant(organization) as tx:
        assert await tx.rows("select distinct want from job where organization_id = :organization") == [(8,)]


async def test_only_one_of_many_claims_gets_the_job(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    claims = await asyncio.gather(*(take(database, job_id) for _ in range(10)))
    winners = [claim for claim in claims if claim]
    assert len(winners) == 1
    row = await stored(database, organization, job_id)
    assert (row["state"], row["lease_token"], row["attempts"]) == ("running", winners[0].token, 1)


async def test_a_job_of_the_future_or_unknown_is_not_handed_out(database: Database, organization: UUID) -> None:
    later = await owe(database, organization, run_at=datetime.now(UTC) + timedelta(hours=1))
    assert await take(database, later) is None
    assert await take(database, new_id()) is None


async def test_a_locked_row_is_nobodys_reason_to_wait(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    async with database.tenant(organization) as tx:
        await request_job(tx, "test.nothing", dedupe_key="one")
        assert await asyncio.wait_for(take(database, job_id), 2) is None
    assert (await taken(database, job_id)).want == 2


async def test_an_expired_lease_is_taken_over_and_the_old_owner_fenced_off(
    database: Database, organization: UUID
) -> None:
    job_id = await owe(database, organization)
    old = await taken(database, job_id, NO_LEASE)
    new = await taken(database, job_id)
    endings: list[Any] = [
        lambda tx: jobs.extend(tx, old),
        lambda tx: jobs.checkpoint(tx, old, {"after": 1}),
        lambda tx: jobs.again(tx, old, {}),
        lambda tx: jobs.finish(tx, old),
        lambda tx: jobs.hand_back(tx, old),
        lambda tx: jobs.fail(tx, old, "late"),
        lambda tx: jobs.bury(tx, old, "late"),
    ]
    before = await stored(database, organization, job_id)
    for ending in endings:
        with pytest.raises(LeaseLost):
            async with database.tenant(organization) as tx:
                await ending(tx)
    assert await stored(database, organization, job_id) == before
    assert before["lease_token"] == new.token


async def test_an_expired_lease_nobody_took_can_still_be_extended(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    claim = await taken(database, job_id, NO_LEASE)
    async with database.tenant(organization) as tx:
        await jobs.extend(tx, claim)
    assert await take(database, job_id) is None


async def test_what_a_fenced_transaction_wrote_is_gone(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    old = await taken(database, job_id, NO_LEASE)
    await taken(database, job_id)

    async def thaw() -> None:
        async with database.tenant(organization) as tx:
            await request_job(tx, "test.effect", dedupe_key="of the frozen worker")
            await jobs.checkpoint(tx, old, {})

    with pytest.raises(LeaseLost):
        await thaw()
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from job where organization_id = :organization") == 1


async def test_a_request_during_the_work_gets_a_pass_of_its_own(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    claim = await taken(database, job_id)
    await owe(database, organization)
    async with database.tenant(organization) as tx:
        await jobs.finish(tx, claim)
        assert tx.requested_jobs == [job_id]
    row = await stored(database, organization, job_id)
    assert (row["state"], row["want"], row["got"]) == ("ready", 2, 1)
    second = await taken(database, job_id)
    async with database.tenant(organization) as tx:
        await jobs.finish(tx, second)
        assert tx.requested_jobs == []
    row = await stored(database, organization, job_id)
    assert (row["state"], row["want"], row["got"], row["finished_at"] is not None) == ("done", 2, 2, True)


async def test_a_request_between_slices_is_not_answered_by_the_rest_of_the_pass(
    database: Database, organization: UUID
) -> None:
    """The slices before it have already gone past what it asks for."""
    job_id = await owe(database, organization)
    async with database.tenant(organization) as tx:
        await jobs.again(tx, await taken(database, job_id), {"after": "m"})
        assert tx.requested_jobs == [job_id]
    await owe(database, organization)
    rest = await taken(database, job_id)
    assert (rest.cursor, rest.want) == ({"after": "m"}, 1)
    async with database.tenant(organization) as tx:
        await jobs.finish(tx, rest)
    anew = await taken(database, job_id)
    assert (anew.cursor, anew.want) == (None, 2)


async def test_a_checkpoint_survives_the_worker(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    claim = await taken(database, job_id)
    async with database.tenant(organization) as tx:
        await jobs.checkpoint(tx, claim, {"after": 5})
    await make_due(database, organization)
    after_death = await taken(database, job_id)
    assert (after_death.cursor, after_death.attempts) == ({"after": 5}, 1)


async def test_a_request_after_the_end_is_a_new_job(database: Database, organization: UUID) -> None:
    first = await owe(database, organization)
    async with database.tenant(organization) as tx:
        await jobs.finish(tx, await taken(database, first))
    assert await take(database, first) is None
    assert await owe(database, organization) != first


async def test_a_slice_may_ask_for_a_pause(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    async with database.tenant(organization) as tx:
        await jobs.again(tx, await taken(database, job_id), {}, after=timedelta(minutes=5))
        assert tx.requested_jobs == []
    assert await take(database, job_id) is None


async def test_handing_back_costs_no_attempt(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    async with database.tenant(organization) as tx:
        await jobs.hand_back(tx, await taken(database, job_id))
    row = await stored(database, organization, job_id)
    assert (row["state"], row["attempts"], row["lease_token"]) == ("ready", 0, None)


async def test_failures_wait_longer_each_time_and_the_fifth_is_the_last(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    for attempt in range(1, 6):
        claim = await taken(database, job_id)
        assert claim.attempts == attempt
        async with database.tenant(organization) as tx:
            dead = await jobs.fail(tx, claim, f"error {attempt}")
            now = await tx.value("select clock_timestamp()")
        row = await stored(database, organization, job_id)
        pause = (row["run_at"] - now).total_seconds() / (15 * 2**attempt)
        assert 0.49 < pause < 1.5
        assert dead is (attempt == 5)
        assert await take(database, job_id) is None
        await make_due(database, organization)
    row = await stored(database, organization, job_id)
    assert (row["state"], row["last_error"]) == ("dead", "error 5")
    assert await take(database, job_id) is None


async def test_a_job_that_kills_its_worker_is_buried_after_five_attempts(
    database: Database, organization: UUID
) -> None:
    job_id = await owe(database, organization)
    for attempt in range(1, 6):
        claim = await taken(database, job_id, NO_LEASE)
        assert (claim.attempts, claim.spent) == (attempt, False)
        if 2 <= attempt < 5:
            assert await take(database, job_id) is None
            await make_due(database, organization)
    # The undertaker may die as well.
    assert (await taken(database, job_id, NO_LEASE)).spent
    claim = await taken(database, job_id)
    assert claim.spent
    async with database.tenant(organization) as tx:
        await jobs.bury(tx, claim, "the worker died each time")
    row = await stored(database, organization, job_id)
    assert (row["state"], row["attempts"], row["lease_token"]) == ("dead", 5, None)
    assert row["last_error"] == "the worker died each time"
    assert await take(database, job_id) is None


async def test_what_lost_two_workers_is_spread_over_time(database: Database, organization: UUID) -> None:
    """Or the jobs that were beside a poison job would be beside it again and again until all are dead."""
    ids = [await owe(database, organization, str(n)) for n in range(20)]
    lease = timedelta(seconds=60)
    for job_id in ids:
        for _ in range(2):
            await taken(database, job_id, NO_LEASE)
        assert await take(database, job_id, lease) is None
    now = datetime.now(UTC)
    rows = [await stored(database, organization, job_id) for job_id in ids]
    assert {(row["state"], row["attempts"], row["lease_token"]) for row in rows} == {("ready", 2, None)}
    pauses = [(row["run_at"] - now).total_seconds() for row in rows]
    assert all(-5 < pause < 60 for pause in pauses)
    assert max(pauses) - min(pauses) > 20


async def test_requests_do_not_shorten_the_pause_after_a_failure(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization)
    async with database.tenant(organization) as tx:
        await jobs.fail(tx, await taken(database, job_id), "down")
    await owe(database, organization)
    assert await take(database, job_id) is None
    assert (await stored(database, organization, job_id))["want"] == 2


async def test_a_request_for_now_brings_a_later_one_forward(database: Database, organization: UUID) -> None:
    job_id = await owe(database, organization, run_at=datetime.now(UTC) + timedelta(hours=1))
    await owe(database, organization)
    assert await take(database, job_id) is not None


async def swept(database: Database) -> list[UUID]:
    async with database.untenanted() as tx:
        return await jobs.sweep(tx, 10_000)


async def test_sweeping_finds_due_jobs_once_in_two_seconds(database: Database, organization: UUID) -> None:
    due = await owe(database, organization, "due")
    urgent = await owe(database, organization, "urgent", priority=1)
    abandoned = await owe(database, organization, "abandoned")
    await taken(database, abandoned, NO_LEASE)
    held = await owe(database, organization, "held")
    await taken(database, held)
    later = await owe(database, organization, "later", run_at=datetime.now(UTC) + timedelta(hours=1))
    mine = {due, urgent, abandoned, held, later}
    found = await asyncio.gather(*(swept(database) for _ in range(5)))
    rung = [job_id for ids in found for job_id in ids if job_id in mine]
    assert sorted(rung) == sorted([due, urgent, abandoned])
    assert not mine & set(await swept(database))
    async with database.tenant(organization) as tx:
        await tx.run(
            "update job set last_bell = last_bell - interval '3 seconds' where organization_id = :organization"
        )
    assert [job_id for job_id in await swept(database) if job_id in mine] == [urgent, due, abandoned]


async def test_health_tells_the_oldest_due_job_and_the_dead(database: Database, organization: UUID) -> None:
    async with database.untenanted() as tx:
        before = await jobs.health(tx)
    await owe(database, organization, run_at=datetime(2001, 1, 1, tzinfo=UTC))
    doomed = await owe(database, organization, "doomed")
    async with database.tenant(organization) as tx:
        await jobs.bury(tx, await taken(database, doomed), "no use")
    async with database.untenanted() as tx:
        after = await jobs.health(tx)
    assert after.oldest_due == datetime(2001, 1, 1, tzinfo=UTC)
    assert (after.due - before.due, after.dead - before.dead) == (1, 1)


async def test_pruning_forgets_what_was_done_a_week_ago_and_keeps_the_dead(
    database: Database, organization: UUID
) -> None:
    ids = {key: await owe(database, organization, key) for key in ("old", "older", "recent", "dead", "open")}
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            update job
            set state = case dedupe_key when 'dead' then 'dead' else 'done' end,
                finished_at = clock_timestamp() - case when dedupe_key = 'recent' then interval '6 days 23 hours'
                                                       else interval '7 days 1 second' end
            where organization_id = :organization and dedupe_key <> 'open'
            """
        )
        assert await jobs.prune(tx, batch=1) == 1
        assert await jobs.prune(tx) == 1
        assert await jobs.prune(tx) == 0
        left = await tx.rows("select id from job where organization_id = :organization")
    assert {row[0] for row in left} == {ids["recent"], ids["dead"], ids["open"]}


async def test_another_organization_sees_no_job(database: Database, organization: UUID) -> None:
    claim = await taken(database, await owe(database, organization))
    stranger = new_id()
    with pytest.raises(LeaseLost):
        async with database.tenant(stranger) as tx:
            await jobs.finish(tx, claim)

    async def count(tx: Transaction) -> int:
        found: int = await tx.value("select count(*) from job")
        return found

    async with database.tenant(stranger) as tx:
        assert await count(tx) == 0
    async with database.untenanted() as tx:
        assert await count(tx) == 0
