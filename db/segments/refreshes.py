"""The log of refreshes of everybody, and how much each had to put right that live evaluation should have seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from db.database import Transaction
from db.records import column
from db.relations import Relation, Sort
from db.segments.records import Change
from domain.conditions import parse
from domain.conditions.references import is_live


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh of everybody; `drift`: of those who entered and left, how many live evaluation should have seen."""

    id: UUID
    bulk_operation_id: UUID | None
    actor: str
    started_at: datetime
    finished_at: datetime | None
    entered: int
    drift: int
    left: int = column("t.gone")


REFRESHES = Relation(
    "segment_refreshes",
    Refresh,
    "segment_refresh t",
    key="t.organization_id",
    orders=(("STARTED_AT", Sort("t.started_at", "timestamptz")),),
    descending=True,
)


async def log_refresh(
    tx: Transaction,
    began: datetime,
    changes: Sequence[Change],
    drift: int,
    *,
    actor: str,
    bulk_operation_id: UUID | None,
    last: UUID | None,
) -> None:
    """Adds a slice to the log of its refresh, which began at `began`; last: the slice's last customer."""
    await tx.run(
        """
        insert into segment_refresh as r (organization_id, id, bulk_operation_id, actor, started_at, finished_at,
                                          entered, gone, drift)
        select :organization, :id, :bulk_operation_id, :actor, :began::timestamptz,
               case when ended then clock_timestamp() end, :entered::bigint, :gone::bigint, :drift::bigint
        from (select :last::uuid is null or not exists (
                  select from customer where organization_id = :organization and id > :last) as ended) t
        on conflict (organization_id, id) do update
        set entered = r.entered + excluded.entered, gone = r.gone + excluded.gone, drift = r.drift + excluded.drift,
            finished_at = excluded.finished_at
        where r.finished_at is null
        """,
        # Of an organization no two begin at the same microsecond by the same hand.
        id=uuid5(tx.organization_id, f"{began.isoformat()} {actor} {bulk_operation_id}"),
        bulk_operation_id=bulk_operation_id,
        actor=actor,
        began=began,
        entered=sum(change.entered for change in changes),
        gone=sum(change.left for change in changes),
        drift=drift,
        last=last,
    )


async def drifted(tx: Transaction, now: datetime) -> int:
    """Of the changes that a refresh for `now` has just made, those that live evaluation should have made before.

    That is: of segments that follow every change, not by a new definition, and about customers to whom no evaluation
    is owed. Call it before the dues are noted anew.
    """
    rows = await tx.rows(
        "select id, condition from segment where organization_id = :organization and type = 'AUTOMATIC' "
        "and auto_update and condition is not null"
    )
    live = [row["id"] for row in rows if is_live(parse(row["condition"]))]
    number: int = await tx.value(
        """
        select count(*) from segment_membership_change h
        where h.organization_id = (select :organization::uuid) and h.segment_id = any(:live::uuid[])
          and h.at = :now::timestamptz and h.reason = 'SCHEDULED'
          and not exists (select from dirty_customer d
                          where d.organization_id = h.organization_id and d.customer_id = h.customer_id)
          and not exists (select from segment_due d where d.organization_id = h.organization_id
                            and d.customer_id = h.customer_id and d.due_at < :now::timestamptz)
        """,
        live=live,
        now=now,
    )
    return number


async def prune_refreshes(tx: Transaction) -> int:
    """Forgets refreshes of three months ago."""
    return await tx.run(
        "delete from segment_refresh where organization_id = :organization "
        "and started_at < clock_timestamp() - interval '90 days'"
    )


# The argument of a refresh that somebody asked for, rather than a change of a definition.
ASKED = "asked"


async def lock_requests(tx: Transaction) -> None:
    """Requests of refreshes follow each other, so that two at once become one."""
    await tx.rows("select pg_advisory_xact_lock(hashtextextended(:organization::uuid::text, 3))")


async def open_refresh(tx: Transaction, segment_ids: Sequence[UUID] | None) -> UUID | None:
    """The bulk operation that is going to refresh all these segments, or is at it; None as ids: all segments."""
    found: UUID | None = await tx.value(
        f"""
        select id from bulk_operation
        where {_COVERS} and state in ('QUEUED', 'RUNNING') and not cancel_requested
        order by created_at limit 1
        """,
        ids=_texts(segment_ids),
    )
    return found


async def last_asked(tx: Transaction, segment_ids: Sequence[UUID] | None) -> datetime | None:
    """When the last refresh of all these segments began that somebody had asked for and that came to its end."""
    found: datetime | None = await tx.value(
        f"select max(started_at) from bulk_operation where {_COVERS} and state = 'COMPLETED' and args ? '{ASKED}'",
        ids=_texts(segment_ids),
    )
    return found


_COVERS = """
organization_id = :organization and kind = 'REFRESH' and not args ? 'asOf'
and (not args ? 'segmentIds' or args -> 'segmentIds' ?& :ids::text[])
"""


def _texts(segment_ids: Sequence[UUID] | None) -> list[str] | None:
    return None if segment_ids is None else [str(segment_id) for segment_id in segment_ids]
