"""The development inbox as a page: every message of every channel that was sent, for `wayfare run` only."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from app.explorer import OWN_HOST
from app.letters import NAME, Letter, read_letter

SHOWN = 200
MAX_SEARCH = 200

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b2430;"
    "background:#fff}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #dde3ea;vertical-align:top}"
    "td{overflow-wrap:anywhere}"
    "a{color:#1456b8}iframe{width:100%;height:30rem;border:1px solid #dde3ea;background:#fff}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere}"
    "input{font:inherit;padding:.3rem .6rem;width:20rem;max-width:100%}"
    "b.c{font-size:.75rem;padding:.1rem .5rem;border-radius:1rem;background:#e4ebf5;color:#1b2430}"
    "@media(prefers-color-scheme:dark){body{color:#dfe6ee;background:#12161c}a{color:#8fb8f5}"
    "td,th{border-color:#2c3541}}"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
}
# A message is somebody else's HTML: no scripts, no origin, nothing loaded from anywhere, shown in our frame only.
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The messages in a folder of `.eml` and `.json` files whose names begin with the time."""

    folder: Path

    def routes(self) -> list[Route]:
        """The list as a page and as JSON, a message, and its HTML part alone."""
        return [
            Route("/inbox", self.index),
            Route("/inbox.json", self.listed),
            Route("/inbox/{name}", self.message),
            Route("/inbox/{name}/html", self.html),
        ]

    async def index(self, request: Request) -> Response:
        _require_own_host(request)
        search, letters, number = self._asked(request)
        more = f"<p>and {number - SHOWN:,} older ones</p>" if number > SHOWN else ""
        rows = "".join(_row(letter) for letter in letters)
        head = "<tr><th>Sent</th><th>Channel</th><th>To</th><th>Subject</th></tr>"
        field = f'<form><input type="search" name="q" value="{escape(search)}" placeholder="Search"></form>'
        return _page(f"Inbox: {number:,} messages", f"{field}<table>{head}{rows}</table>{more}")

    async def listed(self, request: Request) -> Response:
        """The same as JSON, each message whole."""
        _require_own_host(request)
        _, letters, number = self._asked(request)
        told = {"total": number, "messages": [letter.told() for letter in letters]}
        return JSONResponse(told, headers=_HEADERS)

    async def message(self, request: Request) -> Response:
        _require_own_host(request)
        letter = self._read(request)
        headers = "".join(_header(title, value) for title, value in letter.headers.items())
        parts = '<p><a href="/inbox">Inbox</a></p>' + f"<table>{headers}</table>"
        if letter.html is not None:
            parts += f'<h2>HTML</h2><iframe sandbox src="/inbox/{letter.name}/html" title="HTML part"></iframe>'
        if letter.text is not None:
            parts += f"<h2>Text</h2><pre>{escape(letter.text)}</pre>"
        if letter.data:
            parts += f"<h2>Data</h2><pre>{escape(letter.shown_data())}</pre>"
        return _page(letter.subject or "(no subject)", parts)

    async def html(self, request: Request) -> Response:
        _require_own_host(request)
        letter = self._read(request)
        if letter.html is None:
            raise HTTPException(404)
        return HTMLResponse(letter.html, headers=_HEADERS | {"Content-Security-Policy": _MAIL_POLICY})

    def _asked(self, request: Request) -> tuple[str, list[Letter], int]:
        """What was searched for, the newest messages with all of its words, and how many there are."""
        search = request.query_params.get("q", "")[:MAX_SEARCH]
        words = search.casefold().split()
        names = sorted((file.name for file in self.folder.glob("*") if NAME.fullmatch(file.name)), reverse=True)
        if not words:
            return search, [self._letter(name) for name in names[:SHOWN]], len(names)
        found = [letter for name in names if (letter := self._letter(name)).says(words)]
        return search, found[:SHOWN], len(found)

    def _letter(self, name: str) -> Letter:
        return read_letter(name, (self.folder / name).read_bytes())

    def _read(self, request: Request) -> Letter:
        name = request.path_params["name"]
        if not NAME.fullmatch(name) or not (self.folder / name).is_file():
            raise HTTPException(404)
        return self._letter(name)


def _require_own_host(request: Request) -> None:
    if not OWN_HOST.fullmatch(request.headers.get("Host", "")):
        raise HTTPException(404)


def _row(letter: Letter) -> str:
    sent, channel, to = escape(letter.sent), escape(letter.channel), escape(letter.to)
    link = f'<a href="/inbox/{quote(letter.name)}">{escape(letter.title)}</a>'
    return f'<tr><td>{sent}</td><td><b class="c">{channel}</b></td><td>{to}</td><td>{link}</td></tr>'


def _header(title: str, value: str) -> str:
    return f"<tr><th>{escape(title)}</th><td>{escape(value)}</td></tr>"


def _page(title: str, body: str) -> Response:
    head = f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
    size = '<meta name="viewport" content="width=device-width">'
    return HTMLResponse(f"{head}{size}<h1>{escape(title)}</h1>{body}", headers=_HEADERS)
