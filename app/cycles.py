"""One request on a connection whose answer, where it is there as a whole, is written at once.

An ASGI extension, as https://asgi.readthedocs.io/en/latest/extensions.html has them: where the scope names it, the
message `http.response.start` may have the body with it, as `whole`, and then it is the only one. Uvicorn's own way of
writing an answer looks at each header by regular expressions, which costs as much as the rest of a small one.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

WHOLE = "wayfare.whole"
EXTENSIONS: dict[str, dict[object, object]] = {WHOLE: {}}


class Cycle(RequestResponseCycle):
    """Uvicorn's, with the extension."""

    async def send(self, message: Any) -> None:
        whole: bytes | None = message.get("whole")
        if whole is None:
            await super().send(message)
        elif not self._written(message["status"], [*self.default_headers, *message["headers"]], whole):
            await super().send(message)
            await super().send({"type": "http.response.body", "body": whole})

    def _written(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Whether it could be: not to who reads slowly or is gone, and not as the last of a connection."""
        if not self.keep_alive or self.disconnected or self.flow.write_paused:
            return False
        head = b"".join([STATUS_LINE[status], *[b"%s: %s\r\n" % header for header in headers]])
        if head.count(b"\n") != len(headers) + 1:
            raise RuntimeError("a header has more than one line")
        if b"\nconnection: " in head:
            return False
        self.response_started = self.response_complete = True
        self.transport.write(b"%s\r\n%s" % (head, body))
        self.message_event.set()
        self.on_response()
        return True
