"""The development inbox's page: what was sent is listed, newest first, and cannot do anything."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import uvicorn
from starlette.applications import Starlette

from app.mailbox import SHOWN, Mailbox
from domain.ids import new_id
from domain.templates import Content
from workers.mails import compose
from workers.parcels import Parcel

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    config = uvicorn.Config(Starlette(routes=Mailbox(folder).routes()), port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def get(port: int, path: str, host: str | None = None) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", path, headers={"Host": host or f"127.0.0.1:{port}"})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read().decode()
    finally:
        connection.close()


def put(folder: Path, name: str, **said: object) -> None:
    html, text = (str(said[part]) if part in said else None for part in ("html", "text"))
    content = Content(str(said.get("subject", name)), html, text)
    if content.html is None and content.text is None:
        content = Content(content.subject, text="Hi")
    mail = Parcel(new_id(), "hello@tea.example", "Tea", "ann@x.example", EVIL, content, datetime.now(UTC))
    (folder / name).write_bytes(b"X-Envelope-From: hello@tea.example\r\n" + compose(mail))


def test_newest_first_and_nothing_else_of_the_folder(folder: Path, port: int) -> None:
    for name in ("20260101T000000-000001.eml", "20260301T000000-000001.eml", "20260201T000000-000001.eml"):
        put(folder, name)
    (folder / ".20260401T000000-000001.eml").write_text("half")
    (folder / "secret.txt").write_text("x")
    status, headers, body = get(port, "/inbox")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert "default-src 'none'" in headers["content-security-policy"]
    places = [body.index(f"2026{month}01T000000-000001.eml") for month in ("03", "02", "01")]
    assert places == sorted(places)
    assert "3 messages" in body
    assert "20260401" not in body
    assert "secret" not in body


def test_an_empty_or_missing_folder_is_an_empty_inbox(folder: Path, port: int) -> None:
    assert "0 messages" in get(port, "/inbox")[2]
    folder.rmdir()
    assert "0 messages" in get(port, "/inbox")[2]


def test_many_mails_are_cut_off(folder: Path, port: int) -> None:
    for number in range(SHOWN + 5):
        put(folder, f"20260101T000000-{number:06}.eml")
    body = get(port, "/inbox")[2]
    assert body.count("href=") == SHOWN
    assert "and 5 older ones" in body


def test_a_mail_is_shown_and_its_markup_does_nothing(folder: Path, port: int) -> None:
    put(folder, "1.eml", subject=EVIL, html=f"<p>Grüße</p>{EVIL}", text=f"Grüße {EVIL}")
    for path in ("/inbox", "/inbox/1.eml"):
        status, headers, body = get(port, path)
        assert status == 200
        assert EVIL not in body
        assert "&lt;script&gt;" in body
        assert "script-src" not in headers["content-security-policy"]
    assert '<iframe sandbox src="/inbox/1.eml/html"' in get(port, "/inbox/1.eml")[2]
    status, headers, body = get(port, "/inbox/1.eml/html")
    assert (status, body.strip()) == (200, f"<p>Grüße</p>{EVIL}")
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"


def test_a_mail_without_html_has_no_html(folder: Path, port: int) -> None:
    put(folder, "1.eml", text="only text")
    assert "<iframe" not in get(port, "/inbox/1.eml")[2]
    assert get(port, "/inbox/1.eml/html")[0] == 404


@pytest.mark.parametrize(
    "path", ["/inbox/no.eml", "/inbox/..%2f..%2fsecret.eml", "/inbox/%2e%2e/x.eml", "/inbox/.1.eml", "/inbox/1.txt"]
)
def test_other_files_are_not_there(folder: Path, port: int, path: str) -> None:
    put(folder, ".1.eml")
    (folder / "1.txt").write_text("x")
    (folder.parent / "secret.eml").write_text("x")
    assert get(port, path)[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_a_name_that_leads_here_from_elsewhere_reads_nothing(folder: Path, port: int, host: str) -> None:
    put(folder, "1.eml", html="<p>")
    assert {get(port, path, host)[0] for path in ("/inbox", "/inbox/1.eml", "/inbox/1.eml/html")} == {404}


def put_other(folder: Path, name: str, **said: object) -> None:
    told = {"channel": "SMS", "id": "1", "at": "2026-03-01", "from": "Tea", "to": "+4915100000001", **said}
    (folder / name).write_text(json.dumps(told))


def test_every_channel_is_shown_and_searched(folder: Path, port: int) -> None:
    put(folder, "20260101T000000-1.eml", subject="A mail")
    put_other(folder, "20260102T000000-2.json", text=f"Your code {EVIL}")
    devices = [{"kind": "FCM", "id": "d"}]
    put_other(folder, "20260103T000000-3.json", channel="PUSH", subject="Push", data={"url": EVIL}, devices=devices)
    put_other(folder, "20260104T000000-4.json", channel="WALLET", subject="Points", data={"points": "120"})
    (folder / "20260105T000000-5.json").write_text("{")
    body = get(port, "/inbox")[2]
    places = [body.index(said) for said in ("WALLET", "PUSH", "SMS", "EMAIL")]
    assert places == sorted(places)
    assert EVIL not in body
    shown = get(port, "/inbox/20260103T000000-3.json")[2]
    assert "FCM" in shown
    assert "&lt;script&gt;" in shown
    assert EVIL not in shown
    found = json.loads(get(port, "/inbox.json?q=POINTS%20120")[2])
    assert [(one["channel"], one["data"]) for one in found["messages"]] == [("WALLET", {"points": "120"})]
    assert json.loads(get(port, "/inbox.json")[2])["total"] == 5
    assert get(port, "/inbox.json", "evil.example")[0] == 404
    assert "1 messages" in get(port, "/inbox?q=code")[2]
    assert EVIL not in get(port, f"/inbox?q={quote(EVIL)}")[2]
