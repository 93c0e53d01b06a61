"""Links and pixels put into mails: what can be followed is, and everything else stays as it was written."""

from html.parser import HTMLParser
from uuid import UUID

import pytest

from db.database import Database
from db.results.settings import MessagingSetting, set_messaging
from domain.ids import new_id
from domain.links import Place
from domain.results.tracking import read_click, read_pixel
from domain.templates import Content
from tests.campaigns import SECRET, Shop, open_shop
from workers.tracking import Tracking, addresses, tracked

BASE = "https://mail.example"
SOURCE = """
<p>Hello {{ customer.name }}</p>
<a href="https://shop.example/a?x=1&amp;y=2">A</a> <a href='https://shop.example/b'>B</a>
<a href="https://shop.example/a?x=1&amp;y=2">A again</a>
<a href="https://shop.example/{{ customer.id }}">yours</a> <a href="mailto:a@b.example">mail</a>
<a href="tel:+491234">call</a> <a href="#top">up</a> <a href="{{ links.unsubscribe }}">stop</a>
<a href="https://mail.example/preferences/x">choose</a> <a href="javascript:alert(1)">no</a> <a name="x">anchor</a>
<a href="https://user@shop.example/">userinfo</a> <a href="/relative">relative</a>
"""


class Found(HTMLParser):
    """Another reader than the one that wrote it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if tag == "img":
            self.images.append(given.get("src") or "")


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def read(shop: Shop, html: str = SOURCE, base: str | None = BASE) -> Tracking | None:
    async with shop.database.tenant(shop.organization) as tx:
        place = None if base is None else Place(base, [SECRET])
        return await Tracking.read(tx, place, shop.template, 1, [html])


def test_what_can_be_followed() -> None:
    assert addresses(SOURCE, BASE) == {"https://shop.example/a?x=1&y=2", "https://shop.example/b"}


async def test_links_are_ours_and_everything_else_as_it_was(shop: Shop) -> None:
    tracking, message = await read(shop), new_id()
    assert tracking is not None
    rendered = SOURCE.replace("{{ customer.id }}", "77").replace("{{ links.unsubscribe }}", f"{BASE}/unsubscribe/abc")
    content = tracked(Content("S", rendered, "text with https://shop.example/b"), message, tracking)
    found, before = Found(content.html or ""), Found(rendered)
    changed = [(was, now) for was, now in zip(before.links, found.links, strict=True) if was != now]
    assert [was for was, _ in changed] == [before.links[0], before.links[1], before.links[2]]
    urls = {row["id"]: row["url"] for row in await shop.rows("select id, url from link")}
    for was, now in changed:
        trace = read_click([SECRET], now.removeprefix(f"{BASE}/c/"))
        assert trace is not None
        assert (trace.organization_id, trace.message_id) == (shop.organization, message)
        assert trace.link_id is not None
        assert urls[trace.link_id] == was
    (image,) = found.images
    pixel = read_pixel([SECRET], image.removeprefix(f"{BASE}/o/").removesuffix(".gif"))
    assert pixel is not None
    assert pixel.message_id == message
    assert (content.subject, content.text) == ("S", "text with https://shop.example/b")


async def test_a_version_stores_each_address_once(shop: Shop) -> None:
    first, again = await read(shop), await read(shop)
    assert first is not None
    assert again is not None
    assert first.links == again.links
    assert len(await shop.rows("select 1 from link where organization_id = :organization")) == 2


async def test_a_whole_document_stays_one(shop: Shop) -> None:
    html = "<!doctype html><html><head><style>a{color:red}</style></head><body><!--[if mso]><p>x</p><![endif]-->"
    html += '<a href="https://shop.example/b">B</a></body></html>'
    content = tracked(Content("S", html), new_id(), await read(shop, html))
    assert content.html is not None
    assert content.html.lower().count("<html") == content.html.lower().count("</body>") == 1
    assert "<!--[if mso]><p>x</p><![endif]-->" in content.html
    assert content.html.index("<img") < content.html.index("</body>")


async def test_an_organization_may_want_to_know_less(shop: Shop) -> None:
    async def wants(opens: bool, clicks: bool) -> Found:
        async with shop.database.tenant(shop.organization) as tx:
            await set_messaging(tx, MessagingSetting(track_opens=opens, track_clicks=clicks))
        return Found(tracked(Content("S", SOURCE), new_id(), await read(shop)).html or "")

    only_clicks = await wants(False, True)
    assert (only_clicks.images, only_clicks.links[0].startswith(f"{BASE}/c/")) == ([], True)
    only_opens = await wants(True, False)
    assert (len(only_opens.images), only_opens.links[0]) == (1, "https://shop.example/a?x=1&y=2")
    nothing = await wants(False, False)
    assert (nothing.images, nothing.links) == ([], Found(SOURCE).links)


async def test_without_an_address_of_ours_nothing_is_followed(shop: Shop) -> None:
    assert await read(shop, base=None) is None
