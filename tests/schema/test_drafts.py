"""Drafts that say something on several channels, keep hours and caps, and are scheduled, through GraphQL."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.templates import create_template
from domain.consents import Channel
from domain.ids import new_id
from domain.templates import Content
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.schema.campaigns import CREATE, answer, draft, gid, moving, refused

FIELDS = """
  status channel channelStrategy contents { channel template { name } templateVersion }
  quietFrom quietUntil quietPolicy ignoreCaps countsTowardCaps onCap scheduledAt localTime pastPolicy
"""
READ = f"query ($id: ID!) {{ campaign(id: $id) {{ {FIELDS} }} }}"
UPDATE = f"""
mutation ($input: CampaignUpdateInput!) {{
  campaignUpdate(input: $input) {{ campaign {{ {FIELDS} }} userErrors {{ code field }} }}
}}
"""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def sms(shop: Shop) -> UUID:
    template = new_id()
    async with shop.database.tenant(shop.organization) as tx:
        content = Content("", text="Hello")
        await create_template(
            tx, template, brand_id=shop.brand, name="Short", channel=Channel.SMS, content=content, actor="test"
        )
    return template


async def test_it_says_something_on_each_channel(api: Api, shop: Shop) -> None:
    both = [
        {"channel": "SMS", "templateId": gid("Template", await sms(shop))},
        {"channel": "EMAIL", "templateId": gid("Template", shop.template)},
    ]
    made = await draft(
        api,
        shop,
        await shop.segment([]),
        templateId=None,
        contents=both,
        channelStrategy="ALL",
        quietHours={"from": "22:00", "until": "07:30", "policy": "SKIP"},
        onCap="DEFER",
        maxDeferralHours=48,
        countsTowardCaps=False,
    )
    found = (await api(READ, id=made["id"]))["data"]["campaign"]
    assert found == {
        "status": "DRAFT",
        "channel": "SMS",
        "channelStrategy": "ALL",
        "contents": [
            {"channel": "SMS", "template": {"name": "Short"}, "templateVersion": 1},
            {"channel": "EMAIL", "template": {"name": "Hello"}, "templateVersion": 1},
        ],
        "quietFrom": "22:00",
        "quietUntil": "07:30",
        "quietPolicy": "SKIP",
        "ignoreCaps": False,
        "countsTowardCaps": False,
        "onCap": "DEFER",
        "scheduledAt": None,
        "localTime": None,
        "pastPolicy": "SEND_NOW",
    }
    changed = await answer(api, UPDATE, campaignId=made["id"], contents=both[1:], quietHours=None, name="Other")
    assert changed["campaign"] == found | {
        "channel": "EMAIL",
        "contents": found["contents"][1:],
        "quietFrom": None,
        "quietUntil": None,
    }
    kept = await answer(api, UPDATE, campaignId=made["id"], name="Again")
    assert kept["campaign"] == changed["campaign"]


async def test_contents_that_do_not_fit_are_refused(api: Api, shop: Shop) -> None:
    segment, short = await shop.segment([]), await sms(shop)
    fine = {"brandId": gid("Brand", shop.brand), "name": "Spring", "includeSegmentIds": [gid("Segment", segment)]}
    mail = {"channel": "EMAIL", "templateId": gid("Template", shop.template)}
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({}, ("INVALID", "contents")),
        ({"contents": []}, ("INVALID", "contents")),
        ({"contents": [mail, mail]}, ("INVALID", "contents")),
        ({"contents": [mail | {"channel": "SMS"}]}, ("WRONG_CHANNEL", "contents.0.templateId")),
        ({"contents": [mail | {"templateId": gid("Template", short)}]}, ("WRONG_CHANNEL", "contents.0.templateId")),
        ({"templateId": gid("Template", short)}, ("WRONG_CHANNEL", "templateId")),
        ({"contents": [mail], "maxDeferralHours": 73}, ("INVALID", "maxDeferralHours")),
        ({"contents": [mail], "maxDeferralHours": -(2**31)}, ("INVALID", "maxDeferralHours")),
        ({"contents": [mail], "quietHours": {"from": "25:00", "until": "07:00"}}, ("INVALID", "quietHours.from")),
        ({"contents": [mail], "quietHours": {"from": "7:00", "until": "08:00"}}, ("INVALID", "quietHours.from")),
        ({"contents": [mail], "quietHours": {"from": "07:00", "until": "07:00"}}, ("INVALID", "quietHours.until")),
        ({"contents": [mail], "condition": {"all": []}}, ("EMPTY_GROUP", "condition.all")),
        (
            {"contents": [mail], "condition": {"inSegment": gid("Segment", new_id())}},
            ("INVALID_CONDITION", "condition"),
        ),
        ({"contents": [mail], "includeSegmentIds": []}, ("EMPTY_AUDIENCE", "includeSegmentIds")),
    ]
    for said, expected in wrong:
        assert await refused(api, CREATE, **(fine | said)) == [expected]
    assert await shop.rows("select from campaign") == []


async def test_a_draft_waits_for_its_time_or_is_taken_back(api: Api, shop: Shop) -> None:
    made = await draft(api, shop, await shop.segment([]))
    schedule, unschedule = moving("Schedule"), moving("Unschedule")
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({}, ("INVALID", "at")),
        ({"at": past}, ("INVALID", "at")),
        ({"at": "2199-01-01T00:00:00Z"}, ("INVALID", "at")),
        ({"localTime": "2020-01-01T09:00"}, ("INVALID", "localTime")),
        ({"localTime": "2027-02-30T09:00"}, ("INVALID", "localTime")),
        ({"localTime": "tomorrow"}, ("INVALID", "localTime")),
        ({"at": "2199-01-01T00:00:00Z", "localTime": "2027-01-01T09:00"}, ("INVALID", "at")),
    ]
    for said, expected in wrong:
        assert await refused(api, schedule, campaignId=made["id"], **said) == [expected]
    at = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    payload = await answer(api, schedule, campaignId=made["id"], at=at.isoformat())
    assert payload["campaign"]["status"] == "SCHEDULED"
    found = (await api(READ, id=made["id"]))["data"]["campaign"]
    assert datetime.fromisoformat(found["scheduledAt"]) == at
    assert await refused(api, schedule, campaignId=made["id"], at=at.isoformat()) == [("WRONG_STATUS", "campaignId")]
    assert (await answer(api, unschedule, campaignId=made["id"]))["campaign"]["status"] == "DRAFT"
    assert await refused(api, unschedule, campaignId=made["id"]) == [("WRONG_STATUS", "campaignId")]
    local = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT09:00")
    await answer(api, schedule, campaignId=made["id"], localTime=local, pastPolicy="SKIP")
    found = (await api(READ, id=made["id"]))["data"]["campaign"]
    assert (found["localTime"], found["scheduledAt"], found["pastPolicy"]) == (local, None, "SKIP")
    assert (await answer(api, moving("Cancel"), campaignId=made["id"]))["campaign"]["status"] == "CANCELLED"
