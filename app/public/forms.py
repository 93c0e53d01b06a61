"""What a form sends, from a browser or a mail program: in both ways in which HTML writes it."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from domain.forms import is_multipart, parts

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
        if is_multipart(kind):
            given = parts(bytes(body), kind)[:MAX_FIELDS]
            return [(part.name, part.content.decode()) for part in given if not part.is_file]
        if kind.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except (ValueError, LookupError):
        pass
    return None
