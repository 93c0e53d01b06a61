"""The preference page: what a customer wants of a brand, to be changed without a script."""

from collections.abc import Sequence
from html import escape

from starlette.responses import Response

from app.public.pages import page
from app.public.texts import Texts
from db.contacts import Choice
from domain.consents import Channel


def preferences(
    say: Texts,
    brand: str,
    choices: Sequence[Choice],
    preferred: str | None,
    *,
    saved: bool,
    suppressed: Sequence[Channel],
) -> Response:
    """suppressed: EMAIL or SMS, where nothing is sent to the customer's address at all."""
    said = f'<p class="said" role="status">{say.html("preferences.saved")}</p>\n' if saved else ""
    for channel in suppressed:
        said += f"<p>{say.html(f'preferences.suppressed.{channel}')}</p>\n"
    if not choices:
        return page(say, "preferences.title", f"{said}<p>{say.html('preferences.none')}</p>", brand=brand)
    topics: dict[str, list[Choice]] = {}
    for choice in choices:
        topics.setdefault(choice.topic, []).append(choice)
    fields = "\n".join(_topic(say, some) for some in topics.values())
    return page(
        say,
        "preferences.title",
        f"{said}<p>{say.html('preferences.text')}</p>\n"
        f'<form method="post">\n{fields}\n{_preferred(say, choices, preferred)}\n'
        f'<button type="submit" name="save" value="save">{say.html("preferences.save")}</button></form>\n'
        '<form method="post"><button class="quiet" type="submit" name="save" value="nothing">'
        f"{say.html('preferences.nothing')}</button></form>",
        brand=brand,
    )


def _topic(say: Texts, choices: Sequence[Choice]) -> str:
    """What the brand wrote may be in any language, whichever the page is in."""
    first = choices[0]
    text = f'<p class="small"><bdi>{escape(first.description)}</bdi></p>' if first.description else ""
    boxes = "".join(_box(say, choice) for choice in choices)
    return f"<fieldset><legend><bdi>{escape(first.name)}</bdi></legend>{text}<div>{boxes}</div></fieldset>"


def _box(say: Texts, choice: Choice) -> str:
    name = escape(f"{choice.channel}:{choice.topic}")
    waits = f' <span class="small">({say.html("preferences.pending")})</span>' if choice.pending else ""
    return (
        f'<input type="hidden" name="shown" value="{name}">'
        f'<label><input type="checkbox" name="want" value="{name}"{" checked" if choice.wanted else ""}>'
        f"{say.html(f'channel.{choice.channel}')}{waits}</label>"
    )


def _preferred(say: Texts, choices: Sequence[Choice], preferred: str | None) -> str:
    channels = list(dict.fromkeys(choice.channel for choice in choices))
    if len(channels) < 2:
        return ""
    boxes = "".join(
        f'<label><input type="radio" name="prefer" value="{value}"{" checked" if value == (preferred or "") else ""}>'
        f"{say.html(label)}</label>"
        for value, label in [("", "preferences.any"), *((channel.value, f"channel.{channel}") for channel in channels)]
    )
    return f"<fieldset><legend>{say.html('preferences.prefer')}</legend><div>{boxes}</div></fieldset>"
