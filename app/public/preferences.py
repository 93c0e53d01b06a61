"""Links in messages that change what somebody is sent: unsubscribing (RFC 8058), preferences, double opt-in.

The link is all that is asked for: no session, no cookie. GET only ever shows a page, because programs that look for
viruses follow every link; POST acts, and acts the same when it comes again.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.public import choosing, pages
from app.public.forms import form_of
from app.public.texts import Texts, texts
from db import contacts
from db.contacts import Contact
from db.database import Transaction
from db.suppressions import find_suppression
from db.topics import topic_of
from domain.access import NOBODY
from domain.consents import Channel
from domain.links import Link, MessageLink, Purpose, read, token
from domain.refusals import Rejected
from domain.suppressions import AddressKey

# Points that a look costs a stranger's address, as a request to the API would.
COST = 10

Answer = Callable[[Request, Transaction, Link, Contact], Awaitable[Response]]


def preference_routes() -> list[BaseRoute]:
    return [
        Route("/unsubscribe/{token}", _unsubscribe, methods=["GET", "POST"]),
        Route("/preferences/{token}", _preferences, methods=["GET", "POST"]),
        Route("/confirm/{token}", _confirm, methods=["GET", "POST"]),
    ]


async def _unsubscribe(request: Request) -> Response:
    if request.method == "POST":
        form = await form_of(request)
        if form is None or ("List-Unsubscribe", "One-Click") not in form:
            return _refused(request, 400, "unclear")
    return await _answered(request, Purpose.UNSUBSCRIBE, _unsubscribing)


async def _unsubscribing(request: Request, tx: Transaction, link: Link, contact: Contact) -> Response:
    topic, preferences = await _topic(tx, contact), f"../preferences/{_token(request, Purpose.PREFERENCES, link)}"
    say = _said(request, contact)
    if request.method != "POST":
        return pages.asking(say, contact.brand_name, topic, preferences)
    await contacts.unsubscribe(tx, contact, at=datetime.now(UTC), source="one-click", ip=_address(request))
    return pages.unsubscribed(say, contact.brand_name, topic, preferences)


async def _confirm(request: Request) -> Response:
    if request.method == "POST" and ("confirm", "yes") not in (await form_of(request) or []):
        return _refused(request, 400, "unclear")
    return await _answered(request, Purpose.CONFIRM, _confirming)


async def _confirming(request: Request, tx: Transaction, _link: Link, contact: Contact) -> Response:
    topic, say = await _topic(tx, contact), _said(request, contact)
    if request.method != "POST":
        return pages.confirming(say, contact.brand_name, topic)
    if not await contacts.confirm(tx, contact, ip=_address(request)):
        return pages.refusal(say, 410, "gone")
    return pages.confirmed(say, contact.brand_name, topic)


async def _preferences(request: Request) -> Response:
    if request.method == "POST":
        request.state.form = await form_of(request)
        if request.state.form is None or not {"save"} & {name for name, _ in request.state.form}:
            return _refused(request, 400, "unclear")
    return await _answered(request, Purpose.PREFERENCES, _choosing)


async def _choosing(request: Request, tx: Transaction, link: Link, contact: Contact) -> Response:
    saved = request.method == "POST"
    if saved:
        await _save(request, tx, contact)
        contact = await contacts.find_contact(tx, link) or contact
    return choosing.preferences(
        _said(request, contact),
        contact.brand_name,
        await contacts.choices(tx, contact),
        contact.preferred_channel,
        saved=saved,
        suppressed=await _suppressed(request, tx, contact),
    )


async def _save(request: Request, tx: Transaction, contact: Contact) -> None:
    form: list[tuple[str, str]] = request.state.form
    every = {(choice.topic, choice.channel) for choice in await contacts.choices(tx, contact)}
    named = {f"{channel}:{topic}": (topic, channel) for topic, channel in every}
    nothing = ("save", "nothing") in form
    shown = every if nothing else {named[value] for name, value in form if name == "shown" and value in named}
    wanted = set() if nothing else {named[value] for name, value in form if name == "want" and value in named}
    await contacts.choose(tx, contact, wanted, shown, _address(request))
    preferred = [value for name, value in form if name == "prefer"]
    if preferred and contact.customer_id is not None and not contact.is_test:
        channel = Channel(preferred[0]) if preferred[0] in list(Channel) else None
        await contacts.prefer(tx, [contact.customer_id], channel)


async def _answered(request: Request, purpose: Purpose, answer: Answer) -> Response:
    """The answer to a link of ours; 404 for any other, and for one about nobody (any more)."""
    try:
        await request.app.state.rates.meter(NOBODY, _address(request)).charge(COST)
    except Rejected as refusal:
        busy = _refused(request, 429, "busy")
        busy.headers["Retry-After"] = str(refusal.details.get("retryAfter", 1))
        return busy
    secret = request.app.state.tools.secret
    link = read([secret], purpose, request.path_params["token"]) if secret else None
    if link is None or (purpose is not Purpose.PREFERENCES and not isinstance(link, MessageLink)):
        return _refused(request, 404, "unknown")
    known = link

    async def work(tx: Transaction) -> Response:
        contact = await contacts.find_contact(tx, known)
        return _refused(request, 404, "unknown") if contact is None else await answer(request, tx, known, contact)

    response: Response = await request.app.state.database.attempt(link.organization_id, work)
    return response


def _said(request: Request, contact: Contact | None = None) -> Texts:
    """The language of the page: the customer's own, else the browser's."""
    return texts(contact.locale if contact else None, request.headers.get("Accept-Language"))


def _refused(request: Request, status: int, why: str) -> Response:
    return pages.refusal(_said(request), status, why)


async def _topic(tx: Transaction, contact: Contact) -> str:
    """What to call the message's topic in front of people."""
    key = contact.topic or "marketing"
    topic = await topic_of(tx, contact.brand_id, key)
    return topic.name if topic else key


async def _suppressed(request: Request, tx: Transaction, contact: Contact) -> list[Channel]:
    key = AddressKey.of(request.app.state.tools.secret, tx.organization_id)
    addresses = {Channel.EMAIL: contact.email and contact.email.lower(), Channel.SMS: contact.phone}
    given = {channel: address for channel, address in addresses.items() if address}
    return [channel for channel, address in given.items() if await find_suppression(tx, key, channel, address)]


def _token(request: Request, purpose: Purpose, link: Link) -> str:
    return token(request.app.state.tools.secret, purpose, link)


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None
