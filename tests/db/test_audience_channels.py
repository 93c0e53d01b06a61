"""Audiences on several channels, by a condition, and at each customer's local time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db import audience, campaigns
from db.campaigns import Draft
from db.database import Database
from db.templates import create_template
from domain.campaigns import Audience, ChannelContent, ChannelStrategy
from domain.conditions import parse
from domain.consents import Channel
from domain.ids import new_id
from domain.messages import DeliveryPolicy
from domain.starts import PastPolicy, Start
from domain.templates import Content
from tests.campaigns import Shop, open_shop


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def drafted(shop: Shop, of: Audience) -> UUID:
    campaign, short = new_id(), new_id()
    async with shop.database.tenant(shop.organization) as tx:
        content = Content("", text="Hello")
        await create_template(
            tx, short, brand_id=shop.brand, name=f"Short {short}", channel=Channel.SMS, content=content, actor="test"
        )
        contents = tuple(ChannelContent(c, {Channel.EMAIL: shop.template}.get(c, short)) for c in of.channels)
        await campaigns.create_campaign(
            tx, campaign, Draft("Both", None, contents[0].template_id, of, DeliveryPolicy.HOLD, contents)
        )
    return campaign


async def ledger(shop: Shop, campaign: UUID) -> set[tuple[Any, ...]]:
    rows = await shop.rows(
        "select c.name, m.channel, coalesce(m.skip_reason, m.status) from message m join customer c "
        "on c.organization_id = :organization and c.id = m.customer_id where m.campaign_id = :id",
        id=campaign,
    )
    assert len(rows) == len(set(map(tuple, rows)))
    return set(map(tuple, rows))


EXPECTED = {
    ChannelStrategy.FIRST_AVAILABLE: {
        ("both", "SMS", "QUEUED"),
        ("mail", "EMAIL", "QUEUED"),
        ("neither", "SMS", "NO_ADDRESS"),
        ("no texts", "EMAIL", "QUEUED"),
        ("prefers mail", "SMS", "QUEUED"),
    },
    ChannelStrategy.PREFERRED: {
        ("both", "SMS", "QUEUED"),
        ("mail", "EMAIL", "QUEUED"),
        ("neither", "SMS", "NO_ADDRESS"),
        ("no texts", "EMAIL", "QUEUED"),
        ("prefers mail", "EMAIL", "QUEUED"),
    },
    ChannelStrategy.ALL: {
        ("both", "SMS", "QUEUED"),
        ("both", "EMAIL", "QUEUED"),
        ("mail", "SMS", "NO_ADDRESS"),
        ("mail", "EMAIL", "QUEUED"),
        ("neither", "SMS", "NO_ADDRESS"),
        ("neither", "EMAIL", "NO_ADDRESS"),
        ("no texts", "SMS", "UNSUBSCRIBED"),
        ("no texts", "EMAIL", "QUEUED"),
        ("prefers mail", "SMS", "QUEUED"),
        ("prefers mail", "EMAIL", "QUEUED"),
    },
}


@pytest.mark.parametrize("strategy", list(ChannelStrategy))
async def test_each_strategy_reaches_whom_it_should_where_it_should(shop: Shop, strategy: ChannelStrategy) -> None:
    names = ["both", "mail", "neither", "no texts", "prefers mail"]
    ids = dict(zip(names, await shop.customers(names), strict=True))
    await shop.rows(
        "update customer set phone = '+4930' || right(id::text, 8), email = case when name <> 'neither' then email end "
        "where organization_id = :organization"
    )
    await shop.rows(
        "update customer set phone = null where organization_id = :organization and name in ('mail', 'neither')"
    )
    await shop.rows(
        "insert into consent (organization_id, customer_id, brand_id, channel, topic, state) "
        "values (:organization, :id, :brand, 'SMS', 'marketing', 'UNSUBSCRIBED')",
        id=ids["no texts"],
        brand=shop.brand,
    )
    for name in ("prefers mail", "neither"):
        await shop.rows(
            "insert into contact_preference (organization_id, customer_id, preferred_channel) "
            "values (:organization, :id, 'EMAIL')",
            id=ids[name],
        )
    segment = await shop.segment(ids.values())
    of = Audience(shop.brand, (segment,), channel=Channel.SMS, more_channels=(Channel.EMAIL,), strategy=strategy)
    expected = EXPECTED[strategy]
    if strategy is ChannelStrategy.PREFERRED:
        expected = expected - {("neither", "SMS", "NO_ADDRESS")} | {("neither", "EMAIL", "NO_ADDRESS")}
    campaign = await drafted(shop, of)
    await shop.snapshot(campaign, 2)
    assert await ledger(shop, campaign) == expected
    async with shop.database.tenant(shop.organization) as tx:
        told = await audience.preview(tx, of, shop.key, datetime.now(UTC))
    assert told.reachable == sum(status == "QUEUED" for _, _, status in expected)
    assert sum(told.skipped.values()) == len(expected) - told.reachable


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_a_condition_adds_whom_it_matches_and_segments_are_remembered(shop: Shop, size: int) -> None:
    names = ["Berlin 1", "Berlin 2", "Berlin 3", "Paris", "Rome"]
    ids = await shop.customers(names, emails=[f"{name[:1]}{n}@x.example" for n, name in enumerate(names)])
    await shop.rows("update customer set city = split_part(name, ' ', 1) where organization_id = :organization")
    one, two = await shop.segment([ids[0], ids[3]]), await shop.segment([ids[0], ids[1]])
    out = await shop.segment([ids[1]])
    condition = parse({"text": {"field": "city", "is": {"eq": "Berlin"}}})
    campaign = await drafted(shop, Audience(shop.brand, (one, two), (out,), condition=condition))
    await shop.snapshot(campaign, size)
    assert await ledger(shop, campaign) == {(name, "EMAIL", "QUEUED") for name in ("Berlin 1", "Berlin 3", "Paris")}
    rows = await shop.rows("select customer_id, segment_ids from message where campaign_id = :id", id=campaign)
    assert {row[0]: row[1] for row in rows} == {ids[0]: sorted([one, two]), ids[2]: None, ids[3]: [one]}


@pytest.mark.parametrize("policy", list(PastPolicy))
async def test_each_customer_has_a_time_of_their_own(shop: Shop, policy: PastPolicy) -> None:
    zones = {"Tokyo": "Asia/Tokyo", "Berlin": "Europe/Berlin", "Denver": "America/Denver", "home": None}
    ids = await shop.customers(list(zones))
    for identity, zone in zip(ids, zones.values(), strict=True):
        await shop.rows("update customer set timezone = :zone where id = :id", id=identity, zone=zone)
    campaign = await shop.campaign([await shop.segment(ids)])
    # Noon in UTC, the organization's zone: 21:00 in Tokyo, 14:00 in Berlin, 06:00 in Denver.
    now = datetime(2027, 7, 1, 12, tzinfo=UTC)
    async with shop.database.tenant(shop.organization) as tx:
        await campaigns.schedule(
            tx, campaign, Start(local=datetime.fromisoformat("2027-07-01T13:30"), past_policy=policy)
        )
        found = await campaigns.find_campaign(tx, campaign)
        assert found is not None
        await audience.take_chunk(tx, found, shop.key, after=audience.FIRST, at=now)
    rows = await shop.rows(
        "select c.name, m.next_attempt_at, m.skip_reason from message m join customer c "
        "on c.organization_id = :organization and c.id = m.customer_id where m.campaign_id = :id",
        id=campaign,
    )
    day = timedelta(days=1)
    past: dict[PastPolicy, tuple[datetime | None, datetime | None, str | None]] = {
        PastPolicy.SEND_NOW: (None, None, None),
        PastPolicy.NEXT_DAY: (now - timedelta(hours=7.5) + day, now - timedelta(hours=0.5) + day, None),
        PastPolicy.SKIP: (None, None, "PAST_LOCAL_TIME"),
    }
    tokyo, berlin, reason = past[policy]
    assert {name: (at, why) for name, at, why in rows} == {
        "Tokyo": (tokyo, reason),
        "Berlin": (berlin, reason),
        "Denver": (now + timedelta(hours=7.5), None),
        "home": (now + timedelta(hours=1.5), None),
    }
