"""Apple passes as they are stored: what each shows, and which telephones hold it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.records import column, columns_of


@dataclass(frozen=True, slots=True)
class Pass:
    """serial: what its holder's telephone knows it by; changed_at: since when it shows what it shows."""

    id: UUID
    brand_id: UUID
    content: dict[str, Any]
    serial: str = column("t.token")
    changed_at: datetime = column("coalesce(t.content_at, t.created_at)")


async def find_pass(tx: Transaction, device_id: UUID) -> Pass | None:
    return await tx.record(
        Pass,
        f"""
        select {columns_of(Pass)} from customer_device t
        where t.organization_id = :organization and t.id = :id and t.kind = 'APPLE_WALLET' and t.state = 'ACTIVE'
        """,
        id=device_id,
    )


async def hold(tx: Transaction, device_id: UUID, library: str, push_token: str, most: int) -> bool:
    """A telephone wants to hear of a pass; whether that is new. Of one pass the newest ones are kept."""
    made: bool = await tx.value(
        """
        insert into pass_registration (organization_id, device_id, library, push_token)
        values (:organization, :id, :library, :token)
        on conflict (organization_id, device_id, library) do update set push_token = excluded.push_token
        returning xmax = 0
        """,
        id=device_id,
        library=library,
        token=push_token,
    )
    await tx.run(
        """
        delete from pass_registration
        where organization_id = :organization and device_id = :id and library = any(array(
            select library from pass_registration where organization_id = :organization and device_id = :id
            order by created_at desc, library offset :most))
        """,
        id=device_id,
        most=most,
    )
    return made


async def let_go(tx: Transaction, device_id: UUID, library: str) -> None:
    """A telephone does not hold the pass any more."""
    await tx.run(
        "delete from pass_registration "
        "where organization_id = :organization and device_id = :id and library = :library",
        id=device_id,
        library=library,
    )


async def changed(tx: Transaction, library: str, since: datetime | None) -> list[tuple[str, datetime]]:
    """The serials of passes that a telephone holds and that changed after `since`, with when; at most 250."""
    rows = await tx.rows(
        """
        select d.token, coalesce(d.content_at, d.created_at) as at
        from pass_registration r
        join customer_device d on d.organization_id = r.organization_id and d.id = r.device_id
        where r.organization_id = :organization and library = :library
          and (:since::timestamptz is null or coalesce(d.content_at, d.created_at) > :since::timestamptz)
        order by at desc limit 250
        """,
        library=library,
        since=since,
    )
    return [(row["token"], row["at"]) for row in rows]
