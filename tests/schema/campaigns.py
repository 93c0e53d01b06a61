"""Mutations and their payloads, for tests of campaigns and what belongs to them."""

from typing import Any
from uuid import UUID

from resolvers.ids import global_id
from tests.api import Api
from tests.campaigns import Shop

CAMPAIGN = """
fragment C on Campaign {
  id name description status class channel topic deliveryPolicy audienceSize error version
  brand { name } template { name } tally { audience pending sent failed uncertain skipped } skips { reason number }
}
"""
CREATE = f"""
mutation ($input: CampaignCreateInput!) {{
  campaignCreate(input: $input) {{ campaign {{ ...C }} userErrors {{ code field message }} }}
}} {CAMPAIGN}
"""
READ = f"query ($id: ID!) {{ campaign(id: $id) {{ ...C }} }} {CAMPAIGN}"
LOG = """
query ($where: MessageWhereInput, $first: Int, $after: String) {
  messages(where: $where, first: $first, after: $after) {
    nodes { id status skipReason address attempts customer { name } campaign { name } }
    pageInfo { hasNextPage endCursor } totalCount { value }
  }
}
"""


def moving(name: str) -> str:
    noun = f"campaign{name}"
    return f"""
    mutation ($input: Campaign{name}Input!) {{
      {noun}(input: $input) {{ campaign {{ ...C }} userErrors {{ code field message }} }}
    }} {CAMPAIGN}
    """


async def answer(api: Api, document: str, /, **input: Any) -> dict[str, Any]:
    """The payload of a mutation."""
    answered = await api(document, input=input)
    assert "errors" not in answered, answered
    [payload] = answered["data"].values()
    found: dict[str, Any] = payload
    return found


async def refused(api: Api, document: str, /, **input: Any) -> list[tuple[str, str]]:
    """Code and last word of the path of each user error; the object is null then."""
    payload = await answer(api, document, **input)
    assert [value for name, value in payload.items() if name != "userErrors"] == [None]
    assert all(error["field"][0] == "input" and error["message"] for error in payload["userErrors"])
    return [(error["code"], ".".join(error["field"][1:])) for error in payload["userErrors"]]


def gid(type_name: str, identifier: UUID) -> str:
    return global_id(type_name, identifier)


async def draft(api: Api, shop: Shop, segment: UUID, **said: Any) -> dict[str, Any]:
    given = {
        "brandId": gid("Brand", shop.brand),
        "name": "Spring",
        "templateId": gid("Template", shop.template),
        "includeSegmentIds": [gid("Segment", segment)],
        **said,
    }
    payload = await answer(api, CREATE, **given)
    assert payload["userErrors"] == []
    found: dict[str, Any] = payload["campaign"]
    return found
