"""Experiments through GraphQL: variants are said, compared, decided by hand; what is refused changes nothing."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.campaigns import CANCEL
from resolvers.ids import row_id
from tests.api import Api
from tests.campaigns import SECRET, Shop, open_shop
from tests.experiments import came_back
from tests.jobs import drain, wait
from tests.mail import MailServer, mail_server
from tests.schema.campaigns import answer, draft, gid, moving, refused
from tests.workers.sending import begin, do
from workers.delivery import deliver_by_smtp

READ = """
query ($id: ID!) { campaign(id: $id) { version status
  tally { audience pending sent skipped } skips { reason number }
  contents { channel template { name } }
  variants { number name weight isControl contents { channel templateVersion template { name } } }
  experiment { mode metric fallback holdoutShare testShare waitHours evaluateAt winner concludedAt concludedBy
    awaitsDecision
    outcome { leader sampleRatioWarning
      arms { variant recipients rate lift interval { low high } pValue adjustedPValue isSignificant }
      holdout { held written heldRate writtenRate lift interval { low high } pValue } } } } }
"""
UPDATE = """
mutation ($input: CampaignUpdateInput!) {
  campaignUpdate(input: $input) { campaign { id } userErrors { code field message } }
}
"""
CREATE = """
mutation ($input: CampaignCreateInput!) {
  campaignCreate(input: $input) { campaign { id } userErrors { code field message } }
}
"""
CONCLUDE = """
mutation ($input: ExperimentConcludeInput!) {
  experimentConclude(input: $input) { campaign { id } userErrors { code field message } }
}
"""
TEST = {"mode": "TEST_THEN_WINNER", "testShare": 0.5, "waitHours": 4, "metric": "CLICKS", "fallback": "MANUAL"}


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        deliver_by_smtp(running.url, SECRET)
        yield running


def variants(shop: Shop, *weights: int) -> list[dict[str, Any]]:
    contents = [{"channel": "EMAIL", "templateId": gid("Template", shop.template)}]
    return [{"name": chr(65 + n), "weight": weight, "contents": contents} for n, weight in enumerate(weights)]


async def made(api: Api, shop: Shop, names: list[str], **said: Any) -> str:
    segment = await shop.segment(await shop.customers(names))
    given = {"templateId": None, "variants": variants(shop, 1, 1), **said}
    found: str = (await draft(api, shop, segment, **given))["id"]
    return found


async def read(api: Api, campaign: str) -> dict[str, Any]:
    answered = await api(READ, id=campaign)
    assert "errors" not in answered, answered
    found: dict[str, Any] = answered["data"]["campaign"]
    return found


async def test_variants_and_experiment_are_said_changed_and_taken_back(api: Api, shop: Shop) -> None:
    campaign = await made(api, shop, [], experiment={**TEST, "holdoutShare": 0.1})
    found = await read(api, campaign)
    contents = [{"channel": "EMAIL", "templateVersion": 1, "template": {"name": "Hello"}}]
    assert found["variants"] == [
        {"number": 1, "name": "A", "weight": 1, "isControl": False, "contents": contents},
        {"number": 2, "name": "B", "weight": 1, "isControl": False, "contents": contents},
    ]
    experiment = found["experiment"]
    assert experiment.pop("outcome")["arms"][1] == {
        "variant": 2,
        "recipients": 0,
        "rate": 0.0,
        "lift": None,
        "interval": None,
        "pValue": None,
        "adjustedPValue": None,
        "isSignificant": False,
    }
    nothing = {"evaluateAt": None, "winner": None, "concludedAt": None, "concludedBy": None, "awaitsDecision": False}
    assert experiment == {**TEST, "holdoutShare": 0.1, **nothing}

    three = [*variants(shop, 3, 4), {**variants(shop, 5)[0], "name": "C", "isControl": True}]
    assert (await answer(api, UPDATE, campaignId=campaign, variants=three))["userErrors"] == []
    found = await read(api, campaign)
    assert [(v["name"], v["weight"], v["isControl"]) for v in found["variants"]] == [
        ("A", 3, False),
        ("B", 4, False),
        ("C", 5, True),
    ]
    assert found["experiment"]["mode"] == "TEST_THEN_WINNER", "what is left out stays"
    one = await answer(api, UPDATE, campaignId=campaign, variants=variants(shop, 1), experiment=None)
    assert one["userErrors"] == []
    found = await read(api, campaign)
    assert (len(found["variants"]), found["experiment"]) == (1, None)


async def test_two_variants_are_a_split_unless_something_else_is_said(api: Api, shop: Shop) -> None:
    found = await read(api, await made(api, shop, []))
    assert (found["experiment"]["mode"], found["experiment"]["testShare"]) == ("SPLIT", 1.0)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"variants": 9}, ("TOO_MANY", "variants")),
        ({"variants": 0}, ("TOO_MANY", "variants")),
        ({"weights": (0, 0)}, ("INVALID", "variants")),
        ({"weights": (1, -1)}, ("INVALID", "variants.1.weight")),
        ({"experiment": {"holdoutShare": 0.6}}, ("INVALID", "experiment.holdoutShare")),
        ({"experiment": {**TEST, "testShare": 1.0}}, ("INVALID", "experiment.testShare")),
        ({"experiment": {**TEST, "waitHours": None}}, ("INVALID", "experiment.waitHours")),
        ({"experiment": {**TEST, "waitHours": 2**31 - 1}}, ("INVALID", "experiment.waitHours")),
        ({"experiment": TEST, "weights": (1, 0)}, ("INVALID", "variants")),
        ({"template": True}, ("INVALID", "variants")),
    ],
)
async def test_what_is_no_experiment(api: Api, shop: Shop, said: dict[str, Any], field: tuple[str, str]) -> None:
    given = {
        "brandId": gid("Brand", shop.brand),
        "name": "Spring",
        "includeSegmentIds": [gid("Segment", await shop.segment([]))],
        "variants": variants(shop, *said.get("weights", (1,) * said.get("variants", 2))),
    }
    if "experiment" in said:
        given["experiment"] = said["experiment"]
    if "template" in said:
        given["templateId"] = gid("Template", shop.template)
    expected = [("INVALID", "contents")] if said.get("variants") == 0 else [field]
    assert await refused(api, CREATE, **given) == expected
    assert await shop.rows("select from campaign where organization_id = :organization") == []


async def test_names_and_templates_of_variants(api: Api, shop: Shop) -> None:
    campaign = await made(api, shop, [])
    twice = [variants(shop, 1)[0], variants(shop, 1)[0]]
    assert await refused(api, UPDATE, campaignId=campaign, variants=twice) == [("INVALID", "variants")]
    unknown = variants(shop, 1, 1)
    unknown[1]["contents"] = [{"channel": "EMAIL", "templateId": gid("Template", shop.brand)}]
    place = "variants.1.contents.0.templateId"
    assert await refused(api, UPDATE, campaignId=campaign, variants=unknown) == [("NOT_FOUND", place)]
    other = variants(shop, 1, 1)
    other[1]["contents"] = [{"channel": "SMS", "templateId": gid("Template", shop.template)}]
    assert await refused(api, UPDATE, campaignId=campaign, variants=other) == [("INVALID", "variants.1.contents")]


async def test_a_person_decides_when_nobody_wins(
    api: Api, shop: Shop, database: Database, organization: UUID, server: MailServer
) -> None:
    campaign = await made(api, shop, [f"c{n:02}" for n in range(60)], experiment={**TEST, "holdoutShare": 0.2})
    campaign_id = row_id(campaign, "Campaign")
    assert await refused(api, CONCLUDE, campaignId=campaign, winner=2) == [("WRONG_STATUS", "campaignId")]
    await begin(shop, campaign_id)
    await drain(database, organization)
    waiting = await read(api, campaign)
    assert waiting["status"] == "RUNNING"
    assert waiting["experiment"]["evaluateAt"] is not None
    assert waiting["tally"]["pending"] > 0
    assert [skip["reason"] for skip in waiting["skips"]] == ["HOLDOUT"]
    await came_back(shop, campaign_id, 2, "clicked_at", 3)
    await wait(database, organization)
    await drain(database, organization)
    undecided = await read(api, campaign)
    assert (undecided["status"], undecided["experiment"]["awaitsDecision"]) == ("RUNNING", True)
    arms = undecided["experiment"]["outcome"]["arms"]
    assert [round(arm["rate"] * arm["recipients"]) for arm in arms] == [0, 3]
    holdout = undecided["experiment"]["outcome"]["holdout"]
    assert (holdout["held"], holdout["written"]) == (undecided["tally"]["skipped"], undecided["tally"]["sent"])
    listed = "query { campaigns(where: {awaitsDecision: true}) { nodes { id } } }"
    assert (await api(listed))["data"]["campaigns"]["nodes"] == [{"id": campaign}]

    assert await refused(api, CONCLUDE, campaignId=campaign, winner=3) == [("NOT_FOUND", "winner")]
    stale = await refused(api, CONCLUDE, campaignId=campaign, winner=2, expectedVersion=undecided["version"] - 1)
    assert stale == [("STALE", "expectedVersion")]
    given = {"campaignId": campaign, "winner": 2, "expectedVersion": undecided["version"]}
    assert (await answer(api, CONCLUDE, **given))["userErrors"] == []
    assert await refused(api, CONCLUDE, campaignId=campaign, winner=1) == [("ALREADY_CONCLUDED", "campaignId")]
    rest = await shop.rows(
        "select id from message where organization_id = :organization and variant is null and status = 'QUEUED'"
    )
    await drain(database, organization)
    released = await shop.rows(
        "select from message where organization_id = :organization and id = any(:ids::uuid[]) "
        "and variant = 2 and status = 'SENT'",
        ids=[row[0] for row in rest],
    )
    assert len(released) == len(rest) == waiting["tally"]["pending"]
    decided = await read(api, campaign)
    assert (decided["status"], decided["tally"]["sent"]) == ("COMPLETED", sum(server.count.values()))
    assert (decided["experiment"]["winner"], decided["experiment"]["awaitsDecision"]) == (2, False)
    assert decided["experiment"]["concludedBy"] not in (None, "system")
    assert decided["experiment"]["outcome"]["arms"] == arms, "figures are those of the decision"
    assert (await api(listed))["data"]["campaigns"]["nodes"] == []


async def test_a_cancelled_experiment_is_not_decided(
    api: Api, shop: Shop, database: Database, organization: UUID
) -> None:
    campaign = await made(api, shop, [f"c{n:02}" for n in range(20)], experiment=TEST)
    campaign_id = row_id(campaign, "Campaign")
    await begin(shop, campaign_id)
    await drain(database, organization)
    await do(shop, campaign_id, CANCEL)
    await drain(database, organization)
    await wait(database, organization)
    await drain(database, organization)
    found = await read(api, campaign)
    assert (found["status"], found["tally"]["pending"]) == ("CANCELLED", 0)
    assert found["experiment"]["concludedAt"] is None
    assert await refused(api, CONCLUDE, campaignId=campaign, winner=1) == [("WRONG_STATUS", "campaignId")]
    assert {skip["reason"] for skip in found["skips"]} == {"CAMPAIGN_CANCELLED"}
    assert await refused(api, moving("Resume"), campaignId=campaign) == [("WRONG_STATUS", "campaignId")]
