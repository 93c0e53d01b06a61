"""Campaigns through GraphQL: drafts, sending and stopping; what is refused changes nothing."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.organizations import add_brand
from domain.ids import new_id
from resolvers.ids import NOBODY
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.schema.campaigns import CAMPAIGN, CREATE, LOG, READ, answer, draft, gid, moving, refused

UPDATE = f"""
mutation ($input: CampaignUpdateInput!) {{
  campaignUpdate(input: $input) {{ campaign {{ ...C }} userErrors {{ code field message }} }}
}} {CAMPAIGN}
"""
DELETE = """
mutation ($input: CampaignDeleteInput!) {
  campaignDelete(input: $input) { deletedId userErrors { code field message } }
}
"""
RESOLVE = "mutation ($input: MessageResolveInput!) { messageResolve(input: $input) { userErrors { code } } }"
RENAME = "mutation ($input: TemplateUpdateInput!) { templateUpdate(input: $input) { userErrors { code } } }"
PREVIEW = """
query ($of: CampaignAudienceInput!) {
  campaignAudiencePreview(of: $of) { audience reachable skipped { reason number } }
}
"""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def test_a_draft_is_made_changed_and_deleted(api: Api, shop: Shop) -> None:
    one, two = await shop.segment([]), await shop.segment([])
    made = await draft(api, shop, one, description="For spring", **{"class": "TRANSACTIONAL"})
    assert made == {
        "id": made["id"],
        "name": "Spring",
        "description": "For spring",
        "status": "DRAFT",
        "class": "TRANSACTIONAL",
        "channel": "EMAIL",
        "topic": "marketing",
        "deliveryPolicy": "HOLD",
        "audienceSize": None,
        "error": None,
        "version": 1,
        "brand": {"name": "Tea & Co"},
        "template": {"name": "Hello"},
        "skips": [],
        "tally": dict.fromkeys(["audience", "pending", "sent", "failed", "uncertain", "skipped"], 0),
    }
    changed = await answer(
        api,
        UPDATE,
        campaignId=made["id"],
        name="Summer",
        description=None,
        topic="news",
        deliveryPolicy="RETRY",
        excludeSegmentIds=[gid("Segment", two)],
        expectedVersion=1,
    )
    expected = made | {"name": "Summer", "description": None, "topic": "news", "deliveryPolicy": "RETRY", "version": 2}
    assert changed["campaign"] == expected
    segments = "query ($id: ID!) { campaign(id: $id) { includeSegments { id } excludeSegments { id } } }"
    assert (await api(segments, id=made["id"]))["data"]["campaign"] == {
        "includeSegments": [{"id": gid("Segment", one)}],
        "excludeSegments": [{"id": gid("Segment", two)}],
    }
    assert (await answer(api, DELETE, campaignId=made["id"]))["deletedId"] == made["id"]
    assert (await api(READ, id=made["id"]))["data"] == {"campaign": None}


async def test_a_draft_that_is_wrong_is_refused_with_its_field(api: Api, shop: Shop) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        other = await add_brand(tx, name="Other", slug="other")
    segment, inactive = await shop.segment([]), await shop.segment([], state="INACTIVE")
    foreign = await shop.segment([], brand=other)
    fine = {
        "brandId": gid("Brand", shop.brand),
        "name": "Spring",
        "templateId": gid("Template", shop.template),
        "includeSegmentIds": [gid("Segment", segment)],
    }
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"name": "a\nb"}, ("INVALID", "name")),
        ({"topic": "No such Topic"}, ("INVALID", "topic")),
        ({"includeSegmentIds": []}, ("EMPTY_AUDIENCE", "includeSegmentIds")),
        ({"includeSegmentIds": [gid("Segment", segment)] * 51}, ("TOO_MANY", "includeSegmentIds")),
        ({"includeSegmentIds": ["garbage"]}, ("NOT_FOUND", "includeSegmentIds.0")),
        ({"excludeSegmentIds": [gid("Segment", foreign)]}, ("NOT_FOUND", "excludeSegmentIds.0")),
        ({"excludeSegmentIds": [gid("Segment", inactive)]}, ("SEGMENT_NOT_ACTIVE", "excludeSegmentIds.0")),
        ({"templateId": gid("Template", new_id())}, ("NOT_FOUND", "templateId")),
        ({"brandId": gid("Brand", other)}, ("NOT_FOUND", "templateId")),
        ({"brandId": gid("Brand", NOBODY)}, ("NOT_FOUND", "brandId")),
    ]
    for said, expected in wrong:
        assert await refused(api, CREATE, **(fine | said)) == [expected]
    assert await shop.rows("select from campaign") == []
    made = await draft(api, shop, segment)
    for said, expected in wrong:
        if expected[1] not in ("brandId", "templateId") and expected[0] != "EMPTY_AUDIENCE":
            assert await refused(api, UPDATE, campaignId=made["id"], **said) == [expected]
    assert await refused(api, UPDATE, campaignId=made["id"], expectedVersion=2) == [("STALE", "expectedVersion")]
    assert (await api(READ, id=made["id"]))["data"]["campaign"] == made


async def test_sending_twice_is_told_and_sends_once(api: Api, shop: Shop) -> None:
    made = await draft(api, shop, await shop.segment([]))
    sends = await asyncio.gather(*(answer(api, moving("Send"), campaignId=made["id"]) for _ in range(5)))
    codes = [[error["code"] for error in payload["userErrors"]] for payload in sends]
    assert sorted(codes) == [[], *[["ALREADY_SENDING"]] * 4]
    assert (await api(READ, id=made["id"]))["data"]["campaign"]["status"] == "RUNNING"
    assert [tuple(r) for r in await shop.rows("select kind, want from job")] == [("campaigns.snapshot", 1)]


async def test_the_life_of_a_campaign(api: Api, shop: Shop) -> None:
    campaign = (await draft(api, shop, await shop.segment(await shop.customers(["a", "b"]))))["id"]
    steps = [
        ("Pause", None, "DRAFT"),
        ("Resume", None, "DRAFT"),
        ("Cancel", None, "DRAFT"),
        ("Send", "RUNNING", "RUNNING"),
        ("Resume", None, "RUNNING"),
        ("Pause", "PAUSED", "PAUSED"),
        ("Pause", None, "PAUSED"),
        ("Resume", "RUNNING", "RUNNING"),
        ("Cancel", "CANCELLED", "CANCELLED"),
        ("Resume", None, "CANCELLED"),
        ("Send", None, "CANCELLED"),
    ]
    for name, moved, after in steps:
        payload = await answer(api, moving(name), campaignId=campaign)
        assert (payload["campaign"] and payload["campaign"]["status"]) == moved
        assert [error["code"] for error in payload["userErrors"]] == ([] if moved else ["WRONG_STATUS"])
        assert (await api(READ, id=campaign))["data"]["campaign"]["status"] == after
    assert await refused(api, UPDATE, campaignId=campaign, name="x") == [("WRONG_STATUS", "campaignId")]
    assert await refused(api, DELETE, campaignId=campaign) == [("WRONG_STATUS", "campaignId")]


async def test_sending_needs_what_it_needs_at_that_moment(api: Api, shop: Shop) -> None:
    segment = await shop.segment([])
    made = await draft(api, shop, segment)
    send = moving("Send")
    assert await refused(api, send, campaignId=made["id"], expectedVersion=2) == [("STALE", "expectedVersion")]
    await shop.rows("update segment set state = 'INACTIVE' where organization_id = :organization")
    assert await refused(api, send, campaignId=made["id"]) == [("SEGMENT_NOT_ACTIVE", "campaignId")]
    await shop.rows("update segment set state = 'ACTIVE' where organization_id = :organization")
    await shop.rows("update brand set sender_email = null where organization_id = :organization")
    assert await refused(api, send, campaignId=made["id"]) == [("SENDER_MISSING", "campaignId")]
    assert (await api(READ, id=made["id"]))["data"]["campaign"] == made
    assert await shop.rows("select from job") == []


async def test_a_preview_says_whom_a_campaign_would_reach(api: Api, shop: Shop) -> None:
    ids = await shop.customers(["a", "b", "c"])
    await shop.rows("update customer set email = null where organization_id = :organization and name = 'c'")
    segment, out = await shop.segment(ids), await shop.segment(ids[:1])
    of = {"brandId": gid("Brand", shop.brand), "includeSegmentIds": [gid("Segment", segment)]}
    found = await api(PREVIEW, of=of)
    told = {"audience": 3, "reachable": 2, "skipped": [{"reason": "NO_ADDRESS", "number": 1}]}
    assert found["data"]["campaignAudiencePreview"] == told
    found = await api(PREVIEW, of=of | {"excludeSegmentIds": [gid("Segment", out)]})
    assert found["data"]["campaignAudiencePreview"] == told | {"audience": 2, "reachable": 1}
    refused_ = await api(PREVIEW, of=of | {"includeSegmentIds": []})
    assert [error["extensions"]["code"] for error in refused_["errors"]] == ["BAD_USER_INPUT"]
    assert await shop.rows("select from message") == []


async def test_campaigns_are_listed_filtered_and_ordered(api: Api, shop: Shop) -> None:
    segment = await shop.segment([])
    for name in ("Spring sale", "Autumn SALE", "Winter"):
        await draft(api, shop, segment, name=name)
    document = """
    query ($where: CampaignWhereInput, $search: String) {
      campaigns(where: $where, search: $search, orderBy: {field: NAME}) { nodes { name } }
    }
    """

    async def names(**variables: Any) -> list[str]:
        answered = await api(document, **variables)
        return [node["name"] for node in answered["data"]["campaigns"]["nodes"]]

    assert await names() == ["Autumn SALE", "Spring sale", "Winter"]
    assert await names(search="sale") == ["Autumn SALE", "Spring sale"]
    assert await names(where={"status": ["RUNNING"]}) == []
    assert await names(where={"status": ["DRAFT", "RUNNING"]}, search="win") == ["Winter"]
    assert await names(where={"brandId": gid("Brand", new_id())}) == []


async def test_other_organizations_and_other_scopes(api: Api, shop: Shop) -> None:
    campaign = await shop.started([await shop.segment(await shop.customers(["a"]))])
    [row] = await shop.rows("select id from message")
    stranger = new_id()
    ids = [gid("Campaign", campaign), gid("Message", row[0]), gid("Template", shop.template)]
    nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }"
    own = await api(nodes, ids=ids)
    assert [node["__typename"] for node in own["data"]["nodes"]] == ["Campaign", "Message", "Template"]
    assert (await api(nodes, ids=ids, organization=stranger))["data"]["nodes"] == [None] * 3
    assert (await api(LOG, organization=stranger))["data"]["messages"]["nodes"] == []
    for document, given in [
        (moving("Pause"), {"campaignId": ids[0]}),
        (moving("Cancel"), {"campaignId": ids[0]}),
        (DELETE, {"campaignId": ids[0]}),
        (RESOLVE, {"messageId": ids[1], "resolution": "RETRY"}),
        (RENAME, {"templateId": ids[2], "name": "x"}),
    ]:
        [payload] = (await api(document, organization=stranger, input=given))["data"].values()
        assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
        forbidden = await api(document, scopes=frozenset({"campaigns:view"}), input=given)
        assert forbidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await api(LOG, scopes=frozenset({"customers:view"})))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await shop.find(campaign)).status == "RUNNING"


@pytest.mark.parametrize("planner", [True, False])
@pytest.mark.parametrize("size", [1, 30])
async def test_statements_do_not_grow_with_rows(
    api: Api, shop: Shop, statements: list[str], size: int, planner: bool
) -> None:
    segment = await shop.segment(await shop.customers(["a", "b"]))
    for _ in range(30):
        await shop.started([segment])
    document = """
    query ($first: Int) {
      campaigns(first: $first) {
        nodes { name brand { name } template { name } tally { audience pending } skips { reason number }
                messages(first: 1) { nodes { status customer { name messages(first: 2) { nodes { status } } } } } }
      }
    }
    """
    statements.clear()
    read = await api(document, first=size, planner=planner)
    assert [node["tally"] for node in read["data"]["campaigns"]["nodes"]] == [{"audience": 2, "pending": 2}] * size
    assert len(statements) == (1 if planner else 8)
