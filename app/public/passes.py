"""Apple's pass web service: telephones say which passes they hold, ask which changed, and fetch them.

A pass's own token is what a telephone shows; whoever has none learns nothing but serials it registered itself.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from db import passes, providers
from db.database import Transaction
from db.passes import Pass
from db.vault import SealedError
from domain.access import NOBODY
from domain.passes import LIBRARY, MAX_HOLDERS, PUSH_TOKEN, Issuer, PassLink, described, pass_token, read_pass_token
from domain.refusals import Rejected
from workers.providers.passes import MEDIA_TYPE, UnsignableError, package

COST = 10
MAX_BODY = 4_096
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_PLACE = "/passes/{organization:uuid}/v1"
_HELD = _PLACE + "/devices/{library}/registrations/{pass_type}"


def pass_routes() -> list[BaseRoute]:
    return [
        Route(_HELD + "/{serial}", hold, methods=["POST"]),
        Route(_HELD + "/{serial}", let_go, methods=["DELETE"]),
        Route(_HELD, changed, methods=["GET"]),
        Route(_PLACE + "/passes/{pass_type}/{serial}", fetch, methods=["GET"]),
        # Telephones tell here what they trip over; nobody reads it.
        Route(_PLACE + "/log", _nothing, methods=["POST"]),
        Route("/pass/{token}", download, methods=["GET"]),
    ]


async def hold(request: Request) -> Response:
    """201 for a telephone that is new, 200 for one that is known."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return _said(413)
    try:
        push_token = str(json.loads(body)["pushToken"])
    except (ValueError, KeyError, TypeError):
        return _said(400)
    if not PUSH_TOKEN.fullmatch(push_token) or not LIBRARY.fullmatch(request.path_params["library"]):
        return _said(400)

    async def work(tx: Transaction, held: Pass) -> Response:
        new = await passes.hold(tx, held.id, request.path_params["library"], push_token, MAX_HOLDERS)
        return _said(201 if new else 200)

    return await _of_pass(request, work)


async def let_go(request: Request) -> Response:
    async def work(tx: Transaction, held: Pass) -> Response:
        await passes.let_go(tx, held.id, request.path_params["library"])
        return _said(200)

    return await _of_pass(request, work)


async def changed(request: Request) -> Response:
    """The serials that changed since the given moment, which is what an answer before said; 204 for none."""
    if busy := await _busy(request):
        return busy
    try:
        given = request.query_params.get("passesUpdatedSince")
        since = datetime.fromtimestamp(int(given) / 1_000_000, UTC) if given else None
    except (ValueError, OverflowError, OSError):
        return _said(400)
    async with request.app.state.database.tenant(request.path_params["organization"]) as tx:
        found = await passes.changed(tx, request.path_params["library"], since)
    if not found:
        return _said(204)
    latest = max(at for _, at in found)
    told = {"serialNumbers": [serial for serial, _ in found], "lastUpdated": str(round(latest.timestamp() * 1_000_000))}
    return JSONResponse(told, headers=_HEADERS)


async def fetch(request: Request) -> Response:
    async def work(tx: Transaction, held: Pass) -> Response:
        return await _packed(request, tx, held)

    return await _of_pass(request, work)


async def download(request: Request) -> Response:
    """The pass by its token alone: what a customer is sent."""
    if busy := await _busy(request):
        return busy
    link = _link(request, request.path_params["token"])
    if link is None:
        return _said(404)

    async with request.app.state.database.tenant(link.organization_id) as tx:
        held = await passes.find_pass(tx, link.device_id)
        return _said(404) if held is None else await _packed(request, tx, held)


async def _packed(request: Request, tx: Transaction, held: Pass) -> Response:
    """200 with the pass, 304 when it shows what it did, 404 without an account that could sign it."""
    if _is_known(request, held.changed_at):
        return _said(304)
    tools = request.app.state.tools
    accounts = await providers.active_accounts(tx, held.brand_id, "WALLET")
    account = next((one for one in accounts if one.kind == "APPLE_WALLET"), None)
    if account is None or tools.public_url is None or tools.vault is None:
        return _said(404)
    try:
        secrets = await providers.open_secrets(tx, tools.vault, account.id)
        told = account.settings
        issuer = Issuer(told["passTypeId"], told["teamId"], told["organizationName"])
        token = pass_token(tools.secret, PassLink(tx.organization_id, held.id))
        place = f"{tools.public_url.rstrip('/')}/passes/{tx.organization_id}/"
        said = described(issuer, held.serial, token, place, held.content)
        packed = await run_in_threadpool(package, said, secrets)
    except (SealedError, UnsignableError):
        return _said(503)
    headers = {**_HEADERS, "Last-Modified": format_datetime(held.changed_at.astimezone(UTC), usegmt=True)}
    return Response(packed, 200, headers, MEDIA_TYPE)


def _is_known(request: Request, changed_at: datetime) -> bool:
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
        return changed_at.replace(microsecond=0) <= since
    except (ValueError, TypeError):
        return False


async def _of_pass(request: Request, work: Callable[[Transaction, Pass], Awaitable[Response]]) -> Response:
    """What a telephone that shows the pass's token asks; 401 for any other."""
    if busy := await _busy(request):
        return busy
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    link = _link(request, token) if scheme == "ApplePass" else None
    if link is None or link.organization_id != UUID(str(request.path_params["organization"])):
        return _said(401)
    known = link

    async def checked(tx: Transaction) -> Response:
        held = await passes.find_pass(tx, known.device_id)
        if held is None or held.serial != request.path_params["serial"]:
            return _said(401)
        return await work(tx, held)

    answer: Response = await request.app.state.database.attempt(known.organization_id, checked)
    return answer


def _link(request: Request, token: str) -> PassLink | None:
    secret = request.app.state.tools.secret
    return read_pass_token([secret], token) if secret else None


async def _busy(request: Request) -> Response | None:
    address = request.client.host if request.client else None
    try:
        await request.app.state.rates.meter(NOBODY, address).charge(COST)
    except Rejected as refusal:
        answer = _said(429)
        answer.headers["Retry-After"] = str(refusal.details.get("retryAfter", 1))
        return answer
    return None


async def _nothing(_request: Request) -> Response:
    return _said(200)


def _said(status: int) -> Response:
    return Response(status_code=status, headers=_HEADERS)
