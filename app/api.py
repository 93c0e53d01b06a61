"""The ASGI application that `wayfare serve` runs."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from app.admission import Admission
from app.callers import token_keys, trusted_issuer
from app.documents import Documents
from app.explorer import explorer_routes
from app.gate import Gate
from app.graphql import graphql
from app.health import Health, health_routes
from app.live import Hub
from app.mailbox import Mailbox
from app.operations import TURNS
from app.origins import Origins
from app.parts import Parts
from app.posts import Posts
from app.pressure import Pressure
from app.providers import carried, trying
from app.public.accounts import Accounts
from app.public.callbacks import Callbacks, callback_routes
from app.public.certificates import Amazon
from app.public.mails import mail_routes
from app.public.passes import pass_routes
from app.public.preferences import preference_routes
from app.public.sightings import Sightings
from app.public.tracking import tracking_routes
from app.rate import Rates
from app.recognised import Recognised
from app.results import result
from app.secret import known_secret
from app.settings import Settings
from app.sockets import graphql_socket
from app.sockets.places import Places
from app.telemetry.switch import Telemetry
from app.uploads import upload
from app.webhooks import vault
from app.wrong_keys import WrongKeys
from db.database import REQUESTS, Announce, Bell, Database
from resolvers.tools import Tools
from schema import limits
from schema.export import SDL
from workers.templates import check, show
from workers.webhooks.names import look_up

# Seconds that a request waits for a connection.
PATIENCE = 1.0


def create_app(settings: Settings, bell: Bell | None = None, announce: Announce | None = None) -> Starlette:
    """The application over `settings.database_url`; after a commit `bell` rings and `announce` tells events."""
    if settings.database_url is None:
        message = "DATABASE_URL is not set: the API needs to know its database."
        raise RuntimeError(message)
    url, pooler = settings.database_url, settings.database_pooler == "transaction"
    origins = Origins(settings.origins)
    limits.use(bounds_of(settings))
    keys, issuer = token_keys(settings), trusted_issuer(settings)
    telemetry = Telemetry(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.database = await Database.open(
            url, pooler=pooler, bell=bell, announce=announce, patience=PATIENCE, limits=REQUESTS
        )
        hub = Hub(settings.redis_url)
        hub.start()
        app.state.origins = origins
        app.state.documents = Documents(app.state.database)
        app.state.rates = Rates(settings.redis_url, settings.rate_limit, settings.rate_restore)
        app.state.wrong_keys = WrongKeys(settings.redis_url)
        app.state.get_queries = settings.get_queries
        # Set when the server begins to stop: event streams have no other way to know.
        app.state.stopping = asyncio.Event()
        app.state.places = Places(settings.max_sockets, settings.max_sockets_of_caller)
        app.state.turns = asyncio.Semaphore(TURNS)
        app.state.recognised = Recognised()
        # With the header X-Explain an answer tells how it was read.
        app.state.explains = settings.dev_key is not None
        app.state.pressure = Pressure()
        app.state.health = Health(app.state.database, app.state.stopping)
        beating = asyncio.create_task(app.state.health.beat())
        app.state.tools = Tools(
            check,
            known_secret(settings),
            settings.mail_from,
            hub,
            keys,
            issuer,
            vault(settings),
            settings.outbound_networks,
            look_up,
            trying(settings),
            show_template=show,
            public_url=settings.public_url,
            carried=carried(settings),
        )
        secret = known_secret(settings)
        app.state.sightings = Sightings(app.state.database, [secret] if secret else [])
        accounts = Accounts(app.state.database, vault(settings))
        app.state.callbacks = Callbacks(app.state.database, accounts, Amazon(), secret, settings.public_url)
        # The schema lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        async with telemetry.running(app.state):
            yield
        beating.cancel()
        await app.state.sightings.close()
        await app.state.rates.close()
        await app.state.wrong_keys.close()
        await hub.close()
        await app.state.database.close()

    routes: list[BaseRoute] = [
        Route("/graphql", graphql, methods=["GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"]),
        WebSocketRoute("/graphql", graphql_socket),
        Route("/uploads", upload, methods=["POST"]),
        Route("/results/{operation}", result, methods=["GET"]),
        Route("/schema.graphql", schema_file),
        *tracking_routes(),
        *preference_routes(),
        *callback_routes(),
        *mail_routes(),
        *pass_routes(),
        *health_routes(),
        *explorer_routes(settings.dev_key),
    ]
    if settings.dev_key is not None:
        routes += Mailbox(settings.state / "inbox").routes()
    admission = Admission(origins, settings.hosts)
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state = Parts()
    app.middleware_stack = _stack(app, admission, telemetry)
    return app


def _stack(app: Starlette, admission: Admission, telemetry: Telemetry) -> ASGIApp:
    """Telemetry around everything, then the short way, and behind it the gate and Starlette's own."""
    app.add_middleware(Gate, admission=admission)
    stack: ASGIApp = Posts(app.build_middleware_stack(), app.state, admission)
    for middleware in reversed(telemetry.middleware()):
        stack = middleware.cls(stack, *middleware.args, **middleware.kwargs)
    return stack


async def schema_file(_request: Request) -> Response:
    return PlainTextResponse(SDL.read_text(), media_type="text/plain; charset=utf-8")


def bounds_of(settings: Settings) -> limits.Bounds:
    """What one request may ask for."""
    return limits.Bounds(
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        root_fields=settings.max_root_fields,
        fields=settings.max_fields,
        directives=settings.max_directives,
        cost=settings.max_cost,
    )
