"""The web server of the API: uvicorn, set up for what the API promises."""

import uvicorn
from starlette.applications import Starlette

from app.sockets.messages import MAX_MESSAGE
from app.sockets.protocol import Protocol


class Server(uvicorn.Server):
    """Serves `app`; when it stops, sockets are closed with 1012 and event streams end."""

    def __init__(self, app: Starlette, **options: object) -> None:
        defaults: dict[str, object] = {
            "http": "httptools",
            "ws": Protocol,
            # A longer message closes the socket with 1009. Answers are not compressed: each socket would cost memory.
            "ws_max_size": MAX_MESSAGE,
            "ws_per_message_deflate": False,
            "timeout_graceful_shutdown": 3,
            "access_log": False,
            "server_header": False,
        }
        super().__init__(uvicorn.Config(app, **{**defaults, **options}))  # type: ignore[arg-type]  # as Config says
        self.app = app

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # sockets, whatever they are
        self.app.state.stopping.set()
        await super().shutdown(sockets)  # type: ignore[arg-type]  # see above
