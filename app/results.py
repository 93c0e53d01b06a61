"""GET /results/{id}: the file that a bulk operation ended with, for callers who could have started it."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.callers import caller_of
from app.replies import plain, refused, unknown
from app.requests import Unacceptable
from db.bulk_results import Result, find_result, read_result
from db.database import Database
from domain.access import Caller
from domain.bulk import SCOPES, BulkKind
from domain.refusals import Rejected
from resolvers.ids import row_id


async def result(request: Request) -> Response:
    """The file as an attachment; unknown, foreign, unfinished and forgotten ones are 404 alike."""
    database: Database = request.app.state.database
    operation_id = row_id(request.path_params["operation"], "BulkOperation")
    try:
        address = request.client.host if request.client else None
        caller = await caller_of(request.app.state, request.headers.get("authorization"), address=address)
        async with database.tenant(caller.organization_id, caller.brand_ids) as tx:
            found = await find_result(tx, operation_id)
        if found is None:
            return plain(refused(Unacceptable(404, "NOT_FOUND", "There is no such file, or not any more.")))
        _require(caller, found)
    except Rejected as rejection:
        return plain(refused(unknown(rejection)))
    return StreamingResponse(
        read_result(database, caller.organization_id, caller.brand_ids, operation_id),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{found.name}"',
            "Content-Length": str(found.size),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _require(caller: Caller, found: Result) -> None:
    caller.require(SCOPES[BulkKind(found.kind)])
    # Files hold customers, whatever was needed to ask for them.
    caller.require("customers:view")
