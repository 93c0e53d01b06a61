"""Copies of campaigns, those for customers who were not reached, and campaigns that are put away."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from resolvers.ids import row_id
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.schema.campaigns import answer, draft, gid, refused
from tests.workers.sending import begin

FIELDS = """
campaign { id name description status class topic deliveryPolicy version archivedAt startedAt
  includeSegments { id } excludeSegments { id } resendOf { id }
  variants { name weight isControl contents { channel template { id } } }
  experiment { mode metric fallback holdoutShare testShare waitHours } }
userErrors { code field message }
"""


def mutation(name: str) -> str:
    noun = f"campaign{name}"
    return f"mutation ($input: Campaign{name}Input!) {{ {noun}(input: $input) {{ {FIELDS} }} }}"


READ = f"query ($id: ID!) {{ {FIELDS.replace('campaign {', 'campaign(id: $id) {').split('userErrors')[0]} }}"
NAMES = "query ($where: CampaignWhereInput) { campaigns(where: $where) { nodes { name } } }"


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def test_a_duplicate_says_everything_again(api: Api, shop: Shop) -> None:
    contents = [{"channel": "EMAIL", "templateId": gid("Template", shop.template)}]
    made = await draft(
        api,
        shop,
        await shop.segment([]),
        description="For spring",
        topic="news",
        deliveryPolicy="RETRY",
        excludeSegmentIds=[gid("Segment", await shop.segment([]))],
        templateId=None,
        variants=[{"name": "A", "contents": contents}, {"name": "B", "contents": contents, "isControl": True}],
        experiment={"mode": "TEST_THEN_WINNER", "testShare": 0.25, "waitHours": 2, "fallback": "KEEP_CONTROL"},
    )
    await begin(shop, row_id(made["id"], "Campaign"))
    first = (await api(READ, id=made["id"]))["data"]["campaign"]
    copied = (await answer(api, mutation("Duplicate"), campaignId=made["id"], name="Summer"))["campaign"]
    anew = {"id": copied["id"], "name": "Summer", "status": "DRAFT", "version": 1, "startedAt": None}
    assert copied == first | anew
    salts = await shop.rows("select salt from experiment where organization_id = :organization")
    assert len({row[0] for row in salts}) == 2, "customers are assigned anew"


async def fate(shop: Shop, campaign: UUID, name: str, **said: Any) -> None:
    changes = ", ".join(f"{column} = :{column}" for column in said)
    changed = await shop.rows(
        f"update message m set {changes} from customer c where m.organization_id = :organization "
        "and m.campaign_id = :campaign and c.organization_id = :organization and c.id = m.customer_id "
        "and c.name = :name returning 1",
        campaign=campaign,
        name=name,
        **said,
    )
    assert len(changed) == 1


@pytest.mark.parametrize(
    ("to", "names"),
    [
        (["FAILED"], ["failed"]),
        (["SOFT_BOUNCED"], ["soft"]),
        (["NOT_OPENED"], ["sent", "delivered"]),
        (["FAILED", "SOFT_BOUNCED", "NOT_OPENED"], ["delivered", "failed", "sent", "soft"]),
    ],
)
async def test_only_those_not_reached_get_it_once_more(api: Api, shop: Shop, to: list[str], names: list[str]) -> None:
    everybody = ["failed", "soft", "hard", "sent", "delivered", "opened", "unsure", "skipped"]
    campaign = await shop.started([await shop.segment(await shop.customers(everybody))])
    statuses = {"soft": "BOUNCED", "hard": "BOUNCED", "unsure": "UNCERTAIN"}
    for name in everybody[:-1]:
        await fate(shop, campaign, name, status=statuses.get(name, name.upper()))
    await fate(shop, campaign, "soft", bounce_kind="SOFT")
    await fate(shop, campaign, "hard", bounce_kind="HARD")
    await fate(shop, campaign, "skipped", status="SKIPPED", skip_reason="UNSUBSCRIBED")
    await shop.rows(
        "update message set opened_at = clock_timestamp() "
        "where organization_id = :organization and status = 'OPENED' returning 1"
    )
    given = {"campaignId": gid("Campaign", campaign), "to": to}
    assert await refused(api, mutation("Resend"), **given) == [("WRONG_STATUS", "campaignId")]
    await shop.rows(
        "update campaign set status = 'COMPLETED' where organization_id = :organization and id = :id returning 1",
        id=campaign,
    )
    again = (await answer(api, mutation("Resend"), **given))["campaign"]
    assert (again["status"], again["resendOf"], again["experiment"]) == (
        "DRAFT",
        {"id": gid("Campaign", campaign)},
        None,
    )
    changed = await answer(api, mutation("Update"), campaignId=again["id"], name="Once more")
    assert changed["userErrors"] == [], "a list of recipients is an audience"
    again_id = row_id(again["id"], "Campaign")
    await begin(shop, again_id)
    await shop.snapshot(again_id, size=2)
    assert sorted(await shop.ledger(again_id)) == sorted(names)


async def test_nobody_is_left_to_be_reached(api: Api, shop: Shop) -> None:
    campaign = await shop.started([await shop.segment([])])
    await shop.rows(
        "update campaign set status = 'COMPLETED' where organization_id = :organization and id = :id returning 1",
        id=campaign,
    )
    given = {"campaignId": gid("Campaign", campaign), "to": ["FAILED"]}
    assert await refused(api, mutation("Resend"), **given) == [("EMPTY_AUDIENCE", "to")]
    assert len(await shop.rows("select from campaign where organization_id = :organization")) == 1


async def test_what_is_put_away_is_listed_only_when_asked(api: Api, shop: Shop) -> None:
    made = await draft(api, shop, await shop.segment([]))
    away = (await answer(api, mutation("Archive"), campaignId=made["id"]))["campaign"]
    assert (away["archivedAt"] is not None, away["version"]) == (True, 2)
    assert (await answer(api, mutation("Archive"), campaignId=made["id"]))["campaign"] == away
    for where, names in (({}, []), ({"archived": True}, ["Spring"]), ({"archived": None}, ["Spring"])):
        assert [n["name"] for n in (await api(NAMES, where=where))["data"]["campaigns"]["nodes"]] == names
    for name, when in (("Send", {}), ("Schedule", {"localTime": "2200-01-01T09:00"})):
        given = {"campaignId": made["id"]} | when
        assert await refused(api, mutation(name), **given) == [("WRONG_STATUS", "campaignId")], "nobody would see it"
    back = (await answer(api, mutation("Unarchive"), campaignId=made["id"]))["campaign"]
    assert back["archivedAt"] is None
    await begin(shop, row_id(made["id"], "Campaign"))
    assert await refused(api, mutation("Archive"), campaignId=made["id"]) == [("WRONG_STATUS", "campaignId")]
    unknown = gid("Campaign", shop.brand)
    for name, said in (("Duplicate", {}), ("Resend", {"to": ["FAILED"]}), ("Archive", {}), ("Unarchive", {})):
        assert await refused(api, mutation(name), campaignId=unknown, **said) == [("NOT_FOUND", "campaignId")]
