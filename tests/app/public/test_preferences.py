"""Unsubscribing, preferences and double opt-in over real HTTP: links act by POST, and for whom they are about."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from pydantic import SecretStr

from app.settings import Settings
from db.confirmations import ask
from db.consents import Wish, set_consents
from db.database import Database
from db.topics import create_topic, find_topic
from domain.consents import Channel, ConsentState
from domain.ids import new_id
from domain.links import ContactLink, Link, MessageLink, Purpose, token
from domain.topics import DefaultRule, Topic
from resolvers.consents import preferences_url
from resolvers.context import Context
from tests.api import TOOLS, caller
from tests.app.serving import served
from tests.campaigns import SECRET, Shop, open_shop
from tests.results import add_messages, sent_messages

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
FORM = "application/x-www-form-urlencoded"


class Site:
    """The running application, as browsers and mail programs reach it."""

    def __init__(self, place: str, shop: Shop) -> None:
        self.place, self.shop = place, shop

    async def ask(
        self, method: str, path: str, form: Any = None, body: bytes | None = None, **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        content = urlencode(form, doseq=True).encode() if form is not None else body
        kind = {"Content-Type": FORM} if form is not None else {}

        def exchange() -> tuple[int, str, dict[str, str]]:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            with closing(HTTPConnection(self.place, timeout=10)) as connection:
                connection.request(method, path, content, kind | sent)
                answer = connection.getresponse()
                told = {name.lower(): value for name, value in answer.getheaders()}
                return answer.status, answer.read().decode(), told

        return await asyncio.to_thread(exchange)

    def path(self, purpose: Purpose, message: UUID, organization: UUID | None = None) -> str:
        return path(purpose, MessageLink(organization or self.shop.organization, message))

    async def states(self) -> dict[tuple[str, str], str]:
        """By channel and topic."""
        rows = await self.shop.rows(
            "select channel, topic, state from consent where organization_id = :organization order by 1, 2"
        )
        return {(row["channel"], row["topic"]): row["state"] for row in rows}

    async def topic(self, topic: Topic) -> None:
        async with self.shop.database.tenant(self.shop.organization) as tx:
            assert await create_topic(tx, new_id(), self.shop.brand, topic.check())


def path(purpose: Purpose, link: Link) -> str:
    return f"/{purpose}/{token(SECRET, purpose, link)}"


@pytest.fixture
async def site(database: Database, organization: UUID, addresses: Any) -> AsyncIterator[Site]:
    shop = await open_shop(database, organization)
    settings = Settings(database_url=addresses.database_url, redis_url=None, secret=SecretStr(SECRET.decode()))
    with served(settings) as (place, _):
        yield Site(place, shop)


@pytest.fixture
async def message(site: Site) -> UUID:
    _, ids = await sent_messages(site.shop, await site.shop.customers(["ann"]))
    return ids[0]


async def test_a_mail_programs_post_unsubscribes_and_again_is_the_same(site: Site, message: UUID) -> None:
    path = site.path(Purpose.UNSUBSCRIBE, message)
    for _ in range(2):
        status, page, _ = await site.ask("POST", path, ONE_CLICK, Cookie="session=stolen; admin=1")
        assert (status, "You are unsubscribed" in page) == (200, True)
    assert await site.states() == {("EMAIL", "marketing"): "UNSUBSCRIBED"}
    [change] = await site.shop.rows("select actor, source, ip from consent_change")
    assert tuple(change) == ("customer", "one-click", "127.0.0.1")
    [row] = await site.shop.rows("select unsubscribed_at from message where id = :id", id=message)
    assert row["unsubscribed_at"] is not None


async def test_both_ways_of_writing_a_form_are_understood(site: Site, message: UUID) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    path = site.path(Purpose.UNSUBSCRIBE, message)
    status, _, _ = await site.ask("POST", path, body=body, Content_Type='multipart/form-data; boundary="b"')
    assert status == 200
    assert await site.states() == {("EMAIL", "marketing"): "UNSUBSCRIBED"}


async def test_pages_speak_the_customers_language(site: Site, message: UUID) -> None:
    path = site.path(Purpose.UNSUBSCRIBE, message)
    status, page, headers = await site.ask("GET", path, Accept_Language="fr-FR, de;q=0.5")
    assert (status, headers["content-language"]) == (200, "fr")
    assert "<title>Se désabonner de " in page
    await site.shop.rows("update customer set locale = 'de-CH' where organization_id = :organization")
    status, page, headers = await site.ask("POST", path, ONE_CLICK, Accept_Language="fr")
    assert (status, headers["content-language"], headers["vary"]) == (200, "de", "Accept-Language, Origin")
    assert "Sie sind abgemeldet" in page
    # Of nobody, only the browser is known.
    status, page, headers = await site.ask("GET", "/unsubscribe/x.y", Accept_Language="nl")
    assert (status, headers["content-language"]) == (404, "nl")


async def test_a_form_whose_parts_are_forms_is_no_fault(site: Site, message: UUID) -> None:
    path = site.path(Purpose.UNSUBSCRIBE, message)
    nested = b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 1_000
    for type_ in ("multipart/form-data; boundary=b", "multipart/form-data", "multipart/form-data; boundary="):
        assert (await site.ask("POST", path, body=nested, Content_Type=type_))[0] == 400
    assert await site.states() == {}


async def test_looking_changes_nothing_and_neither_does_a_post_that_does_not_say_it(site: Site, message: UUID) -> None:
    path = site.path(Purpose.UNSUBSCRIBE, message)
    for method in ("GET", "HEAD"):
        assert (await site.ask(method, path))[0] == 200
    for form in ({}, {"List-Unsubscribe": "no"}, {"list-unsubscribe": "One-Click"}, {"x": "y" * 70_000}):
        assert (await site.ask("POST", path, form))[0] == 400
    assert (await site.ask("POST", path))[0] == 400
    assert (await site.ask("POST", path, body=b"List-Unsubscribe=One-Click", Content_Type="text/plain"))[0] == 400
    assert (await site.ask("PUT", path, ONE_CLICK))[0] == 405
    assert await site.states() == {}


async def test_a_link_of_ours_and_no_other(site: Site, message: UUID, database: Database) -> None:
    own = site.path(Purpose.UNSUBSCRIBE, message)
    others = [
        site.path(Purpose.UNSUBSCRIBE, message, new_id()),
        site.path(Purpose.UNSUBSCRIBE, new_id()),
        site.path(Purpose.PREFERENCES, message).replace("/preferences/", "/unsubscribe/"),
        site.path(Purpose.CONFIRM, message).replace("/confirm/", "/unsubscribe/"),
        path(Purpose.UNSUBSCRIBE, ContactLink(site.shop.organization, new_id(), site.shop.brand)),
        own[:-1],
        f"{own}x",
        "/unsubscribe/x.y",
    ]
    for other in others:
        for method in ("GET", "POST"):
            status, page, _ = await site.ask(method, other, ONE_CLICK if method == "POST" else None)
            assert (status, "Tea" in page) == (404, False), other
    assert await site.states() == {}


async def test_a_test_and_the_message_of_somebody_erased_change_nothing(site: Site) -> None:
    [ann] = await site.shop.customers(["ann"])
    campaign, [test] = await sent_messages(site.shop, [ann], is_test=True, entry="test")
    [gone] = await add_messages(site.shop, campaign, [None])
    for message in (test, gone):
        assert (await site.ask("POST", site.path(Purpose.UNSUBSCRIBE, message), ONE_CLICK))[0] == 200
        assert (await site.ask("POST", site.path(Purpose.PREFERENCES, message), {"save": "nothing"}))[0] == 200
        assert (await site.ask("POST", site.path(Purpose.CONFIRM, message), {"confirm": "yes"}))[0] == 410
    assert await site.states() == {}


async def test_preferences_show_what_is_and_save_what_differs(site: Site) -> None:
    await site.topic(Topic("news", "News & more", "Once a <month>.", DefaultRule.OPT_OUT, (Channel.EMAIL, Channel.SMS)))
    await site.topic(Topic("offers", "Offers", None, DefaultRule.OPT_IN_REQUIRED, (Channel.EMAIL, Channel.PUSH)))
    _, [message] = await sent_messages(site.shop, await site.shop.customers(["ann"]))
    link = site.path(Purpose.PREFERENCES, message)
    status, page, headers = await site.ask("GET", link)
    assert status == 200
    # No number, so no text messages; the message's own topic is there although nobody offers it.
    assert boxes(page) == {"EMAIL:news": True, "EMAIL:offers": False, "PUSH:offers": False, "EMAIL:marketing": True}
    assert "News &amp; more" in page
    assert "Once a &lt;month&gt;." in page
    assert "<script" not in page
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    shown = list(boxes(page))
    form = {
        "save": "save",
        "shown": [*shown, "EMAIL:foreign"],
        "want": ["EMAIL:news", "EMAIL:offers"],
        "prefer": "PUSH",
    }
    status, page, _ = await site.ask("POST", link, form, Origin=f"http://{site.place}")
    assert (status, "Saved." in page) == (200, True)
    assert boxes(page) == {"EMAIL:news": True, "EMAIL:offers": True, "PUSH:offers": False, "EMAIL:marketing": False}
    # What stayed as it was is not a decision.
    assert await site.states() == {("EMAIL", "marketing"): "UNSUBSCRIBED", ("EMAIL", "offers"): "SUBSCRIBED"}
    assert re.search(r'value="PUSH" checked', page)
    status, page, _ = await site.ask("POST", link, {"save": "nothing"})
    assert set(boxes(page).values()) == {False}
    changes = await site.shop.rows("select source, ip, text_version from consent_change where topic = 'offers'")
    assert [tuple(change) for change in changes] == [("preference page", "127.0.0.1", "offers:1")] * 2
    assert (await site.ask("POST", link, {}))[0] == 400
    assert (await site.ask("POST", link, {"save": "save"}, Origin="https://evil.example"))[0] == 403


async def test_what_is_wanted_elsewhere_than_the_link_came_from_is_confirmed_first(site: Site) -> None:
    texts = Topic("texts", "Texts", None, DefaultRule.OPT_IN_REQUIRED, (Channel.EMAIL, Channel.SMS), double_opt_in=True)
    await site.topic(texts)
    [ann] = await site.shop.customers(["ann"])
    await site.shop.rows("update customer set phone = '+4930123456' where id = :id", id=ann)
    _, [message] = await sent_messages(site.shop, [ann])
    every = ["EMAIL:texts", "SMS:texts"]
    link = site.path(Purpose.PREFERENCES, message)
    _, page, _ = await site.ask("POST", link, {"save": "save", "shown": every, "want": every})
    assert await site.states() == {("EMAIL", "texts"): "SUBSCRIBED", ("SMS", "texts"): "PENDING"}
    assert "not confirmed yet" in page
    [asked] = await site.shop.rows("select id, address, status from message where channel = 'SMS'")
    assert (asked["address"], asked["status"]) == ("+4930123456", "QUEUED")
    confirm = site.path(Purpose.CONFIRM, asked["id"])
    assert (await site.ask("GET", confirm))[0] == 200
    assert (await site.ask("POST", confirm))[0] == 400
    assert (await site.states())["SMS", "texts"] == "PENDING"
    for _ in range(2):
        assert (await site.ask("POST", confirm, {"confirm": "yes"}))[0] == 200
    assert (await site.states())["SMS", "texts"] == "SUBSCRIBED"


async def test_an_applications_own_link_shows_the_same_page_and_proves_no_address(site: Site) -> None:
    await site.topic(Topic("news", "News", double_opt_in=True))
    [ann] = await site.shop.customers(["ann"])
    tools = replace(TOOLS, public_url=f"http://{site.place}")
    context = Context(site.shop.database, caller(site.shop.organization), datetime.now(UTC), tools)
    assert await preferences_url(context, new_id(), site.shop.brand) is None
    assert await preferences_url(context, ann, new_id()) is None
    url = await preferences_url(context, ann, site.shop.brand)
    assert url is not None
    link = url.removeprefix(f"http://{site.place}")
    _, page, _ = await site.ask("GET", link)
    assert boxes(page) == {"EMAIL:news": False}
    form = {"save": "save", "shown": ["EMAIL:news"], "want": ["EMAIL:news"]}
    assert "not confirmed yet" in (await site.ask("POST", link, form))[1]
    assert await site.states() == {("EMAIL", "news"): "PENDING"}


async def test_a_confirmation_that_was_taken_back_confirms_nothing(site: Site) -> None:
    await site.topic(Topic("news", "News", double_opt_in=True))
    [ann] = await site.shop.customers(["ann"])
    async with site.shop.database.tenant(site.shop.organization) as tx:
        topic_id = await tx.value("select id from consent_topic where organization_id = :organization")
        topic = await find_topic(tx, topic_id)
        assert topic
        for state in (ConsentState.PENDING, ConsentState.UNSUBSCRIBED):
            await set_consents(tx, [Wish(ann, site.shop.brand, Channel.EMAIL, "news", state)], "test")
        assert await ask(tx, topic, Channel.EMAIL, [ann]) == 1
    [asked] = await site.shop.rows("select id from message where organization_id = :organization")
    confirm = site.path(Purpose.CONFIRM, asked["id"])
    assert (await site.ask("POST", confirm, {"confirm": "yes"}))[0] == 410
    assert await site.states() == {("EMAIL", "news"): "UNSUBSCRIBED"}


def boxes(page: str) -> dict[str, bool]:
    """The choices of a page, and which of them are ticked."""
    found = re.findall(r'<input type="checkbox" name="want" value="([^"]+)"( checked)?>', page)
    return {name: bool(checked) for name, checked in found}
