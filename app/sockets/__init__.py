"""GraphQL over WebSocket by the protocol graphql-transport-ws, and no other."""

from starlette.websockets import WebSocket

from app.sockets.connection import Connection
from app.sockets.messages import SUBPROTOCOL, Closed

__all__ = ["graphql_socket"]


async def graphql_socket(socket: WebSocket) -> None:
    """Serves one socket until either side ends it; pages of foreign origins are refused with 403."""
    if not socket.app.state.origins.admits(socket.headers.get("origin"), socket.headers.get("host")):
        # Before it was accepted: the server answers the handshake with 403.
        await socket.close()
        return
    if SUBPROTOCOL not in socket.scope["subprotocols"]:
        await socket.accept()
        await socket.close(Closed.SUBPROTOCOL, "Subprotocol not acceptable")
        return
    await socket.accept(SUBPROTOCOL)
    await Connection(socket).serve()
