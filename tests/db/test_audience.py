"""The audience: who is in it, why some get nothing, and the snapshot that remembers it."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from db import audience, campaigns
from db.audience import preview
from db.consents import Wish, set_consents
from db.database import Database
from db.organizations import add_brand
from db.statement import sql
from db.suppressions import hash_of, suppress
from domain.campaigns import PAUSE, CampaignClass
from domain.consents import Channel, ConsentState
from domain.ids import new_id
from domain.suppressions import SuppressionReason
from tests.campaigns import Shop, open_shop


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def consent(
    shop: Shop, customer: UUID, state: str, *, topic: str = "marketing", brand: UUID | None = None
) -> None:
    wish = Wish(customer, brand or shop.brand, Channel.EMAIL, topic, ConsentState(state))
    async with shop.database.tenant(shop.organization) as tx:
        assert await set_consents(tx, [wish], "test") == 1


async def suppressed(shop: Shop, address: str) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        assert await suppress(tx, shop.key, Channel.EMAIL, address, SuppressionReason.MANUAL)


async def test_included_minus_excluded_and_everybody_of_them_is_a_row(shop: Shop) -> None:
    ids = await shop.customers(["a", "b", "c", "d", "e"])
    one, two = await shop.segment(ids[:3]), await shop.segment(ids[2:4])
    out = await shop.segment([ids[1], ids[4]])
    campaign = await shop.started([one, two], [out])
    assert await shop.ledger(campaign) == {"a": "QUEUED", "c": "QUEUED", "d": "QUEUED"}
    found = await shop.find(campaign)
    assert (found.audience_size, found.status) == (3, "RUNNING")
    assert found.snapshot_at is not None


async def test_each_reason_is_a_row(shop: Shop) -> None:
    names = ["ok", "none", "out", "pending", "never", "yes", "stop", "Twin", "other topic", "other brand"]
    *others, twin = await shop.customers([*names, "twin"])
    ids = dict(zip(names, others, strict=True))
    await shop.rows("update customer set email = null where organization_id = :organization and name = 'none'")
    for name, state in [("out", "UNSUBSCRIBED"), ("pending", "PENDING"), ("never", "NEVER"), ("yes", "SUBSCRIBED")]:
        await consent(shop, ids[name], state)
    async with shop.database.tenant(shop.organization) as tx:
        brand = await add_brand(tx, name="Other", slug="other")
    await consent(shop, ids["other topic"], "UNSUBSCRIBED", topic="news")
    await consent(shop, ids["other brand"], "UNSUBSCRIBED", brand=brand)
    await suppressed(shop, "stop@x.example")
    segment = await shop.segment([*ids.values(), twin])
    expected = {
        **dict.fromkeys(["ok", "yes", "Twin", "other topic", "other brand"], "QUEUED"),
        "none": "NO_ADDRESS",
        "out": "UNSUBSCRIBED",
        "pending": "NOT_CONSENTED",
        "never": "NOT_CONSENTED",
        "stop": "SUPPRESSED",
        "twin": "DUPLICATE_ADDRESS",
    }
    campaign = await shop.campaign([segment])
    async with shop.database.tenant(shop.organization) as tx:
        told = await preview(tx, (await shop.find(campaign)).audience, shop.key, datetime.now(UTC))
    assert (told.reachable, sum(told.skipped.values())) == (5, 6)
    assert told.skipped["NOT_CONSENTED"] == 2
    await shop.snapshot(campaign)
    assert await shop.ledger(campaign) == expected
    transactional = await shop.campaign([segment], class_=CampaignClass.TRANSACTIONAL)
    await shop.snapshot(transactional)
    allowed = dict.fromkeys(["out", "pending", "never"], "QUEUED")
    assert await shop.ledger(transactional) == expected | allowed


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_chunks_give_what_one_statement_gives_also_when_repeated(shop: Shop, size: int) -> None:
    *ids, c1, c6 = await shop.customers([*(f"c{i}" for i in range(7)), "C1", "C6"])
    twins = [c1, c6]
    segments = [await shop.segment([*ids[:5], *twins]), await shop.segment(ids[3:])]
    out = await shop.segment([ids[2]])
    campaign = await shop.campaign(segments, [out])
    expected = {**{f"c{i}": "QUEUED" for i in (0, 1, 3, 4, 5, 6)}, **dict.fromkeys(["C1", "C6"], "DUPLICATE_ADDRESS")}
    await shop.snapshot(campaign, size)
    assert await shop.ledger(campaign) == expected
    await shop.snapshot(campaign, size)
    assert await shop.ledger(campaign) == expected


async def test_a_brand_reaches_its_own_customers_and_the_default_brand_those_of_none(shop: Shop) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        other = await add_brand(tx, name="Other", slug="other")
    members = [
        *await shop.customers(["default"], brand=shop.brand),
        *await shop.customers(["other"], brand=other),
        *await shop.customers(["nobody's"]),
    ]
    segment = await shop.segment(members)
    mine, theirs = await shop.campaign([segment]), await shop.campaign([segment], brand=other)
    await shop.snapshot(mine)
    await shop.snapshot(theirs)
    assert await shop.ledger(mine) == {"default": "QUEUED", "nobody's": "QUEUED"}
    assert await shop.ledger(theirs) == {"other": "QUEUED"}


async def test_the_snapshot_is_one_moment_although_it_is_taken_in_chunks(shop: Shop) -> None:
    ids = await shop.customers(["a", "b", "c", "d"])
    segment = await shop.segment([ids[0], ids[1], ids[3]])
    campaign = await shop.find(await shop.campaign([segment]))
    async with shop.database.tenant(shop.organization) as tx:
        await audience.freeze(tx)
        now = datetime.now(UTC)
        after = await audience.take_chunk(tx, campaign, shop.key, after=audience.FIRST, at=now, size=1)
        await shop.rows(
            "delete from segment_membership where organization_id = :organization and customer_id = any(:ids)",
            ids=[ids[3]],
        )
        await shop.rows(
            "insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, "
            "segment_version) values (:organization, :segment, :id, 'MANUAL', now(), 1)",
            segment=segment,
            id=ids[2],
        )
        while after is not None:
            after = await audience.take_chunk(tx, campaign, shop.key, after=after, at=now, size=1)
    assert await shop.ledger(campaign.id) == {"a": "QUEUED", "b": "QUEUED", "d": "QUEUED"}
    async with shop.database.tenant(shop.organization) as tx:
        assert await audience.is_taken(tx, campaign.id)


async def test_two_snapshots_at_once_enter_everybody_once(shop: Shop) -> None:
    names = [f"c{i}" for i in range(50)]
    campaign = await shop.campaign([await shop.segment(await shop.customers(names))])
    await asyncio.gather(*(shop.snapshot(campaign, 10) for _ in range(4)))
    assert await shop.ledger(campaign) == dict.fromkeys(names, "QUEUED")
    assert (
        len(
            await shop.rows("select from job where organization_id = :organization and kind = :k", k=campaigns.SEND_JOB)
        )
        == 1
    )


async def test_an_audience_nobody_is_in_is_fixed_too(shop: Shop) -> None:
    campaign = await shop.started([await shop.segment([])])
    assert (await shop.find(campaign)).audience_size == 0


async def test_the_hash_of_sql_is_the_hash_of_python(shop: Shop) -> None:
    for address in ("ann@example.org", "zoë@example.org", "x" * 200):
        async with shop.database.tenant(shop.organization) as tx:
            there = await tx.value(sql("select :hash", hash=hash_of(shop.key, f"'{address}'")))
        assert there == shop.key.hash(address)


async def test_another_organization_sees_nothing_of_it(shop: Shop, database: Database) -> None:
    campaign = await shop.started([await shop.segment(await shop.customers(["a"]))])
    async with database.tenant(new_id()) as tx:
        assert await campaigns.find_campaign(tx, campaign) is None
        assert not await audience.is_taken(tx, campaign)
        assert not await campaigns.move(tx, campaign, PAUSE)
    assert (await shop.find(campaign)).status == "RUNNING"
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await shop.rows(
            "insert into message (organization_id, id, campaign_id, customer_id, channel) "
            "values (:organization, uuid7(), :id, uuid7(), 'EMAIL')",
            id=campaign,
        )
