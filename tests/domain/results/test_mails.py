"""Mails that come back, as mail servers and mail programs write them, and as somebody would who means harm."""

import random
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from domain.ids import new_id
from domain.results.callbacks import Told
from domain.results.mails.addresses import Subject, local_part, subject_of
from domain.results.mails.reading import LARGEST, opened
from domain.results.mails.statuses import judged, status_of
from domain.results.mails.subjects import named, subject
from domain.results.mails.told import told
from domain.results.returns import BounceKind, ReturnType

SECRET = b"a secret of the tests of mails ....."
MAILS = Path(__file__).parent / "mails"
NOW = datetime(2026, 5, 7, 12, tzinfo=UTC)
ABOUT = Subject(new_id(), new_id())
ADDRESS = f"{local_part(SECRET, ABOUT)}@back.tea.example"
HARD, SOFT = (ReturnType.BOUNCED, BounceKind.HARD), (ReturnType.BOUNCED, BounceKind.SOFT)
SAID: dict[str, tuple[ReturnType, BounceKind | None] | None] = {
    "postfix-unknown-user": HARD,
    "postfix-delayed": (ReturnType.DEFERRED, None),
    "gmail-expired": SOFT,
    "exchange-full": SOFT,
    "office365-unknown-only-in-diagnostic": HARD,
    "exim-relaying-denied": SOFT,
    "qmail-in-words": HARD,
    "smtputf8": HARD,
    "delivered": (ReturnType.DELIVERED, None),
    "complaint": (ReturnType.COMPLAINED, None),
    "complaint-opt-out": (ReturnType.UNSUBSCRIBED, None),
    "complaint-not-spam": None,
    "out-of-office": None,
    "out-of-office-of-exchange": None,
    "read-receipt": None,
    "mailing-list": None,
    "answer": (ReturnType.REPLIED, None),
}


def raw(name: str, to: str = ADDRESS, message: UUID = ABOUT.message_id) -> bytes:
    text = (MAILS / f"{name}.eml").read_text()
    return text.replace("{to}", to).replace("{message}", str(message)).encode()


def read(content: bytes) -> Told:
    mail = opened(content)
    assert subject(mail, (), [SECRET]) == ABOUT
    return told(mail, [ABOUT.message_id], NOW)


def said(of: Told) -> tuple[ReturnType, BounceKind | None] | None:
    assert len(of.events) + len(of.inbound) <= 1
    if of.inbound:
        assert of.inbound[0].message_ids == (ABOUT.message_id,)
        return ReturnType.REPLIED, None
    return (of.events[0].type, of.events[0].bounce_kind) if of.events else None


def test_every_mail_of_the_folder_is_one_that_is_expected() -> None:
    assert {file.stem for file in MAILS.iterdir()} == set(SAID)


@pytest.mark.parametrize("name", SAID)
def test_what_servers_and_people_write(name: str) -> None:
    whole = raw(name)
    assert said(read(whole)) == SAID[name]
    # The same over a wire that ends lines as it should, from a pipe that says who sent it, and once more.
    lines = whole.replace(b"\n", b"\r\n")
    assert read(lines) == read(whole) == read(b"From MAILER-DAEMON Mon May  4 12:00:00 2026\n" + whole)


def test_events_tell_when_and_why_and_no_address() -> None:
    (event,) = read(raw("postfix-unknown-user")).events
    assert event.at == datetime(2026, 5, 4, 10, 0, 7, tzinfo=UTC)
    assert event.detail
    assert event.detail.startswith("5.1.1 smtp; 550 5.1.1")
    assert "ann@" not in event.detail
    (answer,) = read(raw("answer")).inbound
    assert (answer.address, answer.text) == ("ann@x.example", "")


def test_a_report_without_our_address_names_the_message() -> None:
    for name in ("postfix-unknown-user", "postfix-delayed", "exchange-full", "exim-relaying-denied", "smtputf8"):
        assert named(opened(raw(name, "hello@tea.example")))[0] == ABOUT.message_id, name
    assert named(opened(raw("answer", "hello@tea.example"))) == (ABOUT.message_id,)


def test_addresses_are_ours_or_nobodys() -> None:
    local = ADDRESS.partition("@")[0]
    assert len(local) == 64
    assert subject_of([SECRET], [f"Tea <{ADDRESS.upper()}>, x@y.example"]) == ABOUT
    assert subject_of([b"x" * 32, SECRET], [ADDRESS]) == ABOUT
    assert subject_of([b"x" * 32], [ADDRESS]) is None
    for place in range(64):
        other = "a" if local[place] != "a" else "b"
        assert subject_of([SECRET], [f"{local[:place]}{other}{local[place + 1 :]}@back.tea.example"]) is None
    assert subject_of([SECRET], [f"x{ADDRESS}", local, "", f"{'1' * 64}@x.example"]) is None


def test_whom_a_mail_quotes_is_looked_at_in_reports_alone() -> None:
    quoting = f"From: a@x.example\nTo: hello@tea.example\n\nOn Monday {ADDRESS} wrote:\n> Return-Path: <{ADDRESS}>\n"
    assert subject(opened(quoting.encode()), (), [SECRET]) is None
    assert subject(opened(quoting.encode()), [ADDRESS], [SECRET]) == ABOUT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.1.1", "5.1.1"),
        ("smtp; 550-5.7.26 This mail is unauthenticated", "5.7.26"),
        ("5.0.0 550 5.1.1 no", "5.1.1"),
        ("smtp; 450 too busy", "4.0.0"),
        ("host 5.1.1.9 said 2001", None),
        ("Sorry, no mailbox here. (#5.1.1)", "5.1.1"),
        ("at the end 5.1.1.", "5.1.1"),
    ],
)
def test_the_status_that_says_most(text: str, expected: str | None) -> None:
    assert status_of(text) == expected


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("failed", "5.1.1", HARD),
        ("Failed", "5.4.4", HARD),
        ("failed", "5.1.8", SOFT),
        ("failed", "5.2.2", SOFT),
        ("failed", "5.7.1", SOFT),
        ("failed", "4.4.7", SOFT),
        ("failed", None, SOFT),
        ("delayed", "5.1.1", (ReturnType.DEFERRED, None)),
        ("relayed", "2.0.0", (ReturnType.ACCEPTED, None)),
        ("", "5.1.1", HARD),
        ("", "4.2.0", (ReturnType.DEFERRED, None)),
        ("", None, None),
        ("danced", None, None),
    ],
)
def test_what_a_status_means(action: str, status: str | None, expected: object) -> None:
    assert judged(action, status) == expected


def hostile() -> dict[str, bytes]:
    to = f"To: {ADDRESS}\n".encode()
    report = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    nested = b"".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n".encode() for n in range(3_000))
    inside = b"Content-Type: message/rfc822\n\n" * 5_000
    encoded = b"Content-Transfer-Encoding: base64\n"
    status = b"--b\nContent-Type: message/delivery-status\n\n"
    return {
        "nothing": b"",
        "zeros": b"\0" * 10_000,
        "no header": b"\n\n\n",
        "huge": to + b"\n" + b"x" * 3_000_000,
        "lines": to + report + b"--b\n" * 200_000,
        "empty lines": to + report + b"\n" * 300_000,
        "carriage returns": to + report + b"\r" * 300_000,
        "nested": to + nested,
        "inside": to + inside,
        "parameters": to + b"Content-Type: multipart/report" + b";a=b" * 60_000 + b"\n\n",
        "quotes": to + b'Content-Type: multipart/report; boundary="' + b";" * 200_000 + b"\n\n",
        "folded": to + b"Content-Type: multipart/report;\n" + b" a*0*=utf-8''%00;\n" * 9_000 + b"\n",
        "headers": b"".join(f"X-{n}: y\n".encode() for n in range(20_000)) + to,
        "references": to + b"References: " + f"<{new_id()}@x>".encode() * 9_000 + b"\n\n",
        "words": to + b"Subject: " + b"=?utf-8?b?" * 20_000 + b"\n\n",
        "addresses": b"To: " + b"a" * 64 + b"@x, " + b"<" * 100_000 + b"\n\n",
        "from": to + b"From: " + b'"(' * 50_000 + b"\n\n",
        "charset": to
        + b"Content-Type: text/plain; charset=\xff\x00nope\nContent-Transfer-Encoding: base64\n\n\xff\xfe=",
        "surrogates": to
        + report
        + status
        + b"\nAction: failed\nDiagnostic-Code: x; \xff\xed\xa0\x80\0\nStatus: 5.1.1\n",
        "date": to + b"Date: Fri, 99 Foo 99999 99:99:99 +9999999999999\n\nx",
        "dates": to + b"Date: Mon, 04 May 2026 10:00:00 +235959\n\nx",
        "recipients": to + report + status + b"\nAction: failed\nStatus: 5.1.1\n\n" * 4_000,
        "encoded status": to + report + status.replace(b"\n\n", b"\n" + encoded + b"\n") + b"////",
    }


@pytest.mark.parametrize("name", list(hostile()))
def test_a_hostile_mail_is_read_quickly_and_never_a_fault(name: str) -> None:
    content = hostile()[name]
    began = time.process_time()
    mail = opened(content)
    subject(mail, (), [SECRET])
    named(mail)
    of = told(mail, [ABOUT.message_id], NOW)
    assert time.process_time() - began < 1
    for event in of.events:
        assert len(event.event_id) < 100
        assert "\0" not in (event.detail or "").encode().decode()
    assert len(of.events) <= 20
    assert len(content) <= LARGEST or not of.events


def test_mails_that_are_broken_anywhere_are_no_fault() -> None:
    chance = random.Random(6)
    whole = [raw(name) for name in SAID]
    for turn in range(1_500):
        content = bytearray(whole[turn % len(whole)])
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(content))
            match chance.randrange(4):
                case 0:
                    content[at] = chance.randrange(256)
                case 1:
                    del content[at : at + chance.randrange(60)]
                case 2:
                    content[at:at] = chance.choice([b"\n", b"\r", b"\0", b"\n\n", b"=?", b";", b'"', b"\xff\xfe"])
                case _:
                    other = chance.choice(whole)
                    content[at:at] = other[chance.randrange(len(other)) :][:200]
        mail = opened(bytes(content))
        subject(mail, (), [SECRET])
        named(mail)
        for event in told(mail, [ABOUT.message_id], NOW).events:
            (event.detail or "").encode()
