"""Uvicorn's WebSocket with one thing more: a way to drop a client that reads nothing, not even that we close."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# The key in an ASGI scope's `state`.
ABORT = "abort"


class Protocol(WebSocketsSansIOProtocol):
    async def run_asgi(self) -> None:
        self.scope["state"][ABORT] = self.transport.abort
        await super().run_asgi()
