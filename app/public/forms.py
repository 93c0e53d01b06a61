"""What a form sends, from a browser or a mail program: in both ways in which HTML writes it."""

from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from starlette.requests import Request

MAX_BODY = 64 * 1024
MAX_FIELDS = 500


async def form_of(request: Request) -> list[tuple[str, str]] | None:
    """Names and values in their order; None for a body that is no form, or too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return None
    kind = request.headers.get("Content-Type", "")
    try:
        if kind.partition(";")[0].strip().lower() == "multipart/form-data":
            return _multipart(kind, bytes(body))
        if kind.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except (ValueError, LookupError):
        pass
    return None


def _multipart(kind: str, body: bytes) -> list[tuple[str, str]] | None:
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        return None
    parts = [part for part in message.iter_parts() if not part.is_multipart()]
    named = [(part.get_param("name", header="Content-Disposition"), part.get_payload(decode=True)) for part in parts]
    return [
        (name, value.decode().strip("\r\n"))
        for name, value in named[:MAX_FIELDS]
        if isinstance(name, str) and isinstance(value, bytes)
    ]
