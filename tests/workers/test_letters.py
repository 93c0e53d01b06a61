"""What goes out of what was written: languages, links, one-click headers on the wire, confirmations and test sends."""

import asyncio
import re
from datetime import UTC, datetime
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import mailparser
import pytest
from pydantic import SecretStr

from app.settings import Settings
from db.confirmations import ask
from db.templates import change_template, find_template
from db.topics import create_topic, find_topic
from domain.campaigns import CampaignClass
from domain.consents import Channel
from domain.ids import new_id
from domain.links import MessageLink, Purpose, read, token
from domain.results.mails.addresses import Subject, subject_of
from domain.templates import NAMES, Asked, Content, Localized, known
from domain.topics import Topic
from tests.api import Api
from tests.app.serving import served
from tests.campaigns import SECRET, Shop
from tests.mail import MailServer
from tests.schema.campaigns import answer, gid, refused
from tests.waiting import until
from tests.workers.sending import begin, sent, status, work
from workers.delivery import deliver_by_smtp

BASE = "https://mail.example/we"
FOOT = '<p>Hi {{ customer.name }} <a href="{{ links.unsubscribe }}">no more</a> {{ links.preferences }}</p>'


@pytest.fixture
def public(server: MailServer) -> str:
    deliver_by_smtp(server.url, SECRET, public_url=BASE)
    return BASE


async def say(shop: Shop, said: Content | Localized) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        template = await find_template(tx, shop.template)
        assert template
        assert await change_template(tx, template, name=template.name, content=said, actor="test")


async def test_what_cannot_be_delivered_comes_back_to_the_message(shop: Shop, server: MailServer) -> None:
    deliver_by_smtp(server.url, SECRET, return_domain="back.example")
    await sent(shop, ["ann", "bob"])
    await work(shop)
    rows = await shop.rows("select id, address from message where organization_id = :organization")
    assert len(rows) == 2
    about = {mail.recipient: subject_of([SECRET], [mail.sender]) for mail in server.mails}
    assert about == {row["address"]: Subject(shop.organization, row["id"]) for row in rows}
    assert {mail.sender.partition("@")[2] for mail in server.mails} == {"back.example"}
    assert all(len(mail.sender.partition("@")[0]) == 64 for mail in server.mails)


@pytest.mark.usefixtures("public")
async def test_marketing_mail_can_be_ended_by_one_click(shop: Shop, server: MailServer) -> None:
    await say(shop, Content("Hello", html=FOOT))
    await sent(shop, ["ann"])
    await work(shop)
    [mail] = server.mails
    [row] = await shop.rows("select id from message where organization_id = :organization")
    # Unfolded by hand: the parser that wrote the header is not asked what it wrote.
    head = mail.content.partition(b"\r\n\r\n")[0].decode("ascii")
    headers = dict(line.split(": ", 1) for line in re.sub(r"\r\n[ \t]+", " ", head).split("\r\n"))
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [url] = re.fullmatch(r"<([^<> ]+)>", headers["List-Unsubscribe"]).groups()  # type: ignore[union-attr]  # asserted
    assert url.startswith(f"{BASE}/unsubscribe/")
    assert read([SECRET], Purpose.UNSUBSCRIBE, url.rpartition("/")[2]) == MessageLink(shop.organization, row["id"])
    # And by somebody else's parser.
    other = mailparser.parse_from_bytes(mail.content)
    assert other.headers["List-Unsubscribe"] == f"<{url}>"
    assert other.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    parsed = mail.parsed()
    assert parsed.get_content_type() == "multipart/alternative"
    html, text = (parsed.get_body((kind,)).get_content() for kind in ("html", "plain"))  # type: ignore[union-attr]  # both are there
    # The link in the mail may be counted on its way; in the header it is the place itself.
    assert "/unsubscribe/" in text
    assert "/preferences/" in html


async def test_nothing_of_ours_is_linked_without_a_public_address(shop: Shop, server: MailServer) -> None:
    await say(shop, Content("Hello", html=FOOT))
    await sent(shop, ["ann"])
    await work(shop)
    [mail] = server.mails
    assert b"List-Unsubscribe" not in mail.content
    assert b"http" not in mail.content


@pytest.mark.usefixtures("public")
async def test_what_is_owed_carries_no_way_to_end_it(shop: Shop, server: MailServer) -> None:
    await sent(shop, ["ann"], class_=CampaignClass.TRANSACTIONAL)
    await work(shop)
    [mail] = server.mails
    assert b"List-Unsubscribe" not in mail.content


async def test_everybody_is_written_to_in_their_language(shop: Shop, server: MailServer) -> None:
    german = Content("Hallo {{ customer.name }}", text="Neues")
    await say(shop, Localized(Content("Hello", text="New"), {"de": german, "de-CH": Content("Grüezi", text="Neues")}))
    names = {"ann": "de-AT", "bea": "de_ch", "cyd": "en", "dan": None}
    customers = await shop.customers(list(names))
    for name, locale in names.items():
        await shop.rows("update customer set locale = :locale where name = :name", locale=locale, name=name)
    campaign = await shop.campaign([await shop.segment(customers)])
    await begin(shop, campaign)
    await work(shop)
    subjects = {mail.recipient[:3]: str(mail.parsed()["Subject"]) for mail in server.mails}
    assert subjects == {"ann": "Hallo ann", "bea": "Grüezi", "cyd": "Hello", "dan": "Hello"}


@pytest.mark.usefixtures("public")
async def test_a_confirmation_is_sent_at_once_and_again_later(shop: Shop, server: MailServer) -> None:
    [ann] = await shop.customers(["ann"])
    async with shop.database.tenant(shop.organization) as tx:
        topic_id = await create_topic(tx, new_id(), shop.brand, Topic("news", "News", double_opt_in=True).check())
        assert topic_id
    for count in (1, 2):
        async with shop.database.tenant(shop.organization) as tx:
            topic = await find_topic(tx, topic_id)
            assert topic
            await ask(tx, topic, Channel.EMAIL, [ann])
        await work(shop)
        assert server.count == {"ann@x.example": count}
    parsed = server.mails[0].parsed()
    assert parsed["Subject"] == "Please confirm that you want to hear from Tea & Co"
    assert parsed["List-Unsubscribe"] is None
    [campaign] = await shop.rows("select id from campaign where organization_id = :organization")
    assert await status(shop, campaign["id"]) == "RUNNING"
    assert f"{BASE}/" in parsed.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # it is there


async def test_a_test_goes_to_the_addresses_given_and_counts_nowhere(shop: Shop, server: MailServer, api: Api) -> None:
    [ann] = await shop.customers(["Ann"])
    campaign = await shop.campaign([await shop.segment([ann])])
    document = """
    mutation ($input: CampaignTestSendInput!) { campaignTestSend(input: $input) {
      queued userErrors { code field message } } }
    """
    given = {"campaignId": gid("Campaign", campaign), "customerId": gid("Customer", ann)}
    to = ["Bob@x.example", "bob@x.example", "cyd@x.example"]
    assert (await answer(api, document, **given, addresses=to))["queued"] == 2
    template = document.replace("CampaignTest", "TemplateTest").replace("campaignTest", "templateTest")
    own = {"templateId": gid("Template", shop.template), "customerId": gid("Customer", ann)}
    assert (await answer(api, template, **own, addresses=["dan@x.example"]))["queued"] == 1
    await work(shop)
    assert server.count == {"bob@x.example": 1, "cyd@x.example": 1, "dan@x.example": 1}
    assert {str(mail.parsed()["Subject"]) for mail in server.mails} == {"Hello Ann"}
    rows = await shop.rows(
        "select m.status, m.is_test, c.kind, c.class, c.status from message m join campaign c on c.id = m.campaign_id "
        "where m.organization_id = :organization"
    )
    assert {tuple(row) for row in rows} == {("SENT", True, "DIRECT", "TRANSACTIONAL", "COMPLETED")}
    listing = "{ campaigns { nodes { name tally { audience sent } } } }"
    assert (await api(listing))["data"]["campaigns"]["nodes"] == [
        {"name": "Spring", "tally": {"audience": 0, "sent": 0}}
    ]
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"addresses": []}, ("TOO_MANY", "addresses")),
        ({"addresses": [f"{n}@x.example" for n in range(6)]}, ("TOO_MANY", "addresses")),
        ({"addresses": ["nonsense"]}, ("INVALID", "addresses.0")),
        ({"customerId": gid("Customer", new_id())}, ("NOT_FOUND", "customerId")),
        ({"campaignId": gid("Campaign", new_id())}, ("NOT_FOUND", "campaignId")),
        ({"variant": 2}, ("NOT_FOUND", "channel")),
        ({"channel": "SMS"}, ("NOT_FOUND", "channel")),
    ]
    for said, expected in wrong:
        assert await refused(api, document, **(given | {"addresses": ["bob@x.example"]} | said)) == [expected]


async def test_nothing_begins_after_a_mail_program_unsubscribed(shop: Shop, server: MailServer, addresses: Any) -> None:
    """While a campaign runs, mail programs of half of its audience unsubscribe from it, over HTTP."""
    server.pause = 0.1
    campaign = await sent(shop, [f"c{n:02}" for n in range(40)])
    settings = Settings(database_url=addresses.database_url, redis_url=None, secret=SecretStr(SECRET.decode()))
    with served(settings) as (place, _):
        async with asyncio.TaskGroup() as together:
            together.create_task(work(shop))
            await until(10, lambda: server.mails)
            rows = await shop.rows("select id from message where campaign_id = :id order by id desc", id=campaign)
            for row in rows[::2]:
                assert await asyncio.to_thread(_unsubscribe, place, shop.organization, row["id"]) == 200
    told = await shop.rows(
        """
        select m.status, m.skip_reason, m.sending_at, k.at from message m
        join consent_change k on k.customer_id = m.customer_id and k.organization_id = m.organization_id
        where m.campaign_id = :id
        """,
        id=campaign,
    )
    assert len(told) == 20
    late = [row for row in told if row["sending_at"] is None]
    # Some came before their mail; of the others the mark for the call came first.
    assert late
    assert {(row["status"], row["skip_reason"]) for row in late} == {("SKIPPED", "UNSUBSCRIBED")}
    assert all(row["sending_at"] < row["at"] for row in told if row not in late)
    [sent_] = await shop.rows(
        "select count(*) from message where campaign_id = :id and sent_at is not null", id=campaign
    )
    assert len(server.mails) == sent_[0] == 40 - len(late)


def _unsubscribe(place: str, organization: UUID, message: UUID) -> int:
    path = f"/unsubscribe/{token(SECRET, Purpose.UNSUBSCRIBE, MessageLink(organization, message))}"
    connection = HTTPConnection(place, timeout=10)
    try:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, b"List-Unsubscribe=One-Click", kind)
        answered = connection.getresponse()
        answered.read()
        return answered.status
    finally:
        connection.close()


def test_what_is_asked_for_is_known_as_all_of_it_is() -> None:
    """Only the names that a message mentions are looked up for each recipient."""
    when = datetime(2026, 1, 31, 23, tzinfo=UTC)
    customer: dict[str, Any] = {name: when if name.endswith("_at") else name for name in NAMES["customer"]}
    customer |= {name: when if name.endswith("_at") else name for name in NAMES["metrics"]}
    customer |= {"kind": "PERSON", "name": "Ann Lee"}
    everything, zone = known(customer, ZoneInfo("Asia/Tokyo")), ZoneInfo("Asia/Tokyo")
    written = [f"{group}.{name}" for group, names in everything.items() for name in names]
    assert Asked.of([*written, "links.confirm"]).known(SimpleNamespace(**customer), zone) == everything
    few = Asked.of(["customer.firstName", "metrics.last_order_at"]).known(SimpleNamespace(**customer), zone)
    assert few == {"customer": {"firstName": "Ann"}, "metrics": {"last_order_at": when}}
