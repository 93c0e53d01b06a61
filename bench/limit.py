"""The limit: a bare route that sends one hand-written statement and passes Postgres' JSON on as bytes.

Same driver and connections, same role, same row-level security, a single round trip; no GraphQL, no authentication, no
limits. Started by bench/servers.py: `uvicorn bench.limit:app`, with DATABASE_URL and ORGANIZATION.
"""

import gc
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from db.connections import Connections
from db.database import APP_ROLE

SIZE = 10
# It serves one organization, so every connection belongs to it from the start and no statement has to say so.
SESSION = {"jit": "off", "timezone": "UTC", "app.organization": str(UUID(os.environ["ORGANIZATION"]))}

STATEMENTS = {file.parent.name: file.read_text() for file in Path(__file__).parent.glob("documents/*/limit.sql")}
HEADERS = [(b"content-type", b"application/json")]

state: dict[str, Any] = {}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """POST {"query": "q1", "variables": [...]}, answered with what the statement gives."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    request = orjson.loads(await _body(receive))
    answer = await _answer(STATEMENTS[request["query"]], request["variables"])
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": answer})


async def _answer(statement: str, variables: list[str]) -> bytes:
    async with state["connections"].use() as connection:
        answer: bytes = await connection.fetchval(statement, *variables)
        return answer


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    return body


async def _live(receive: Any, send: Any) -> None:
    while (await receive())["type"] == "lifespan.startup":
        pool = await asyncpg.create_pool(
            os.environ["DATABASE_URL"],
            min_size=1,
            max_size=SIZE,
            init=_pass_json_on,
            reset=_keep,
            server_settings={"role": APP_ROLE, **SESSION},
        )
        state["connections"] = Connections(pool, SIZE)
        gc.collect()
        gc.freeze()
        await send({"type": "lifespan.startup.complete"})
    await state["connections"].close()
    await send({"type": "lifespan.shutdown.complete"})


async def _pass_json_on(connection: Any) -> None:
    await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")


async def _keep(_connection: Any) -> None:
    """Nothing session-level is ever set, so there is nothing to reset."""
