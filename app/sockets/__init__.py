"""GraphQL over WebSocket by the protocol graphql-transport-ws, and no other."""

from starlette.websockets import WebSocket

from app.sockets.connection import Connection
from app.sockets.messages import SUBPROTOCOL, Closed
from app.sockets.places import FullError

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
    try:
        with socket.app.state.places.one():
            await Connection(socket).serve()
    except FullError:
        await socket.close(Closed.TRY_LATER, "Try again later")
