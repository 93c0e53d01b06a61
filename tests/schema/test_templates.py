"""Templates through GraphQL: versions, and everything that cannot be rendered is refused with its part."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id
from resolvers.ids import NOBODY
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.schema.campaigns import answer, gid, refused

TEMPLATE_CREATE = """
mutation ($input: TemplateCreateInput!) {
  templateCreate(input: $input) { template { id name subject html text currentVersion version channel brand { name } }
                                  userErrors { code field message } }
}
"""
TEMPLATE_UPDATE = """
mutation ($input: TemplateUpdateInput!) {
  templateUpdate(input: $input) { template { id name subject html text currentVersion version }
                                  userErrors { code field message } }
}
"""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def test_a_template_is_made_and_changed(api: Api, shop: Shop) -> None:
    given = {
        "brandId": gid("Brand", shop.brand),
        "name": " News ",
        "subject": "Hi {{ customer.firstName }}",
        "text": "x",
    }
    made = (await answer(api, TEMPLATE_CREATE, **given))["template"]
    assert made == {
        "id": made["id"],
        "name": "News",
        "subject": "Hi {{ customer.firstName }}",
        "html": None,
        "text": "x",
        "currentVersion": 1,
        "version": 1,
        "channel": "EMAIL",
        "brand": {"name": "Tea & Co"},
    }
    changed = await answer(api, TEMPLATE_UPDATE, templateId=made["id"], html="<p>", text=None, expectedVersion=1)
    assert (changed["template"]["html"], changed["template"]["text"]) == ("<p>", None)
    assert (changed["template"]["currentVersion"], changed["template"]["version"]) == (2, 2)
    renamed = await answer(api, TEMPLATE_UPDATE, templateId=made["id"], name="Old news")
    assert (renamed["template"]["currentVersion"], renamed["template"]["version"]) == (2, 3)
    found = await api('{ templates(search: "NEWS") { nodes { name } totalCount { value } } }')
    assert found["data"]["templates"] == {"nodes": [{"name": "Old news"}], "totalCount": {"value": 1}}


async def test_a_template_that_is_wrong_is_refused_with_its_part(api: Api, shop: Shop) -> None:
    fine = {"brandId": gid("Brand", shop.brand), "name": "News", "subject": "Hi", "text": "x"}
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"name": " "}, ("INVALID", "name")),
        ({"subject": "Hi\r\nBcc: eve@x.example"}, ("INVALID", "subject")),
        ({"text": None}, ("INVALID", "html")),
        ({"html": "{{ customer.password }}"}, ("TEMPLATE_ERROR", "html")),
        ({"text": "{% for %}"}, ("TEMPLATE_ERROR", "text")),
        ({"subject": "{{ 9**9**9 }}"}, ("TEMPLATE_ERROR", "subject")),
        ({"brandId": gid("Brand", new_id())}, ("NOT_FOUND", "brandId")),
        ({"brandId": gid("Template", shop.brand)}, ("NOT_FOUND", "brandId")),
        ({"name": "Hello"}, ("NAME_TAKEN", "name")),
    ]
    for said, expected in wrong:
        assert await refused(api, TEMPLATE_CREATE, **(fine | said)) == [expected]
    own = gid("Template", shop.template)
    assert await refused(api, TEMPLATE_UPDATE, templateId=own, expectedVersion=7) == [("STALE", "expectedVersion")]
    assert await refused(api, TEMPLATE_UPDATE, templateId=own, html=None, text=None) == [("INVALID", "html")]
    assert await refused(api, TEMPLATE_UPDATE, templateId=gid("Template", NOBODY)) == [("NOT_FOUND", "templateId")]
    assert [tuple(r) for r in await shop.rows("select name, version from template")] == [("Hello", 1)]
    assert len(await shop.rows("select from template_version")) == 1
