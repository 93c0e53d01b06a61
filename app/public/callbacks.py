"""POST /callbacks/{organization}/{account}: what providers tell of messages, and what people answer.

Who is not genuine learns nothing: an account that there is not answers as a wrong signature does. What is genuine is
stored with all that follows from it in one transaction, and answered.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.public import schemes
from app.public.accounts import Accounts, Verifier
from app.public.bodies import MOST, TooLargeError, beginning
from app.public.certificates import Amazon, UnfetchableError
from app.public.turns import BusyError, Turns
from db.database import Database, Transaction
from db.results.events import take_back
from db.results.inbound import take_answers
from db.results.receipts import receive
from domain.forms import is_multipart
from domain.results.callbacks import LARGEST, Callback, Told, UnreadableError
from domain.results.providers import mailgun, raw, sendgrid, sns, twilio, webhook
from domain.results.providers.reading import form
from domain.suppressions import AddressKey

PATH = "/callbacks/{organization:uuid}/{account:uuid}"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_log = logging.getLogger("wayfare.callbacks")


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What taking callbacks needs; base: PUBLIC_URL, by which a provider knows us, None: as the request says."""

    database: Database
    accounts: Accounts
    amazon: Amazon
    secret: bytes | None
    base: str | None = None
    turns: Turns = field(default_factory=Turns)
    # Bounces come by the thousand after a campaign, and must not keep out what providers tell.
    mail_turns: Turns = field(default_factory=Turns)

    @property
    def secrets(self) -> list[bytes]:
        """What signs addresses of ours."""
        return [self.secret] if self.secret else []


def callback_routes() -> list[BaseRoute]:
    return [Route(PATH, take, methods=["POST"])]


async def take(request: Request) -> Response:
    """200 when it is stored or was before, 401 when it is not genuine, 400 when it cannot be read, 413, 503."""
    here: Callbacks = request.app.state.callbacks
    try:
        callback = await _read(request, here.base)
        async with here.turns.turn():
            return _answer(await _take(here, request, callback))
    except TooLargeError:
        return _answer(413)
    except (UnreadableError, ClientDisconnect):
        return _answer(400)
    except UnfetchableError as error:
        _log.warning("a certificate of SNS cannot be fetched: %s", error)
        return _answer(503)
    except BusyError:
        return _answer(503)


async def _read(request: Request, base: str | None) -> Callback:
    """All of it; of a form, which may hold what is attached to a mail, what comes first."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    signed = sha256(schemes.stamp(headers).encode())
    most = MOST if is_multipart(headers.get("content-type", "")) else LARGEST
    body = await beginning(request, LARGEST, most, signed.update)
    return Callback(body, headers, _url(request, base), signed.digest())


async def _take(here: Callbacks, request: Request, callback: Callback) -> int:
    now = datetime.now(UTC)
    account = await here.accounts.find(request.path_params["organization"], request.path_params["account"])
    genuine = None if account is None else await _genuine(here, account, callback, now)
    if account is None or genuine is None:
        return 401
    await _store(here, account, *genuine)
    return 200


async def _genuine(here: Callbacks, account: Verifier, callback: Callback, now: datetime) -> tuple[str, Told] | None:
    """What names the callback, and what it says; None when it is not to be believed."""
    nonce: str | None
    type_ = callback.headers.get("content-type", "")
    match account.kind:
        case "SENDGRID":
            by_password = schemes.password(callback, account.keys) if is_multipart(type_) else None
            nonce = by_password or schemes.sendgrid(callback, account.keys, now)
            return None if nonce is None else (nonce, sendgrid.read(callback.body, type_, now, here.secrets))
        case "MAILGUN":
            nonce = schemes.mailgun_(callback, account.keys, now)
            return None if nonce is None else (nonce, mailgun.read(callback.body, type_, now, here.secrets))
        case "SMTP":
            nonce = schemes.password(callback, account.keys)
            return None if nonce is None else (nonce, raw.read(callback.body, now, here.secrets))
        case "TWILIO":
            fields = form(callback.body, type_)
            nonce = schemes.twilio(callback, account.keys, fields)
            return None if nonce is None else (nonce, twilio.read(fields, callback.url, now))
        case "SNS":
            return await _notified(here, account, callback, now)
        case "WEBHOOK":
            nonce = schemes.standard(callback, account.keys, now)
            return None if nonce is None else (nonce, webhook.read(callback.body, nonce, now))
    return None


async def _notified(here: Callbacks, account: Verifier, callback: Callback, now: datetime) -> tuple[str, Told] | None:
    """A notification of Amazon, or its question whether we want any."""
    given = sns.envelope(callback.body)
    certificate = await here.amazon.certificate(given.get("SigningCertURL", ""))
    nonce = None if certificate is None else schemes.amazon(given, account.keys, certificate, now)
    if nonce is None:
        return None
    if given["Type"] == sns.CONFIRMATIONS[0] and not await here.amazon.confirm(given.get("SubscribeURL", "")):
        return None
    return nonce, sns.read(given, now, here.secrets)


async def _store(here: Callbacks, account: Verifier, nonce: str, told: Told) -> None:
    key = None if here.secret is None else AddressKey.of(here.secret, account.organization_id)

    async def work(tx: Transaction) -> None:
        if await receive(tx, account.account_id, nonce):
            await take_back(tx, told.events, key)
            await take_answers(tx, told.inbound, key, account.brand_id)

    await here.database.attempt(account.organization_id, work)


def _url(request: Request, base: str | None) -> str:
    """As the provider called it: behind a proxy the request itself does not know."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{base.rstrip('/')}{request.scope['path']}{query}" if base else str(request.url)


def _answer(status: int) -> Response:
    return Response(status_code=status, headers=_HEADERS | ({"Retry-After": "10"} if status == 503 else {}))
