"""Pages for recipients of messages: plain HTML that needs no script, loads nothing and can be framed by nobody."""

from base64 import b64encode
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse, Response

from app.public.texts import Html, Texts

_STYLE = """
body { font: 1.0625rem/1.5 system-ui, sans-serif; color: #18181b; background: #fafafa; margin: 0 }
main { max-width: 38rem; margin: 2rem auto; padding: 1.5rem 2rem; background: #fff; border: 1px solid #d4d4d8;
  border-radius: .5rem }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 1rem }
fieldset { border: 0; border-top: 1px solid #d4d4d8; margin: 0; padding: 1rem 0 }
legend { font-weight: 600; padding: 0; float: inline-start; width: 100% }
legend + * { clear: both }
label { display: inline-flex; align-items: center; gap: .5rem; margin-inline-end: 1.5rem; padding: .25rem 0 }
input[type=checkbox], input[type=radio] { width: 1.125rem; height: 1.125rem; accent-color: #1d4ed8 }
p { margin: 0 0 .75rem }
p.aside { margin-top: 1.5rem }
.said { background: #dcfce7; border: 1px solid #15803d; border-radius: .25rem; padding: .75rem 1rem }
.small { color: #52525b; font-size: .9375rem }
button { font: inherit; font-weight: 600; color: #fff; background: #1d4ed8; border: 0; border-radius: .25rem;
  padding: .625rem 1.25rem; cursor: pointer }
button.quiet { color: #1d4ed8; background: #fff; border: 1px solid #1d4ed8 }
form + form { margin-top: .75rem }
a { color: #1d4ed8 }
:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px }
@media (max-width: 40rem) { main { margin: 0; border: 0; padding: 1.25rem } }
""".strip()
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
# The page's own address must not be told to anybody else; its form needs an origin that is not null.
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Vary": "Accept-Language",
}


def page(say: Texts, title: str, body: str, status: int = 200, **values: str) -> Response:
    """`title` is the key of a text, `body` HTML of ours."""
    return HTMLResponse(
        f'<!doctype html>\n<html lang="{say.language}" dir="{say.dir}">\n<head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(say.plain(title, **values))}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>\n<h1>{say.html(title, **values)}</h1>\n{body}\n</main></body>\n</html>\n",
        status,
        _HEADERS | {"Content-Language": say.language},
    )


def refusal(say: Texts, status: int, why: str) -> Response:
    """`why`: unclear, unknown, gone or busy."""
    return page(say, f"{why}.title", f"<p>{say.html(f'{why}.text')}</p>", status)


def asking(say: Texts, brand: str, topic: str, preferences: str) -> Response:
    """Before unsubscribing: a mail scanner that follows the link changes nothing."""
    return page(
        say,
        "unsubscribe.title",
        f"<p>{say.html('unsubscribe.text', topic=topic)}</p>\n"
        '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
        f'<button type="submit">{say.html("unsubscribe.button")}</button></form>\n'
        f'<p class="small aside">{say.html("unsubscribe.or", choose=_choose(say, preferences))}</p>',
        brand=brand,
    )


def unsubscribed(say: Texts, brand: str, topic: str, preferences: str) -> Response:
    return page(
        say,
        "unsubscribed.title",
        f'<p class="said" role="status">{say.html("unsubscribed.text", brand=brand, topic=topic)}</p>\n'
        f"<p>{say.html('unsubscribed.mistake', choose=_choose(say, preferences))}</p>",
    )


def confirming(say: Texts, brand: str, topic: str) -> Response:
    return page(
        say,
        "confirm.title",
        f"<p>{say.html('confirm.text', brand=brand, topic=topic)}</p>\n"
        '<form method="post"><input type="hidden" name="confirm" value="yes">'
        f'<button type="submit">{say.html("confirm.button")}</button></form>\n'
        f'<p class="small aside">{say.html("confirm.otherwise")}</p>',
    )


def confirmed(say: Texts, brand: str, topic: str) -> Response:
    said = say.html("confirmed.text", brand=brand, topic=topic)
    return page(say, "confirmed.title", f'<p class="said" role="status">{said}</p>')


def _choose(say: Texts, preferences: str) -> Html:
    return Html(f'<a href="{escape(preferences)}">{say.html("unsubscribe.choose")}</a>')
