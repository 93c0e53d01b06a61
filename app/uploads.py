"""POST /uploads: a file comes in as the body of a request, is stored as it comes, and is answered with its id."""

from collections.abc import AsyncIterator
from uuid import UUID

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.callers import caller_of
from app.replies import JSON, plain, refused, unknown
from app.requests import Unacceptable
from db.database import Database
from db.uploads import CHUNK, add_chunk, create_upload, delete_upload, finish_upload
from domain.access import Caller
from domain.refusals import Refused, Rejected
from domain.values import line
from resolvers.ids import global_id
from resolvers.imports import SCOPE

MAX_UPLOAD = 1024**3


async def upload(request: Request) -> Response:
    """Stores the body under the name in `?name=`; answers 201 `{"id", "size"}` for customersImport and the like."""
    try:
        caller = await _caller(request)
        upload_id, size = await _store(request, caller)
    except Unacceptable as refusal:
        return plain(refused(refusal))
    body = orjson.dumps({"id": global_id("Upload", upload_id), "size": size})
    return Response(body, 201, {"Cache-Control": "no-store"}, JSON)


async def _caller(request: Request) -> Caller:
    try:
        address = request.client.host if request.client else None
        caller = await caller_of(request.app.state, request.headers.get("authorization"), address=address)
        caller.require(SCOPE)
    except Rejected as rejection:
        raise unknown(rejection) from rejection
    return caller


async def _store(request: Request, caller: Caller) -> tuple[UUID, int]:
    """Each chunk in a transaction of its own: neither memory nor a transaction grows with the file."""
    database: Database = request.app.state.database
    name = _name(request)
    async with database.tenant(caller.organization_id, caller.brand_ids) as tx:
        upload_id = await create_upload(tx, name)
    try:
        size = await _store_chunks(database, caller, upload_id, request)
    except BaseException:
        async with database.tenant(caller.organization_id, caller.brand_ids) as tx:
            await delete_upload(tx, upload_id)
        raise
    return upload_id, size


async def _store_chunks(database: Database, caller: Caller, upload_id: UUID, request: Request) -> int:
    number = size = 0
    try:
        async for chunk in _chunks(request):
            size += len(chunk)
            if size > MAX_UPLOAD:
                raise Unacceptable(413, "BAD_REQUEST", f"A file may have {MAX_UPLOAD // 1024**2} MiB; split it.")
            async with database.tenant(caller.organization_id, caller.brand_ids) as tx:
                await add_chunk(tx, upload_id, number, chunk)
            number += 1
    except ClientDisconnect as gone:
        raise Unacceptable(400, "BAD_REQUEST", "The file did not come to its end.") from gone
    if not size:
        raise Unacceptable(400, "BAD_REQUEST", "Send the file as the body of the request.")
    async with database.tenant(caller.organization_id, caller.brand_ids) as tx:
        await finish_upload(tx, upload_id, size)
    return size


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces of CHUNK bytes, the last one shorter."""
    waiting = bytearray()
    async for piece in request.stream():
        waiting += piece
        while len(waiting) >= CHUNK:
            yield bytes(waiting[:CHUNK])
            del waiting[:CHUNK]
    if waiting:
        yield bytes(waiting)


def _name(request: Request) -> str:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unacceptable(415, "BAD_REQUEST", "Send the file uncompressed.")
    try:
        return line(request.query_params.get("name", "upload"), "name")
    except Refused as refused:
        raise Unacceptable(400, "BAD_USER_INPUT", f"name: {refused.message}") from refused
