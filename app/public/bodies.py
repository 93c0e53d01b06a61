"""Bodies of requests from outside: as much as is read of them is kept, the rest only counted."""

from collections.abc import Callable

from starlette.requests import Request

# Mail with what is attached to it: providers hand over up to 30 MB.
MOST = 40 * 1024 * 1024


class TooLargeError(Exception):
    """Nobody whom we know sends so much."""


async def beginning(
    request: Request, kept: int, most: int = MOST, seen: Callable[[bytes], None] | None = None
) -> bytes:
    """The first `kept` bytes of a body of at most `most`; `seen` is given all of it, piece by piece.

    Raises TooLargeError, and ClientDisconnect.
    """
    body, size = bytearray(), 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise TooLargeError
        if seen is not None:
            seen(piece)
        body += piece[: max(0, kept - len(body))]
    return bytes(body)
