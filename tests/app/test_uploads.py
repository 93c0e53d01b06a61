"""Files come in as request bodies: stored in equal chunks, all or nothing, for callers who may."""

import tracemalloc
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app import uploads
from app.recognised import Recognised
from app.wrong_keys import WrongKeys
from db.database import Database
from db.keys import create_key
from db.uploads import CHUNK, find_upload, read_chunk
from domain.access import SCOPES
from resolvers.ids import row_id
from resolvers.tools import Tools

Answer = tuple[int, dict[str, Any]]


@pytest.fixture
async def key(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(SCOPES))


async def post(
    database: Database,
    key: str,
    pieces: Iterable[bytes],
    *,
    query: str = "name=orders.csv",
    lost: bool = False,
    **headers: str,
) -> Answer:
    """Sends the pieces to the route itself, so that the test says how they come; `lost`: the line breaks at the end."""
    app = Starlette(routes=[Route("/uploads", uploads.upload, methods=["POST"])])
    app.state.database, app.state.tools, app.state.recognised = database, Tools(), Recognised()
    app.state.wrong_keys = WrongKeys(None)
    given = {"authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/uploads",
        "raw_path": b"/uploads",
        "http_version": "1.1",
        "query_string": query.encode(),
        "headers": [(n.encode(), v.encode()) for n, v in given.items()],
        "scheme": "http",
        "server": ("test", 80),
        "client": ("test", 1),
        "root_path": "",
    }
    waiting = iter(pieces)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        piece = next(waiting, None)
        if piece is None:
            return {"type": "http.disconnect"} if lost else {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": piece, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], orjson.loads(sent[1]["body"])


async def left(database: Database, organization: UUID) -> tuple[int, int]:
    """How many uploads and chunks there are."""
    async with database.tenant(organization) as tx:
        row = await tx.row(
            "select (select count(*) from upload where organization_id = :organization), "
            "(select count(*) from upload_chunk where organization_id = :organization)"
        )
    assert row
    return row[0], row[1]


@pytest.mark.parametrize("piece", [1_000, 65_536, 3 * CHUNK])
async def test_a_file_is_stored_in_equal_chunks(database: Database, organization: UUID, key: str, piece: int) -> None:
    content = bytes(range(256)) * (CHUNK // 100)
    status, answer = await post(database, key, (content[at : at + piece] for at in range(0, len(content), piece)))
    assert (status, answer["size"]) == (201, len(content))
    async with database.tenant(organization) as tx:
        found = await find_upload(tx, row_id(answer["id"], "Upload"))
        assert found
        assert (found.name, found.size) == ("orders.csv", len(content))
        chunks = [await read_chunk(tx, found.id, number) for number in range(4)]
    assert [len(chunk) for chunk in chunks] == [CHUNK, CHUNK, len(content) - 2 * CHUNK, 0]
    assert b"".join(chunks) == content


async def test_memory_does_not_grow_with_the_file(database: Database, key: str) -> None:
    tracemalloc.start()
    status, _ = await post(database, key, (b"x" * 65_536 for _ in range(64 * 16)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert status == 201
    assert peak < 12 * CHUNK


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": "wf_nobody_secret"}, 401, "UNAUTHENTICATED"),
        ({"authorization": "Basic x"}, 401, "UNAUTHENTICATED"),
        ({"pieces": []}, 400, "BAD_REQUEST"),
        ({"lost": True}, 400, "BAD_REQUEST"),
        ({"content_encoding": "gzip"}, 415, "BAD_REQUEST"),
        ({"query": "name=%00"}, 400, "BAD_USER_INPUT"),
        ({"pieces": [b"x" * CHUNK] * 4}, 413, "BAD_REQUEST"),
    ],
)
async def test_what_cannot_be_taken_leaves_nothing(
    database: Database,
    organization: UUID,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    status: int,
    code: str,
) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD", 3 * CHUNK)
    given = {"key": key, "pieces": [b"x" * CHUNK, b"y"]} | changes
    found, answer = await post(database, **given)
    assert (found, answer["errors"][0]["extensions"]["code"]) == (status, code)
    assert await left(database, organization) == (0, 0)


async def test_uploading_needs_the_scope(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        viewer = await create_key(tx, name="viewer", scopes=["customers:view"])
    status, answer = await post(database, viewer, [b"x"])
    assert (status, answer["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert await left(database, organization) == (0, 0)
