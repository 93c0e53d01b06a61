"""What a request must be before anybody looks at it, and which other origins may read the answer (CORS)."""

from collections.abc import Mapping, Sequence

import orjson
from starlette.responses import Response
from starlette.types import Scope

from app.origins import Origins

MAX_HEADERS, MAX_HEADER_BYTES = 100, 32 * 1024
# A name or an address, and perhaps a port; nothing that could be taken for a path.
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._:[]")
_EXPOSED = "RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed, X-Request-Id"
# Asked by machines that know this process by its address.
_OPEN_TO_ANY_HOST = frozenset({"/live", "/ready", "/metrics"})


class Admission:
    """`hosts`: the names the API answers to; empty for all."""

    def __init__(self, origins: Origins, hosts: Sequence[str] = ()) -> None:
        self._origins = origins
        self._hosts = frozenset(host.lower() for host in hosts)

    def refusal(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """What a request is answered with that may not come in."""
        raw = scope["headers"]
        if len(raw) > MAX_HEADERS or sum(len(name) + len(value) for name, value in raw) > MAX_HEADER_BYTES:
            return _refused(431, "The headers are too many or too long.")
        if not self._is_ours(headers.get("host", ""), scope["path"]):
            return _refused(400, "There is no such host here.")
        if not self._origins.admits(headers.get("origin"), headers.get("host")):
            return _refused(403, "Pages of this origin may not use the API: the operator lists those that may.")
        return None

    def readable(self, origin: str) -> dict[str, str]:
        """The headers that let pages of this origin read an answer. No credentials: keys are sent in a header, never
        as cookies."""
        if not self._origins.lists(origin):
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED}

    def _is_ours(self, host: str, path: str) -> bool:
        host = host.lower()
        if not host or not set(host) <= _HOST_CHARACTERS:
            return False
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return not self._hosts or name in self._hosts or path in _OPEN_TO_ANY_HOST


def _refused(status: int, message: str) -> Response:
    body = {"errors": [{"message": message, "extensions": {"code": "FORBIDDEN" if status == 403 else "BAD_REQUEST"}}]}
    headers = {"Cache-Control": "no-store", "Vary": "Origin", "Content-Type": "application/json; charset=utf-8"}
    return Response(orjson.dumps(body), status, headers)
