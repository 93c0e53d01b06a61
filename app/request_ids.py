"""What each request is called: as its client or a proxy on the way says, or by a number of ours."""

import re
from itertools import count
from secrets import token_hex

from starlette.types import Message, Scope, Send

HEADER = b"x-request-id"
# What others may call a request: enough for every proxy's ids, and nothing that could break a line.
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_KEPT = "wayfare.request_id"
# Of this process; a random id for each request would cost more than the rest of a short answer's headers.
_PROCESS = token_hex(6)
_numbers = count(1)


def request_id(scope: Scope) -> str:
    """The id of a request, the same whenever it is asked for."""
    known: str | None = scope.get(_KEPT)
    if known is None:
        known = scope[_KEPT] = _given(scope) or f"{_PROCESS}-{next(_numbers):x}"
    return known


def telling(send: Send, scope: Scope) -> Send:
    """Sends what is sent, with the id among the headers of the answer."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (HEADER, request_id(scope).encode())]
        await send(message)

    return tell


def _given(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == HEADER:
            return value.decode() if _ID.fullmatch(value) else None
    return None
