"""The development inbox as a page: every mail that was sent, for `wayfare run` only."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from html import escape
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.explorer import OWN_HOST

SHOWN = 200

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*\.eml")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b2430}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #dde3ea}"
    "a{color:#1456b8}iframe{width:100%;height:30rem;border:1px solid #dde3ea}pre{white-space:pre-wrap}"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}
# A mail is somebody else's HTML: no scripts, no origin, nothing loaded from anywhere, shown in our frame only.
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The mails in a folder of `.eml` files whose names begin with the time."""

    folder: Path

    def routes(self) -> list[Route]:
        """The list, a mail, and its HTML part alone."""
        return [
            Route("/inbox", self.index),
            Route("/inbox/{name}", self.mail),
            Route("/inbox/{name}/html", self.html),
        ]

    async def index(self, request: Request) -> Response:
        _require_own_host(request)
        names = sorted((file.name for file in self.folder.glob("*.eml") if _NAME.fullmatch(file.name)), reverse=True)
        more = f"<p>and {len(names) - SHOWN:,} older ones</p>" if len(names) > SHOWN else ""
        rows = "".join(self._row(name) for name in names[:SHOWN])
        head = "<tr><th>Sent</th><th>To</th><th>Subject</th></tr>"
        return _page(f"Inbox: {len(names):,} mails", f"<table>{head}{rows}</table>{more}")

    async def mail(self, request: Request) -> Response:
        _require_own_host(request)
        name, message = self._read(request)
        headers = "".join(_header(title, message[title]) for title in ("From", "To", "Subject", "Date", "Message-ID"))
        parts = "".join(_part(name, part) for part in _bodies(message))
        return _page(str(message["Subject"]), f'<p><a href="/inbox">Inbox</a></p><table>{headers}</table>{parts}')

    async def html(self, request: Request) -> Response:
        _require_own_host(request)
        _, message = self._read(request)
        for part in _bodies(message):
            if part.get_content_type() == "text/html":
                return HTMLResponse(part.get_content(), headers=_HEADERS | {"Content-Security-Policy": _MAIL_POLICY})
        raise HTTPException(404)

    def _row(self, name: str) -> str:
        with (self.folder / name).open("rb") as file:
            message = BytesHeaderParser(policy=policy.default).parse(file)
        sent, to, subject = (escape(str(message[title] or "")) for title in ("Date", "To", "Subject"))
        return f'<tr><td>{sent}</td><td>{to}</td><td><a href="/inbox/{name}">{subject or "(none)"}</a></td></tr>'

    def _read(self, request: Request) -> tuple[str, EmailMessage]:
        name = request.path_params["name"]
        file = self.folder / name
        if not _NAME.fullmatch(name) or not file.is_file():
            raise HTTPException(404)
        message = BytesParser(policy=policy.default).parsebytes(file.read_bytes())
        assert isinstance(message, EmailMessage)
        return name, message


def _require_own_host(request: Request) -> None:
    if not OWN_HOST.fullmatch(request.headers.get("Host", "")):
        raise HTTPException(404)


def _bodies(message: EmailMessage) -> Iterator[EmailMessage]:
    for part in message.walk():
        if part.get_content_type() in ("text/html", "text/plain") and isinstance(part, EmailMessage):
            yield part


def _part(name: str, part: EmailMessage) -> str:
    if part.get_content_type() == "text/html":
        return f'<h2>HTML</h2><iframe sandbox src="/inbox/{name}/html" title="HTML part"></iframe>'
    return f"<h2>Text</h2><pre>{escape(part.get_content())}</pre>"


def _header(title: str, value: object) -> str:
    return f"<tr><th>{title}</th><td>{escape(str(value or ''))}</td></tr>"


def _page(title: str, body: str) -> Response:
    head = f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
    return HTMLResponse(f"{head}<h1>{escape(title)}</h1>{body}", headers=_HEADERS)
