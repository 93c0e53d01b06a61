"""Files that bulk operations end with, kept in chunks for a week."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from db.database import Database, Transaction

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Result:
    """kind: of the operation; size: in bytes."""

    kind: str
    name: str
    size: int


async def add_result_chunk(tx: Transaction, operation_id: UUID, number: int, content: bytes) -> None:
    """Numbers count from 0."""
    await tx.run(
        """
        insert into bulk_result (organization_id, bulk_operation_id, number, content)
        values (:organization, :id, :number, :content)
        """,
        id=operation_id,
        number=number,
        content=content,
    )


async def name_result(tx: Transaction, operation_id: UUID, name: str) -> None:
    """All chunks are there: from now on the result can be found."""
    await tx.run(
        """
        update bulk_operation set result_name = :name, result_size = (
            select coalesce(sum(length(content)), 0) from bulk_result
            where organization_id = :organization and bulk_operation_id = :id)
        where organization_id = :organization and id = :id
        """,
        id=operation_id,
        name=name,
    )


async def forget_result(tx: Transaction, operation_id: UUID) -> None:
    """Removes what an attempt that was broken off has left; the file of a completed operation stays.

    A worker that dies between the end of the operation and that of its job has the job done again.
    """
    await tx.run(
        """
        delete from bulk_result r using bulk_operation o
        where r.organization_id = :organization and r.bulk_operation_id = :id
          and o.organization_id = r.organization_id and o.id = r.bulk_operation_id and o.state <> 'COMPLETED'
        """,
        id=operation_id,
    )


async def find_result(tx: Transaction, operation_id: UUID) -> Result | None:
    return await tx.record(
        Result,
        """
        select kind, result_name, result_size from bulk_operation
        where organization_id = :organization and id = :id and state = 'COMPLETED' and result_name is not null
        """,
        id=operation_id,
    )


async def read_result(
    database: Database, organization_id: UUID, brands: frozenset[UUID] | None, operation_id: UUID
) -> AsyncIterator[bytes]:
    """The file, a chunk at a time."""
    number = 0
    while True:
        async with database.tenant(organization_id, brands) as tx:
            content: bytes | None = await tx.value(
                """
                select content from bulk_result
                where organization_id = :organization and bulk_operation_id = :id and number = :number
                """,
                id=operation_id,
                number=number,
            )
        if content is None:
            return
        yield content
        number += 1


async def prune_results(tx: Transaction) -> None:
    """Forgets the files of operations that ended a week ago."""
    await tx.run(
        """
        with old as (
            update bulk_operation set result_name = null
            where organization_id = :organization and result_name is not null
              and finished_at < clock_timestamp() - interval '7 days'
            returning id)
        delete from bulk_result where organization_id = :organization and bulk_operation_id in (select id from old)
        """
    )
