"""Handing mail over: what arrives is what was meant, and every answer is understood."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import MIMEPart

import mailparser
import pytest

from domain.ids import new_id
from domain.messages import Answer
from domain.templates import Content
from tests.mail import MailServer, Received, mail_server
from workers.mails import compose
from workers.parcels import Parcel
from workers.providers import smtp
from workers.providers.provider import UnreachableError
from workers.providers.smtp import Server, Smtp

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


def mail(recipient: str = "ann@x.example", **said: object) -> Parcel:
    given = {"sender": "hello@tea.example", "sender_name": "Tea & Co", "recipient_name": "Ann Lee"}
    given |= {"content": Content("Hello", html="<p>Hi</p>", text="Hi"), "at": AT, **said}  # type: ignore[dict-item]  # a mail's fields
    return Parcel(id=new_id(), address=recipient, **given)  # type: ignore[arg-type]  # a mail's fields


def lines(part: MIMEPart) -> list[str]:
    content: str = part.get_content()
    return content.splitlines()


async def sent(server: MailServer, *mails: Parcel) -> list[Answer]:
    async with Smtp(Server.at(server.url)) as connection:
        return [outcome.answer for outcome in await connection.send(mails)]


def test_another_reader_finds_the_same_in_a_mail() -> None:
    """Of the same bytes, by a parser that has nothing to do with what wrote them."""
    said = mail(
        content=Content("Grüße, Ann ✓ " + "long " * 30, html="<p>über ✓</p>", text="über ✓\n" + "long " * 300),
        headers={"List-Unsubscribe": "<https://wayfare.example/u/1>"},
    )
    read = mailparser.parse_from_bytes(compose(said))
    assert read.subject == "Grüße, Ann ✓ " + "long " * 29 + "long"
    assert (read.from_, read.to) == ([("Tea & Co", "hello@tea.example")], [("Ann Lee", "ann@x.example")])
    assert read.message_id == f"<{said.id}@tea.example>"
    assert [part.strip() for part in read.text_html] == ["<p>über ✓</p>"]
    assert [part.split() for part in read.text_plain] == [["über", "✓", *["long"] * 300]]
    assert read.headers["List-Unsubscribe"] == "<https://wayfare.example/u/1>"
    assert read.attachments == []
    assert read.defects == []


async def test_a_server_that_reports_is_told_how_to_name_the_mail(server: MailServer) -> None:
    server.reports = True
    said = mail()
    assert await sent(server, said) == [Answer.ACCEPTED]
    assert server.asked == ["RET=HDRS", f"ENVID={said.id}", "NOTIFY=FAILURE,DELAY"]
    server.asked.clear()
    server.reports = False
    assert await sent(server, mail()) == [Answer.ACCEPTED]
    assert server.asked == []


async def test_each_mail_comes_back_to_an_address_of_its_own(server: MailServer) -> None:
    async with Smtp(replace(Server.at(server.url), return_domain="back.tea.example")) as connection:
        await connection.send([mail(back=lambda: "abc"), mail()])
    assert sorted(one.sender for one in server.mails) == ["abc@back.tea.example", "hello@tea.example"]
    assert {one.parsed()["From"].addresses[0].addr_spec for one in server.mails} == {"hello@tea.example"}


async def test_what_arrives_is_what_was_meant(server: MailServer) -> None:
    said = mail(
        content=Content("Grüße, Ann ✓", html="<p>.\r\n.dot über ✓</p>", text=".\n.dot\nüber ✓ " + "long " * 300)
    )
    assert await sent(server, said) == [Answer.ACCEPTED]
    [received] = server.mails
    assert (received.sender, received.recipient) == ("hello@tea.example", "ann@x.example")
    assert received.content.isascii()
    assert b"\n" not in received.content.replace(b"\r\n", b"")
    assert max(map(len, received.content.split(b"\r\n"))) <= 998
    message = received.parsed()
    assert message["From"].addresses[0].display_name == "Tea & Co"
    assert message["To"].addresses[0].display_name == "Ann Lee"
    assert message["Subject"] == "Grüße, Ann ✓"
    assert message["Message-ID"] == f"<{said.id}@tea.example>"
    assert message["Date"].datetime == AT
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert lines(text) == [".", ".dot", "über ✓ " + "long " * 300]
    assert lines(html) == ["<p>.", ".dot über ✓</p>"]


@pytest.mark.parametrize(
    ("content", "kind"), [(Content("s", html="<p>"), "text/html"), (Content("s", text="t"), "text/plain")]
)
def test_one_part_needs_no_alternative(content: Content, kind: str) -> None:
    assert f"Content-Type: {kind}".encode() in compose(mail(content=content))


@pytest.mark.parametrize(
    "name",
    [
        "Ann\r\nBcc: eve@x.example",
        'Ann" <eve@x.example>, "x',
        "Zoë, Übel; <x>",
        "a" * 300,
        "é" * 150,
        "\u2028x\x00",
        "",
        "=?utf-8?q?x?=",
    ],
)
def test_no_value_breaks_out_of_a_header(name: str) -> None:
    content = compose(mail(recipient_name=name, sender_name=name, content=Content(f"s{name}", text=f"t\r\n{name}")))
    message = Received("", "", content).parsed()
    shown = " ".join(name.replace("\x00", " ").split()).replace("=?", "= ?")
    assert message.keys() == [
        *("From", "To", "Subject", "Date", "Message-ID"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    ]
    for header, address in (("From", "hello@tea.example"), ("To", "ann@x.example")):
        [only] = message[header].addresses
        # Without spaces: this parser keeps the folds between encoded words, which RFC 2047 has it drop.
        assert only.addr_spec == address
        assert only.display_name.replace(" ", "") == shown.replace(" ", "")


@pytest.mark.parametrize(
    "address", ["ann@x.example\r\nRCPT TO:<eve@x.example>", "ann", "a b@x.example", "<ann@x.example>"]
)
async def test_an_address_that_is_none_is_rejected_before_anything_is_said(server: MailServer, address: str) -> None:
    assert await sent(server, mail(address)) == [Answer.REJECTED]
    assert server.mails == []


async def test_connections_are_kept(server: MailServer) -> None:
    async with Smtp(Server.at(server.url), lanes=2) as connection:
        for _ in range(5):
            outcomes = await connection.send([mail(), mail("bob@x.example")])
            assert [outcome.answer for outcome in outcomes] == [Answer.ACCEPTED] * 2
            assert outcomes[0].detail.startswith("queued as")
    assert (len(server.mails), server.connections) == (10, 2)


async def test_every_answer_is_understood_and_the_connection_serves_on(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "CALL_TIMEOUT", 0.3)
    server.refused = {"no@x.example": "550 no such user", "full@x.example": "452 mailbox full"}
    server.deferred = {"grey@x.example": "451 come again", "spam@x.example": "554 we do not want this"}
    server.silent, server.broken = {"silent@x.example"}, {"broken@x.example"}
    expected = {
        "no@x.example": Answer.REJECTED,
        "full@x.example": Answer.DEFERRED,
        "grey@x.example": Answer.DEFERRED,
        "spam@x.example": Answer.REJECTED,
        "silent@x.example": Answer.UNKNOWN,
        "broken@x.example": Answer.UNKNOWN,
        "ann@x.example": Answer.ACCEPTED,
    }
    async with Smtp(Server.at(server.url), lanes=1) as connection:
        for address, answer in expected.items():
            [outcome] = await connection.send([mail(address)])
            assert (address, outcome.answer) == (address, answer)
            assert outcome.detail
    assert set(server.count) == {"silent@x.example", "broken@x.example", "ann@x.example"}


async def test_a_refused_sender_is_not_the_recipients_fault(server: MailServer) -> None:
    server.sender_refused = "553 not your domain"
    assert await sent(server, mail()) == [Answer.SENDER_REFUSED]
    server.sender_refused = "421 too many"
    assert await sent(server, mail()) == [Answer.DEFERRED]


async def test_a_server_that_is_not_there_is_told_at_once() -> None:
    async with mail_server() as gone:
        url = gone.url
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1"):
        async with Smtp(Server.at(url)):
            pass


async def test_a_server_that_goes_away_is_unreachable_and_one_that_returns_is_used() -> None:
    async with mail_server() as first:
        url, port = first.url, int(first.url.rpartition(":")[2])
        connection = Smtp(Server.at(url), lanes=1)
        await connection.__aenter__()
        assert [o.answer for o in await connection.send([mail()])] == [Answer.ACCEPTED]
    await asyncio.sleep(0.05)
    assert [o.answer for o in await connection.send([mail()])] == [Answer.UNREACHABLE]
    async with mail_server(port) as second:
        assert [o.answer for o in await connection.send([mail()])] == [Answer.ACCEPTED]
        await connection.__aexit__(None, None, None)
        assert len(second.mails) == 1


async def test_a_server_that_does_not_greet_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "CALL_TIMEOUT", 0.2)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(UnreachableError):
        async with Smtp(Server("127.0.0.1", port)):
            pass
    server.close()
    await server.wait_closed()


def test_urls() -> None:
    assert Server.at("smtp://mail.example") == Server("mail.example", 25)
    assert Server.at("smtp://a%40b:p%2Fw@mail.example") == Server("mail.example", 587, False, "a@b", "p/w")
    assert Server.at("smtps://a:b@mail.example:4650") == Server("mail.example", 4650, True, "a", "b")
    assert Server.at("smtps://mail.example").port == 465
    for wrong in ("http://mail.example", "mail.example:25", "smtp://"):
        with pytest.raises(ValueError, match="SMTP_URL"):
            Server.at(wrong)


def test_a_password_is_only_sent_over_tls_unless_it_stays_on_this_machine() -> None:
    assert Server.at("smtp://a:b@mail.example").client()._start_tls_on_connect is True
    assert Server.at("smtp://a:b@127.0.0.1").client()._start_tls_on_connect is None
    assert Server.at("smtp://mail.example").client()._start_tls_on_connect is None
    assert Server.at("smtps://a:b@mail.example").client().use_tls is True


def test_urls_in_headers_stay_whole() -> None:
    """Python would encode a long one as words, which no mail client reads."""
    urls = f"<https://wayfare.example/u/{'a' * 300}>, <mailto:u@wayfare.example?subject={'b' * 100}>"
    headers = {"List-Unsubscribe": urls, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    composed = compose(mail(headers=headers)).decode()
    assert "List-Unsubscribe: " + urls.replace(", ", ",\r\n ") + "\r\n" in composed
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in composed
