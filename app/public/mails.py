"""POST /mails?to=ADDRESS: a mail that came to an address of ours, as a mail server or `wayfare mail` hands it over.

What it is about, and that it may say so, is the address alone: each message has its own, and only who carried the
message knows it. A mail server should not keep what nobody wants, so whatever can be read is answered as taken.
"""

from datetime import UTC, datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from app.public.bodies import TooLargeError, beginning
from app.public.turns import BusyError
from db.database import Database, Transaction
from db.results.events import take_back
from db.results.inbound import take_answers
from domain.results.callbacks import Told
from domain.results.mails.addresses import Subject
from domain.results.mails.reading import LARGEST, opened
from domain.results.mails.subjects import subject
from domain.results.mails.told import told
from domain.suppressions import AddressKey

PATH = "/mails"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LATER = {"Retry-After": "10"}


def mail_routes() -> list[BaseRoute]:
    return [Route(PATH, take, methods=["POST"])]


async def take(request: Request) -> Response:
    """200 when it was taken, whatever it says; 422 when it came to no address of ours; 413, 503."""
    here = request.app.state.callbacks
    try:
        raw = await beginning(request, LARGEST)
        if here.secret is None:
            # The mail server had better keep it until somebody has said which.
            return _answer(503, "WAYFARE_SECRET is not set.", _LATER)
        async with here.mail_turns.turn():
            return await _take(here.database, here.secret, request.query_params.getlist("to"), raw)
    except TooLargeError:
        return _answer(413, "This is more than a mail.")
    except ClientDisconnect:
        return _answer(400, "The mail ended too early.")
    except BusyError:
        return _answer(503, "Come again.", _LATER)


async def _take(database: Database, secret: bytes, recipients: list[str], raw: bytes) -> Response:
    mail = opened(raw)
    about = subject(mail, recipients, [secret])
    if about is None:
        return _answer(422, "It came to no address of ours.")
    said = told(mail, [about.message_id], datetime.now(UTC))
    await _store(database, AddressKey.of(secret, about.organization_id), about, said)
    return _answer(200, f"Taken: {_named(said)}.")


async def _store(database: Database, key: AddressKey, about: Subject, said: Told) -> None:
    async def work(tx: Transaction) -> None:
        await take_back(tx, said.events, key)
        await take_answers(tx, said.inbound, key)

    if said.events or said.inbound:
        await database.attempt(about.organization_id, work)


def _named(said: Told) -> str:
    """For whoever looks into a mail server's log."""
    kinds = [event.type.value.lower() for event in said.events] + ["an answer" for _ in said.inbound]
    return ", ".join(kinds) or "nothing that says anything of the message"


def _answer(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{text}\n", status, _HEADERS | (headers or {}))
