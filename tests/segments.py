"""Segments and customers for tests, and what must be true of memberships whatever was done."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.organizations import current_organization
from db.segments import Change, Definition, Segment, create_segment, find_segment, refresh_segments
from db.statement import Statement, sql
from domain.conditions import parse
from domain.ids import new_id
from domain.segments import SegmentType
from tests.waiting import until

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

Json = dict[str, Any]


def city(name: str) -> Json:
    return {"text": {"field": "city", "is": {"eq": name}}}


def member_of(segment_id: UUID) -> Json:
    return {"inSegment": str(segment_id)}


async def add_people(tx: Transaction, *cities: str | None) -> list[UUID]:
    """Customers without facts, one for each city; ids in this order."""
    ids = sorted(new_id() for _ in cities)
    await tx.run(
        "insert into customer (organization_id, id, city) "
        "select :organization, p.* from unnest(:ids::uuid[], :cities::text[]) p",
        ids=ids,
        cities=list(cities),
    )
    return ids


async def move(tx: Transaction, customer_id: UUID, to: str) -> None:
    await tx.run(
        "update customer set city = :to where organization_id = :organization and id = :id", id=customer_id, to=to
    )


async def add_segment(tx: Transaction, key: str, condition: Json | None = None, **said: Any) -> UUID:
    """An automatic segment with a condition, else a manual one."""
    type_ = SegmentType.MANUAL if condition is None else SegmentType.AUTOMATIC
    parsed = None if condition is None else parse(condition)
    definition = Definition(key=key, name=key.title(), type=type_, condition=parsed, **said)
    return await create_segment(tx, definition, actor="test")


async def segment(tx: Transaction, segment_id: UUID) -> Segment:
    found = await find_segment(tx, segment_id, lock=True)
    assert found
    return found


def these(*ids: UUID) -> Statement:
    """The customers as a candidate set."""
    return sql("select unnest(:ids::uuid[]) as customer_id", ids=list(ids))


async def refresh(tx: Transaction, segment_ids: Sequence[UUID] | None = None, **said: Any) -> list[Change]:
    said.setdefault("now", NOON)
    return await refresh_segments(tx, await current_organization(tx), segment_ids, **said)


async def members(tx: Transaction, segment_id: UUID) -> list[UUID]:
    rows = await tx.rows(
        "select customer_id from segment_membership "
        "where organization_id = :organization and segment_id = :id order by customer_id",
        id=segment_id,
    )
    return [row[0] for row in rows]


async def history(tx: Transaction, segment_id: UUID) -> list[tuple[UUID, str, str]]:
    """(customer, change, reason), oldest first; at one time who entered before who left."""
    rows = await tx.rows(
        "select customer_id, change, reason from segment_membership_change "
        "where organization_id = :organization and segment_id = :id order by at, change, customer_id",
        id=segment_id,
    )
    return [tuple(row) for row in rows]


async def assert_consistent(tx: Transaction) -> None:
    """Counts are what there is, and replaying the log gives the memberships with their dates."""
    wrong_counts = await tx.rows(
        """
        select s.key, s.member_count, count(m.customer_id) from segment s
        left join segment_membership m on m.organization_id = s.organization_id and m.segment_id = s.id
        where s.organization_id = :organization group by s.id, s.key, s.member_count
        having s.member_count <> count(m.customer_id)
        """
    )
    assert wrong_counts == []
    replayed: dict[tuple[UUID, UUID], datetime] = {}
    for row in await tx.rows(
        "select segment_id, customer_id, change, at from segment_membership_change "
        "where organization_id = :organization order by seq"
    ):
        key = (row["segment_id"], row["customer_id"])
        assert (key in replayed) == (row["change"] == "LEFT"), "entered twice, or left without having entered"
        if row["change"] == "ENTERED":
            replayed[key] = row["at"]
        else:
            del replayed[key]
    there = await tx.rows(
        "select segment_id, customer_id, entered_at from segment_membership where organization_id = :organization"
    )
    assert replayed == {(row[0], row[1]): row[2] for row in there}
    ignored = await tx.rows(
        """
        select o.customer_id, o.mode, m.source from segment_override o
        left join segment_membership m on m.organization_id = o.organization_id and m.segment_id = o.segment_id
                                      and m.customer_id = o.customer_id
        where o.organization_id = :organization
          and coalesce(m.source, 'EXCLUDED') <> case o.mode when 'INCLUDE' then 'MANUAL' else 'EXCLUDED' end
        """
    )
    assert ignored == [], "decisions without effect"
    assert await wrong_masks(tx) == [], "masks that are not the memberships"


async def wrong_masks(tx: Transaction) -> list[tuple[UUID, int, list[int], list[int]]]:
    """(customer, word, slots by their memberships, slots by their mask), where the two are not the same."""
    slots = await tx.rows(
        "select m.customer_id, s.slot from segment_membership m "
        "join segment s on s.organization_id = m.organization_id and s.id = m.segment_id "
        "where m.organization_id = :organization and s.type = 'AUTOMATIC'"
    )
    meant: dict[tuple[UUID, int], set[int]] = {}
    for customer_id, slot in slots:
        meant.setdefault((customer_id, slot // 60), set()).add(slot)
    masks = {
        (row[0], row[1]): {row[1] * 60 + bit for bit in range(64) if row[2] >> bit & 1}
        for row in await tx.rows(
            "select customer_id, word, mask from segment_mask where organization_id = :organization"
        )
    }
    keys = sorted(meant.keys() | masks.keys())
    pairs = [(key, meant.get(key, set()), masks.get(key, set())) for key in keys]
    return [(*key, sorted(a), sorted(b)) for key, a, b in pairs if a != b]


async def written_by(tx: Transaction) -> list[str]:
    """Tables with rows that this transaction wrote, among those of segments."""
    tables = ("segment", "segment_membership", "segment_membership_change", "segment_version")
    counts = [
        await tx.value(f"select count(*) from {table} where xmin = pg_current_xact_id()::xid") for table in tables
    ]
    return [table for table, count in zip(tables, counts, strict=True) if count]


async def has_written(tx: Transaction) -> bool:
    """Whether the transaction wrote anything: without a transaction id there is no row and no WAL of it."""
    return await tx.value("select pg_current_xact_id_if_assigned()") is not None


async def until_blocked(tx: Transaction) -> None:
    """Waits until somebody waits for this transaction."""
    await until(5, lambda: tx.value(_BLOCKED))


_BLOCKED = "select exists (select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)))"
