"""Commands that import uploaded files."""

from uuid import UUID

from db import bulk
from db.database import Transaction
from db.organizations import list_brands
from db.uploads import find_upload
from domain.brands import brand_of
from domain.bulk import SCOPES, BulkKind
from domain.imports import ImportSpec, check_mapping
from domain.refusals import Refused
from domain.values import line
from resolvers.context import Context
from resolvers.paths import camel

SCOPE = SCOPES[BulkKind.IMPORT]
JOB = "imports.run"


async def request(context: Context, upload_id: UUID, spec: ImportSpec) -> tuple[UUID | None, list[Refused]]:
    """Owes the import of an upload and answers its operation; refuses NOT_FOUND, INVALID and UNKNOWN_FIELD.

    Bad rows are not looked at here: the operation lists them.
    """

    async def work(tx: Transaction) -> UUID:
        try:
            source = line(spec.source, "source", limit=100)
            _check_mapping(spec)
            brand_id = brand_of(context.caller.brand_ids, spec.brand_id, "brand")
            upload = await find_upload(tx, upload_id)
            if upload is None:
                raise Refused("NOT_FOUND", "There is no such upload, or it is not complete.", ("upload",))
            if spec.brand_id and spec.brand_id not in {brand.id for brand in await list_brands(tx)}:
                raise Refused("NOT_FOUND", "There is no such brand.", ("brand",))
        except Refused as refused:
            raise camel(refused, "input") from refused
        args = {
            "upload": str(upload_id),
            "kind": spec.kind.value,
            "format": spec.format.value,
            "source": source,
            "brand": str(brand_id) if brand_id else None,
            "mapping": dict(spec.mapping),
        }
        return await bulk.request_operation(
            tx, BulkKind.IMPORT, JOB, actor=context.caller.actor, args=args, total=upload.size
        )

    return await context.command(SCOPE, work)


def _check_mapping(spec: ImportSpec) -> None:
    """By position: clients give the mapping as a list of pairs."""
    try:
        check_mapping(spec)
    except Refused as refused:
        place = list(spec.mapping).index(refused.field[1])
        raise Refused(refused.code, refused.message, ("mapping", str(place), "field")) from refused
