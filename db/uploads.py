"""Uploaded files as they are stored: in chunks of one size, so that any place in them can be read."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.records import columns_of
from domain.ids import new_id

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """`size` in bytes; 0 while it is still coming in."""

    id: UUID
    name: str
    size: int
    created_at: datetime


async def create_upload(tx: Transaction, name: str) -> UUID:
    upload_id = new_id()
    await tx.run(
        "insert into upload (organization_id, id, name) values (:organization, :id, :name)", id=upload_id, name=name
    )
    return upload_id


async def add_chunk(tx: Transaction, upload_id: UUID, number: int, content: bytes) -> None:
    """Stores a chunk; numbers count from 0, and all but the last have CHUNK bytes."""
    await tx.run(
        """
        insert into upload_chunk (organization_id, upload_id, number, content)
        values (:organization, :id, :number, :content)
        """,
        id=upload_id,
        number=number,
        content=content,
    )


async def finish_upload(tx: Transaction, upload_id: UUID, size: int) -> None:
    """All is there: from now on it can be found."""
    await tx.run(
        "update upload set size = :size where organization_id = :organization and id = :id", id=upload_id, size=size
    )


async def find_upload(tx: Transaction, upload_id: UUID) -> Upload | None:
    """A complete upload."""
    return await tx.record(
        Upload,
        f"select {columns_of(Upload)} from upload t "
        "where t.organization_id = :organization and t.id = :id and t.size > 0",
        id=upload_id,
    )


async def read_chunk(tx: Transaction, upload_id: UUID, number: int) -> bytes:
    """The chunk of this number; empty after the last."""
    content: bytes | None = await tx.value(
        """
        select content from upload_chunk
        where organization_id = :organization and upload_id = :id and number = :number
        """,
        id=upload_id,
        number=number,
    )
    return content or b""


async def delete_upload(tx: Transaction, upload_id: UUID) -> None:
    await tx.run("delete from upload where organization_id = :organization and id = :id", id=upload_id)


async def prune_uploads(tx: Transaction) -> None:
    """Forgets what nobody has imported within a week."""
    await tx.run(
        "delete from upload "
        "where organization_id = :organization and created_at < clock_timestamp() - interval '7 days'"
    )
