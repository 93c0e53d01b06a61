"""Frequency rules and quiet hours in the ledger: as the rules in Python say, and whoever comes at the same time."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import deliveries
from db.database import Database
from db.frequency import capped, create_rule
from db.quiet_hours import ends
from db.statement import sql
from domain.consents import Channel
from domain.frequency import FrequencyRule, WindowMode, WindowUnit, earliest
from domain.ids import new_id
from domain.quiet_hours import quiet_until
from domain.restraints import Restraint
from tests.campaigns import Shop, open_shop

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago"]
# Around both changes of clocks of 2026 in Europe and America.
INSTANTS = st.builds(
    lambda start, minutes: start + timedelta(minutes=minutes),
    st.sampled_from([datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC)]),
    st.integers(0, 60 * 24 * 31),
)
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
RULES = st.lists(
    st.builds(
        FrequencyRule,
        st.uuids().map(str),
        st.integers(1, 3),
        st.integers(1, 3),
        st.sampled_from(WindowUnit),
        st.just(WindowMode.ROLLING),
        channel=st.sampled_from([None, Channel.EMAIL, Channel.SMS]),
    )
    | st.builds(
        FrequencyRule,
        st.uuids().map(str),
        st.integers(1, 3),
        st.integers(1, 3),
        st.sampled_from([WindowUnit.DAYS, WindowUnit.WEEKS]),
        st.just(WindowMode.CALENDAR),
        topic=st.sampled_from([None, "marketing", "other"]),
    ),
    max_size=3,
)


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def ruled(shop: Shop, limit: int = 1, **said: Any) -> None:
    rule = FrequencyRule(f"At most {limit}", limit, 1, WindowUnit.DAYS, **said).check()
    async with shop.database.tenant(shop.organization) as tx:
        assert await create_rule(tx, new_id(), rule) is None


async def marked(shop: Shop, campaign: UUID) -> list[UUID]:
    """Reads all that is due and marks it, as a worker does."""
    token, found = new_id(), await shop.find(campaign)
    async with shop.database.tenant(shop.organization) as tx:
        due = await deliveries.next_due(tx, campaign)
    async with shop.database.tenant(shop.organization) as tx:
        sending = await deliveries.mark_sending(tx, found, due, token, shop.key)
    assert sending is not None
    return list(sending)


async def with_restraint(shop: Shop, campaign: UUID, assignments: str) -> None:
    await shop.rows(f"update campaign set {assignments} where id = :id", id=campaign)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(now=INSTANTS, zone=st.sampled_from(ZONES), begin=TIMES, end=TIMES)
async def test_quiet_hours_are_the_same_in_both_languages(
    shop: Shop, now: datetime, zone: str, begin: time, end: time
) -> None:
    if begin == end:
        return
    [[until]] = await shop.rows(
        "select :until from (select :now::timestamptz as now, :zone::text as zone) m",
        until=ends(Restraint(quiet_from=begin, quiet_until=end)),
        now=now,
        zone=zone,
    )
    assert until == quiet_until(now, zone, begin, end)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    now=INSTANTS,
    zone=st.sampled_from(ZONES),
    rules=RULES,
    ages=st.lists(st.integers(0, 24 * 60 * 22).map(lambda minutes: timedelta(minutes=minutes)), max_size=5),
)
async def test_rules_hold_up_the_same_in_both_languages(
    shop: Shop, now: datetime, zone: str, rules: list[FrequencyRule], ages: list[timedelta]
) -> None:
    sent = [now - age for age in ages]
    [customer] = await shop.customers(["a"], emails=[f"{new_id()}@x.example"])
    segment = await shop.segment([customer])
    await shop.rows("update customer set timezone = :zone where id = :id", zone=zone, id=customer)
    await shop.rows("delete from frequency_rule where organization_id = :organization")
    for at in sent:
        earlier = await shop.started([segment])
        await shop.rows(
            "update message set status = 'OPENED', sent_at = :at where campaign_id = :id", at=at, id=earlier
        )
    campaign = await shop.find(await shop.started([segment]))
    async with shop.database.tenant(shop.organization) as tx:
        for rule in rules:
            await create_rule(tx, new_id(), rule)
        message = sql(
            "select m.id, m.customer_id, m.channel, :now::timestamptz as now from message m where m.campaign_id = :id",
            now=now,
            id=campaign.id,
        )
        found = await tx.rows(capped(campaign, shop.organization, message))
    asked = [r for r in rules if r.channel is not Channel.SMS and r.topic != "other"]
    expected = earliest(*(rule.holds_until(sent, now, zone) for rule in asked))
    assert [row["until"] for row in found] == ([] if expected is None else [expected])


async def test_of_fifty_at_once_one_goes_and_the_others_are_told_why(shop: Shop) -> None:
    await ruled(shop)
    segment = await shop.segment(await shop.customers(["a", "b"]))
    campaigns = [await shop.started([segment]) for _ in range(50)]
    await asyncio.gather(*(marked(shop, campaign) for campaign in campaigns))
    rows = await shop.rows("select customer_id, status, skip_reason from message")
    told = Counter((row["status"], row["skip_reason"]) for row in rows)
    assert told == {("SENDING", None): 2, ("SKIPPED", "FREQUENCY_CAPPED"): 98}
    assert len({row["customer_id"] for row in rows if row["status"] == "SENDING"}) == 2


async def test_a_campaign_may_wait_for_room_but_not_for_ever(shop: Shop) -> None:
    await ruled(shop)
    segment = await shop.segment(await shop.customers(["a"]))
    assert len(await marked(shop, await shop.started([segment]))) == 1
    patient, hasty = await shop.started([segment]), await shop.started([segment])
    await with_restraint(shop, patient, "on_cap = 'DEFER', max_deferral = '30 hours'")
    await with_restraint(shop, hasty, "on_cap = 'DEFER', max_deferral = '23 hours'")
    assert await marked(shop, patient) == await marked(shop, hasty) == []
    assert await shop.ledger(hasty) == {"a": "FREQUENCY_CAPPED"}
    [waits] = await shop.rows("select * from message where campaign_id = :id", id=patient)
    [first] = await shop.rows("select sending_at from message where status = 'SENDING'")
    assert (waits["status"], waits["attempts"]) == ("QUEUED", 0)
    assert waits["next_attempt_at"] == first["sending_at"] + timedelta(hours=24)
    await shop.rows("update message set sending_at = sending_at - interval '24 hours' where status = 'SENDING'")
    await shop.rows("update message set next_attempt_at = null where campaign_id = :id", id=patient)
    assert len(await marked(shop, patient)) == 1


async def test_what_is_transactional_or_says_so_neither_waits_nor_counts(shop: Shop) -> None:
    await ruled(shop)
    segment = await shop.segment(await shop.customers(["a"]))
    receipt = await shop.started([segment])
    await with_restraint(shop, receipt, "class = 'TRANSACTIONAL', quiet_from = '00:00', quiet_until = '23:59'")
    uncounted = await shop.started([segment])
    await with_restraint(shop, uncounted, "counts_toward_caps = false")
    assert len(await marked(shop, receipt)) == len(await marked(shop, uncounted)) == 1
    first, late, ignoring = [await shop.started([segment]) for _ in range(3)]
    await with_restraint(shop, ignoring, "ignore_caps = true")
    assert len(await marked(shop, first)) == 1
    assert await marked(shop, late) == []
    assert len(await marked(shop, ignoring)) == 1


async def test_two_messages_of_one_campaign_to_one_customer_go_one_after_the_other(shop: Shop) -> None:
    await ruled(shop)
    segment = await shop.segment(await shop.customers(["a"]))
    campaign = await shop.started([segment])
    await shop.rows(
        "insert into message (organization_id, id, campaign_id, customer_id, channel, address, entry) "
        "select organization_id, uuid7(), campaign_id, customer_id, channel, 'b@x.example', 'again' from message"
    )
    assert len(await marked(shop, campaign)) == 1
    assert await marked(shop, campaign) == []
    rows = await shop.rows("select status, skip_reason from message order by id")
    assert [tuple(row) for row in rows] == [("SENDING", None), ("SKIPPED", "FREQUENCY_CAPPED")]


async def test_quiet_hours_hold_a_message_until_they_end_or_skip_it(shop: Shop) -> None:
    segment = await shop.segment(await shop.customers(["a"]))
    held, skipped, expired = [await shop.started([segment]) for _ in range(3)]
    now = datetime.now(UTC)
    begin, end = (now - timedelta(hours=1)).strftime("%H:%M"), (now + timedelta(hours=3)).strftime("%H:%M")
    hours = f"quiet_from = '{begin}', quiet_until = '{end}'"
    await with_restraint(shop, held, hours)
    await with_restraint(shop, skipped, f"{hours}, quiet_policy = 'SKIP'")
    await with_restraint(shop, expired, f"{hours}, max_deferral = '1 hour'")
    assert [await marked(shop, campaign) for campaign in (held, skipped, expired)] == [[], [], []]
    assert await shop.ledger(skipped) == await shop.ledger(expired) == {"a": "QUIET_HOURS_EXPIRED"}
    [waits] = await shop.rows("select * from message where campaign_id = :id", id=held)
    assert waits["status"] == "QUEUED"
    assert waits["next_attempt_at"].strftime("%H:%M") == end
    assert timedelta(hours=2.9) < waits["next_attempt_at"] - now < timedelta(hours=3.1)
