"""The message log through GraphQL, and the decision about uncertain messages."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.schema.campaigns import LOG, READ, answer, gid, refused

RESOLVE = """
mutation ($input: MessageResolveInput!) {
  messageResolve(input: $input) { message { status error } userErrors { code field message } }
}
"""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def test_the_ledger_is_read_filtered_and_counted(api: Api, shop: Shop) -> None:
    ids = await shop.customers([f"c{i}" for i in range(7)])
    await shop.rows("update customer set email = null where organization_id = :organization and name in ('c5', 'c6')")
    campaign, other = await shop.started([await shop.segment(ids)]), await shop.started([await shop.segment(ids[:1])])
    await shop.rows(
        "update message set status = 'SENT' where organization_id = :organization and customer_id = :id", id=ids[1]
    )
    read = (await api(READ, id=gid("Campaign", campaign)))["data"]["campaign"]
    assert read["tally"] == {"audience": 7, "pending": 4, "sent": 1, "failed": 0, "uncertain": 0, "skipped": 2}
    assert read["skips"] == [{"reason": "NO_ADDRESS", "number": 2}]
    of = {"campaignId": gid("Campaign", campaign)}

    async def names(**where: Any) -> list[str]:
        page = (await api(LOG, where=where))["data"]["messages"]
        assert page["totalCount"]["value"] == len(page["nodes"])
        return sorted(node["customer"]["name"] for node in page["nodes"])

    assert await names(**of) == [f"c{i}" for i in range(7)]
    assert await names(**of, status=["SENT"]) == ["c1"]
    assert await names(**of, status=["SENT", "SKIPPED"]) == ["c1", "c5", "c6"]
    assert await names(skipReason=["NO_ADDRESS"]) == ["c5", "c6"]
    assert await names(customerId=gid("Customer", ids[0])) == ["c0", "c0"]
    assert await names(campaignId="garbage") == []
    assert await names(campaignId=gid("Campaign", other)) == ["c0"]
    seen: list[str] = []
    page: dict[str, Any] = {"pageInfo": {"endCursor": None}}
    for _ in range(4):
        page = (await api(LOG, where=of, first=2, after=page["pageInfo"]["endCursor"]))["data"]["messages"]
        seen += [node["id"] for node in page["nodes"]]
    assert (len(seen), len(set(seen)), page["pageInfo"]["hasNextPage"]) == (7, 7, False)


async def test_an_uncertain_message_is_settled_by_a_person(api: Api, shop: Shop) -> None:
    names = ["sent", "failed", "again", "late"]
    campaign = await shop.started([await shop.segment(await shop.customers(names))])
    await shop.rows("update message set status = 'UNCERTAIN', attempts = 1, lease_token = uuid7()")
    await shop.rows("update campaign set status = 'COMPLETED' where organization_id = :organization")
    rows = await shop.rows("select c.name, m.id from message m join customer c on c.id = m.customer_id")
    ids = {row[0]: gid("Message", row[1]) for row in rows}
    done = {"sent": ("MARK_SENT", "SENT"), "failed": ("MARK_FAILED", "FAILED"), "again": ("RETRY", "QUEUED")}
    for name, (resolution, status) in done.items():
        payload = await answer(api, RESOLVE, messageId=ids[name], resolution=resolution)
        assert payload["message"] == {"status": status, "error": "resolved by key:test"}
        assert await refused(api, RESOLVE, messageId=ids[name], resolution=resolution) == [
            ("NOT_UNCERTAIN", "messageId")
        ]
    assert len(await shop.rows("select from job where kind = 'campaigns.send'")) == 1
    await shop.rows("update campaign set status = 'CANCELLED' where organization_id = :organization")
    assert await refused(api, RESOLVE, messageId=ids["late"], resolution="RETRY") == [("CAMPAIGN_ENDED", "resolution")]
    assert await refused(api, RESOLVE, messageId="x", resolution="RETRY") == [("NOT_FOUND", "messageId")]
    expected = {"sent": "SENT", "failed": "FAILED", "again": "QUEUED", "late": "UNCERTAIN"}
    assert await shop.ledger(campaign) == expected
