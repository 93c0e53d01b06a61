"""Templates of every channel through GraphQL: languages, starting points, previews, and what keeps one from going."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.templates import localized_of
from domain.ids import new_id
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.schema.campaigns import answer, draft, gid, refused

CREATE = """
mutation ($input: TemplateCreateInput!) { templateCreate(input: $input) {
  template { id name channel subject html text preheader data currentVersion
             translations { locale subject text preheader data }
             versions { nodes { number subject actor } totalCount { value } } }
  userErrors { code field message } } }
"""
UPDATE = CREATE.replace("Create", "Update").replace("templateCreate", "templateUpdate")
DELETE = """
mutation ($input: TemplateDeleteInput!) { templateDelete(input: $input) {
  deletedId userErrors { code field message } } }
"""
ARCHIVE = """
mutation ($input: TemplateArchiveInput!) { templateArchive(input: $input) {
  template { id archivedAt } userErrors { code field message } } }
"""
PREVIEW = """
query ($template: ID, $draft: TemplateDraftInput, $customer: ID!, $locale: String) {
  templatePreview(templateId: $template, draft: $draft, customerId: $customer, locale: $locale) {
    channel locale subject html text preheader data sms { encoding units segments } warnings { code message part } } }
"""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


def news(shop: Shop, **said: Any) -> dict[str, Any]:
    return {"brandId": gid("Brand", shop.brand), "name": "News", **said}


MESSAGES: dict[str, dict[str, Any]] = {
    "SMS": {"text": "Hi {{ customer.firstName }}"},
    "PUSH": {"subject": "Hi", "text": "There", "data": {"url": "https://tea.example/{{ customer.external_id }}"}},
    "WALLET": {"subject": "Hi", "text": "There"},
    "WEBHOOK": {"data": {"who": "{{ customer.email }}", "list": [1, {"a": "b"}]}},
}


@pytest.mark.parametrize("channel", MESSAGES)
async def test_each_channel_has_parts_of_its_own(api: Api, shop: Shop, channel: str) -> None:
    said = MESSAGES[channel]
    made = (await answer(api, CREATE, **news(shop, channel=channel, **said)))["template"]
    assert made["channel"] == channel
    assert {part: made[part] for part in said} == said
    more = news(shop, channel=channel, name="x") | said
    for wrong in ({"html": "<p>"}, {"preheader": "x"}, {"data": None, "text": None}):
        [(code, _)] = await refused(api, CREATE, **(more | wrong))
        assert code == "INVALID"


async def test_what_is_wrong_with_data_is_refused(api: Api, shop: Shop) -> None:
    for wrong in ({"a": "{{ customer.password }}"}, {"a": ["{% for %}"]}):
        sent = news(shop, channel="WEBHOOK", data=wrong)
        assert await refused(api, CREATE, **sent) == [("TEMPLATE_ERROR", "data")]
    others: list[Any] = [[1], "x", {"__proto__": "x"}, {"a": ["x"] * 51}]
    for other in others:
        [(code, field)] = await refused(api, CREATE, **news(shop, channel="WEBHOOK", data=other))
        assert (code, field.split(".")[0]) == ("INVALID", "data")
    assert await refused(api, CREATE, **news(shop, channel="PUSH", subject="s", text="t", data={"a": 1})) == [
        ("INVALID", "data")
    ]


async def test_languages_are_versioned_with_the_rest(api: Api, shop: Shop) -> None:
    german = {"locale": "DE", "subject": "Hallo {{ customer.name }}", "text": "Neues"}
    made = (await answer(api, CREATE, **news(shop, subject="Hello", text="New", translations=[german])))["template"]
    assert made["translations"] == [german | {"locale": "de", "preheader": None, "data": None}]
    renamed = await answer(api, UPDATE, templateId=made["id"], name="Other")
    assert renamed["template"]["currentVersion"] == 1
    changed = (await answer(api, UPDATE, templateId=made["id"], subject="Hi"))["template"]
    assert (changed["currentVersion"], changed["translations"]) == (2, made["translations"])
    assert changed["versions"] == {
        "nodes": [{"number": n, "subject": s, "actor": "key:test"} for n, s in ((2, "Hi"), (1, "Hello"))],
        "totalCount": {"value": 2},
    }
    gone = (await answer(api, UPDATE, templateId=made["id"], translations=[]))["template"]
    assert (gone["currentVersion"], gone["translations"]) == (3, [])
    async with shop.database.tenant(shop.organization) as tx:
        first = await localized_of(tx, await tx.value("select id from template where name = 'Other'"), 1)
    assert first.spoken("de-AT")[1].subject == german["subject"]


async def test_a_translation_that_is_wrong_is_named(api: Api, shop: Shop) -> None:
    fine = {"locale": "de", "subject": "Hallo", "text": "x"}
    for wrong, expected in [
        ([fine, {**fine, "locale": "DE"}], ("INVALID", "translations.1.locale")),
        ([{**fine, "locale": "not a locale"}], ("INVALID", "translations.0.locale")),
        ([fine, {**fine, "locale": "fr", "text": "{{ customer.nom }}"}], ("TEMPLATE_ERROR", "translations.1.text")),
        ([{"locale": "de", "text": "x"}], ("INVALID", "translations.0.subject")),
    ]:
        sent = news(shop, subject="Hello", text="New", translations=wrong)
        assert await refused(api, CREATE, **sent) == [expected]


async def test_a_template_begins_with_a_starting_point(api: Api, shop: Shop) -> None:
    points = (await api("{ templateStartingPoints { key kind channel subject html text } }"))["data"]
    every = {point["key"]: point for point in points["templateStartingPoints"]}
    brand = gid("Brand", shop.brand)
    for key, point in every.items():
        made = (await answer(api, CREATE, **{"brandId": brand, "from": key}))["template"]
        assert [made[part] for part in ("channel", "subject", "html", "text")] == [
            point[part] for part in ("channel", "subject", "html", "text")
        ]
    mine = (await answer(api, CREATE, **news(shop, subject="Mine", **{"from": "welcome-email"})))["template"]
    assert (mine["subject"], mine["html"]) == ("Mine", every["welcome-email"]["html"])
    assert await refused(api, CREATE, **news(shop, **{"from": "no"})) == [("NOT_FOUND", "from")]
    assert await refused(api, CREATE, **news(shop, channel="SMS", **{"from": "welcome-email"})) == [
        ("INVALID", "channel")
    ]
    texts = (await api("{ templateStartingPoints(channel: SMS) { channel } }"))["data"]["templateStartingPoints"]
    assert {point["channel"] for point in texts} == {"SMS"}


async def test_a_preview_is_what_the_customer_would_get(api: Api, shop: Shop) -> None:
    [ann] = await shop.customers(["Ann"])
    await shop.rows("update customer set locale = 'de-AT' where id = :id", id=ann)
    made = await answer(
        api,
        CREATE,
        **news(
            shop,
            subject="Hello",
            html="<style>p{color:red}</style><p>{{ customer.name }} in {{ customer.city }}</p>",
            translations=[{"locale": "de", "subject": "Hallo {{ customer.name }}", "text": "{{ brand.name }}"}],
        ),
    )
    template, customer = made["template"]["id"], gid("Customer", ann)
    german = (await api(PREVIEW, template=template, customer=customer))["data"]["templatePreview"]
    assert (german["locale"], german["subject"], german["text"]) == ("de", "Hallo Ann", "Tea & Co")
    english = (await api(PREVIEW, template=template, customer=customer, locale="en"))["data"]["templatePreview"]
    assert (english["locale"], english["subject"]) == (None, "Hello")
    assert '<p style="color: red;">Ann in </p>' in english["html"]
    assert english["text"] == "Ann in \n"
    assert [w["code"] for w in english["warnings"]] == ["VALUE_MISSING", "NO_UNSUBSCRIBE_LINK", "TEXT_DERIVED"]


async def test_a_draft_is_previewed_before_it_is_stored(api: Api, shop: Shop) -> None:
    [ann] = await shop.customers(["Ann"])
    customer, brand = gid("Customer", ann), gid("Brand", shop.brand)
    sms = {"brandId": brand, "channel": "SMS", "text": "ç" + "a" * 70}
    found = (await api(PREVIEW, draft=sms, customer=customer))["data"]["templatePreview"]
    assert found["sms"] == {"encoding": "UCS_2", "units": 71, "segments": 2}
    assert {w["code"] for w in found["warnings"]} == {"SEGMENTS", "UNICODE"}
    wrong = {"brandId": brand, "subject": "x", "text": "{{ customer.name | date: '%Y' }}"}
    found = (await api(PREVIEW, draft=wrong, customer=customer))["data"]["templatePreview"]
    assert (found["subject"], [(w["code"], w["part"]) for w in found["warnings"]]) == (
        None,
        [("TEMPLATE_ERROR", "text")],
    )
    for nobody in (
        {"draft": sms, "customer": gid("Customer", new_id())},
        {"draft": {**sms, "brandId": gid("Brand", new_id())}, "customer": customer},
        {"template": gid("Template", new_id()), "customer": customer},
    ):
        assert (await api(PREVIEW, **nobody))["data"]["templatePreview"] is None
    for asked in ({}, {"draft": sms, "template": gid("Template", shop.template)}):
        [error] = (await api(PREVIEW, customer=customer, **asked))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
    [error] = (await api(PREVIEW, draft=sms, customer=customer, scopes=frozenset({"campaigns:view"})))["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_a_template_in_use_stays_and_can_be_archived(api: Api, shop: Shop) -> None:
    used = gid("Template", shop.template)
    await draft(api, shop, await shop.segment([]))
    payload = await answer(api, DELETE, templateId=used)
    assert [(e["code"], "Spring" in e["message"]) for e in payload["userErrors"]] == [("IN_USE", True)]
    archived = (await answer(api, ARCHIVE, templateId=used))["template"]
    assert archived["archivedAt"]
    listing = "query ($archived: Boolean!) { templates(archived: $archived) { nodes { id } } }"
    assert (await api(listing, archived=False))["data"]["templates"]["nodes"] == []
    assert (await api(listing, archived=True))["data"]["templates"]["nodes"] == [{"id": used}]
    assert (await answer(api, ARCHIVE, templateId=used, archived=False))["template"]["archivedAt"] is None
    made = (await answer(api, CREATE, **news(shop, subject="x", text="y")))["template"]
    assert (await answer(api, DELETE, templateId=made["id"]))["deletedId"] == made["id"]
    assert await shop.rows("select from template_version where template_id <> :id", id=shop.template) == []
    assert await refused(api, DELETE, templateId=made["id"]) == [("NOT_FOUND", "templateId")]
