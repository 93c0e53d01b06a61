"""Pages for recipients of messages: plain HTML that needs no script, loads nothing and can be framed by nobody."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse, Response

from db.contacts import Choice
from domain.consents import Channel

_STYLE = """
body { font: 1.0625rem/1.5 system-ui, sans-serif; color: #18181b; background: #fafafa; margin: 0 }
main { max-width: 38rem; margin: 2rem auto; padding: 1.5rem 2rem; background: #fff; border: 1px solid #d4d4d8;
  border-radius: .5rem }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 1rem }
fieldset { border: 0; border-top: 1px solid #d4d4d8; margin: 0; padding: 1rem 0 }
legend { font-weight: 600; padding: 0; float: left; width: 100% }
legend + * { clear: both }
label { display: inline-flex; align-items: center; gap: .5rem; margin-right: 1.5rem; padding: .25rem 0 }
input[type=checkbox], input[type=radio] { width: 1.125rem; height: 1.125rem; accent-color: #1d4ed8 }
p { margin: 0 0 .75rem }
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
}
_CHANNELS = {
    Channel.EMAIL: "E-mail",
    Channel.SMS: "Text message",
    Channel.PUSH: "App notification",
    Channel.WALLET: "Wallet pass",
    Channel.WEBHOOK: "Other systems",
}


def page(title: str, body: str, status: int = 200) -> Response:
    """`body` is HTML of ours."""
    return HTMLResponse(
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>\n<h1>{escape(title)}</h1>\n{body}\n</main></body>\n</html>\n",
        status,
        _HEADERS,
    )


def refusal(status: int, title: str, text: str) -> Response:
    return page(title, f"<p>{escape(text)}</p>", status)


def asking(brand: str, topic: str, preferences: str) -> Response:
    """Before unsubscribing: a mail scanner that follows the link changes nothing."""
    return page(
        f"Unsubscribe from {brand}",
        f"<p>You will get no more messages about “{escape(topic)}” on this channel.</p>\n"
        '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
        '<button type="submit">Unsubscribe</button></form>\n'
        f'<p class="small"><br>Or <a href="{escape(preferences)}">choose what you want to hear</a>.</p>',
    )


def unsubscribed(brand: str, topic: str, preferences: str) -> Response:
    return page(
        "You are unsubscribed",
        f'<p class="said" role="status">{escape(brand)} sends you no more messages about “{escape(topic)}” '
        "on this channel.</p>\n"
        f'<p>By mistake? <a href="{escape(preferences)}">Choose what you want to hear</a>.</p>',
    )


def confirming(brand: str, topic: str) -> Response:
    return page(
        "One more step",
        f"<p>Do you want {escape(brand)} to write to you about “{escape(topic)}”?</p>\n"
        '<form method="post"><input type="hidden" name="confirm" value="yes">'
        '<button type="submit">Yes, write to me</button></form>\n'
        '<p class="small"><br>If you did not ask for this, close this page: you get no more messages.</p>',
    )


def confirmed(brand: str, topic: str) -> Response:
    said = f"From now on {escape(brand)} writes to you about “{escape(topic)}”."
    return page("Thank you", f'<p class="said" role="status">{said}</p>')


def preferences(
    brand: str, choices: Sequence[Choice], preferred: str | None, *, saved: bool, suppressed: Sequence[Channel]
) -> Response:
    """What the customer wants of the brand, to be changed without a script."""
    said = '<p class="said" role="status">Saved. This is what you want to hear now.</p>\n' if saved else ""
    for channel in suppressed:
        said += (
            f"<p>Nothing is sent to your {escape(_CHANNELS[channel].lower())} address at all, whatever you choose: "
            "it was reported as not reachable, or somebody asked for that.</p>\n"
        )
    if not choices:
        return page(f"Messages from {brand}", f"{said}<p>There is nothing to choose here.</p>")
    topics: dict[str, list[Choice]] = {}
    for choice in choices:
        topics.setdefault(choice.topic, []).append(choice)
    fields = "\n".join(_topic(some) for some in topics.values())
    return page(
        f"Messages from {brand}",
        f"{said}<p>Choose what you want to hear, and how.</p>\n"
        f'<form method="post">\n{fields}\n{_preferred(choices, preferred)}\n'
        '<button type="submit" name="save" value="save">Save</button></form>\n'
        '<form method="post"><button class="quiet" type="submit" name="save" value="nothing">'
        "Unsubscribe from everything</button></form>",
    )


def _topic(choices: Sequence[Choice]) -> str:
    first = choices[0]
    text = f'<p class="small">{escape(first.description)}</p>' if first.description else ""
    return f"<fieldset><legend>{escape(first.name)}</legend>{text}<div>{''.join(map(_box, choices))}</div></fieldset>"


def _box(choice: Choice) -> str:
    name = escape(f"{choice.channel}:{choice.topic}")
    waits = ' <span class="small">(not confirmed yet)</span>' if choice.pending else ""
    return (
        f'<input type="hidden" name="shown" value="{name}">'
        f'<label><input type="checkbox" name="want" value="{name}"{" checked" if choice.wanted else ""}>'
        f"{_CHANNELS[choice.channel]}{waits}</label>"
    )


def _preferred(choices: Sequence[Choice], preferred: str | None) -> str:
    channels = list(dict.fromkeys(choice.channel for choice in choices))
    if len(channels) < 2:
        return ""
    boxes = "".join(
        f'<label><input type="radio" name="prefer" value="{value}"{" checked" if value == (preferred or "") else ""}>'
        f"{label}</label>"
        for value, label in [("", "No matter"), *((channel.value, _CHANNELS[channel]) for channel in channels)]
    )
    return f"<fieldset><legend>Where there is a choice, reach me by</legend><div>{boxes}</div></fieldset>"
