"""Pixels and links: each fact once, people and machines apart, and no way to anywhere but the stored address."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.public.tracking import tracking_routes
from db.database import Database, Transaction
from db.results.links import store_links
from domain.ids import new_id
from domain.results.machines import is_machine
from domain.results.tracking import Trace, click_path, pixel_path
from domain.signed import sign
from tests.app.public.client import BROWSER, visitor
from tests.campaigns import SECRET, Shop, open_shop
from tests.results import message_row, sent_messages

URL = "https://shop.example/sale?a=1&b=ü#top"


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


@pytest.fixture
async def message(shop: Shop) -> UUID:
    _, ids = await sent_messages(shop, await shop.customers(["ann"]))
    return ids[0]


async def click(shop: Shop, message: UUID, url: str = URL) -> str:
    async with shop.database.tenant(shop.organization) as tx:
        links = await store_links(tx, shop.template, 1, [url])
    return click_path(SECRET, Trace(shop.organization, message, links[url]))


def pixel(shop: Shop, message: UUID) -> str:
    return pixel_path(SECRET, Trace(shop.organization, message))


async def test_the_pixel_is_a_picture_and_tells_an_open(shop: Shop, message: UUID) -> None:
    async with visitor(shop.database, tracking_routes()) as (client, _):
        answer = await client.get(pixel(shop, message))
    assert (answer.status_code, answer.headers["content-type"], len(answer.content)) == (200, "image/gif", 42)
    assert answer.headers["cache-control"] == "no-store"
    row = await message_row(shop, message)
    assert (row["status"], row["machine_opened_at"]) == ("OPENED", None)


async def test_a_link_leads_to_the_stored_address_and_tells_a_click(shop: Shop, message: UUID) -> None:
    async with visitor(shop.database, tracking_routes()) as (client, _):
        answer = await client.get(await click(shop, message))
    assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/sale?a=1&b=%C3%BC#top")
    assert (await message_row(shop, message))["status"] == "CLICKED"


async def test_a_link_leads_nowhere_else(shop: Shop, message: UUID) -> None:
    path = await click(shop, message)
    async with visitor(shop.database, tracking_routes()) as (client, _):
        told = await client.get(f"{path}?u=https://evil.example&url=//evil.example")
        assert told.headers["location"].startswith("https://shop.example/")
        head, _, mark = path.removeprefix("/c/").partition(".")
        about = shop.organization.bytes + message.bytes + new_id().bytes
        for altered in [
            f"/c/{head[:-1]}{'A' if head[-1] != 'A' else 'B'}.{mark}",
            f"/c/{head}.{mark[:-1]}",
            f"/c/{head}",
            "/c/https://evil.example",
            f"/c/{sign(b'another secret of thirty-two byte', 'click', about)}",
            # A pixel's, and a link that there is not.
            f"/c/{pixel(shop, message).removeprefix('/o/').removesuffix('.gif')}",
            f"/c/{sign(SECRET, 'click', about)}",
            # As another organization's.
            click_path(SECRET, Trace(new_id(), message, UUID(bytes=about[32:]))),
        ]:
            answer = await client.get(altered)
            assert (answer.status_code, answer.headers.get("location")) == (404, None), altered


async def test_a_forged_pixel_looks_the_same_and_tells_nothing(shop: Shop, message: UUID) -> None:
    async with visitor(shop.database, tracking_routes()) as (client, _):
        answer = await client.get("/o/forged.gif")
        assert (answer.status_code, len(answer.content)) == (200, 42)
        assert (await client.post(pixel(shop, message))).status_code == 405
    assert (await message_row(shop, message))["status"] == "SENT"


@pytest.mark.parametrize(
    ("method", "agent"),
    [
        ("HEAD", BROWSER),
        ("GET", "Mozilla/5.0"),
        ("GET", ""),
        ("GET", "Barracuda Sentinel"),
        ("GET", "python-requests/2"),
    ],
)
async def test_machines_are_told_apart(shop: Shop, message: UUID, method: str, agent: str) -> None:
    path = await click(shop, message)
    async with visitor(shop.database, tracking_routes()) as (client, _):
        opened = await client.request(method, pixel(shop, message), headers={"user-agent": agent})
        clicked = await client.request(method, path, headers={"user-agent": agent})
    assert (opened.status_code, clicked.status_code) == (200, 302)
    row = await message_row(shop, message)
    assert (row["status"], row["opened_at"], row["clicked_at"]) == ("DELIVERED", None, None)
    assert None not in (row["machine_opened_at"], row["machine_clicked_at"])


def test_people_are_not_machines() -> None:
    mail_clients = [
        BROWSER,
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)",
    ]
    assert [agent for agent in mail_clients if is_machine("GET", {"user-agent": agent})] == []
    assert is_machine("GET", {"user-agent": BROWSER, "sec-purpose": "prefetch;prerender"})


async def test_hammered_it_is_one_fact_and_cheap(shop: Shop, message: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[Any] = []
    resolve = Transaction._resolve

    def counted(self: Transaction, statement: Any, parts: dict[str, Any]) -> Any:
        statements.append(statement)
        return resolve(self, statement, parts)

    monkeypatch.setattr(Transaction, "_resolve", counted)
    path = pixel(shop, message)
    async with visitor(shop.database, tracking_routes()) as (client, _):
        answers = [await asyncio.gather(*(client.get(path) for _ in range(50))) for _ in range(20)]
    assert {answer.status_code for batch in answers for answer in batch} == {200}
    once = len(statements)
    rows = await shop.rows("select type from message_event where organization_id = :organization")
    assert [row[0] for row in rows] == ["OPENED"]
    assert once < 10
    # Another process has seen nothing of it; the ledger has.
    async with visitor(shop.database, tracking_routes()) as (client, _):
        await client.get(path)
    assert len(await shop.rows("select 1 from message_event where organization_id = :organization")) == 1


async def test_nothing_of_who_asked_is_kept(shop: Shop, message: UUID) -> None:
    async with visitor(shop.database, tracking_routes()) as (client, _):
        await client.get(pixel(shop, message), headers={"user-agent": "Canary/1.0", "x-forwarded-for": "203.0.113.9"})
    (row,) = await shop.rows("select t::text from message_event t where organization_id = :organization")
    assert "Canary" not in row[0]
    assert "203.0.113.9" not in row[0]
