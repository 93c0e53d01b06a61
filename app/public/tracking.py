"""Pixels and links in messages: GET /o/{token}.gif and /c/{token}, told to the ledger in batches.

Nothing of who asks is kept, only whether it was a machine.
"""

from base64 import b64decode
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.public.sightings import Sightings
from domain.results.machines import is_machine
from domain.results.returns import OURS, Returned, ReturnType
from domain.results.tracking import Trace, read_click, read_pixel

_GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}


def tracking_routes() -> list[BaseRoute]:
    return [
        Route("/o/{token}.gif", opened, methods=["GET", "HEAD"]),
        Route("/c/{token}", clicked, methods=["GET", "HEAD"]),
    ]


async def opened(request: Request) -> Response:
    """The same picture whatever the token is: who looks at a mail learns nothing from it."""
    sightings: Sightings = request.app.state.sightings
    trace = read_pixel(sightings.secrets, request.path_params["token"])
    if trace is not None:
        machine = is_machine(request.method, request.headers)
        # Once by people and once by machines: what comes after the first says nothing new.
        sightings.see(trace.organization_id, _seen(trace, ReturnType.OPENED, machine, ""))
    return Response(_GIF, 200, _HEADERS, "image/gif")


async def clicked(request: Request) -> Response:
    """Leads to the stored address and nowhere else; 404 for a token that we did not write."""
    sightings: Sightings = request.app.state.sightings
    trace = read_click(sightings.secrets, request.path_params["token"])
    url = None if trace is None else await sightings.url(trace)
    if trace is None or url is None:
        return Response("There is no such link.", 404, _HEADERS, "text/plain")
    machine = is_machine(request.method, request.headers)
    # Again after a minute: the first may turn out to be a scanner's.
    sightings.see(
        trace.organization_id,
        _seen(trace, ReturnType.CLICKED, machine, f":{trace.link_id}:{int(datetime.now(UTC).timestamp()) // 60}"),
    )
    return RedirectResponse(url, 302, _HEADERS)


def _seen(trace: Trace, type_: ReturnType, machine: bool, which: str) -> Returned:
    event_id = f"{type_}:{trace.message_id}:{'machine' if machine else 'person'}{which}"
    now = datetime.now(UTC)
    return Returned(OURS, event_id, type_, now, trace.message_id, is_machine=machine, link_id=trace.link_id)
