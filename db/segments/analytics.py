"""What can be counted about segments: how they overlap, and how large one was on each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from db.database import Transaction
from db.statement import Statement, sql


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """A local day: who entered and left on it, and how many were members when it ended."""

    day: date
    entered: int
    left: int
    members: int


async def by_mask(tx: Transaction, segment_ids: Sequence[UUID]) -> dict[int, int]:
    """How many customers are in exactly which of the segments: bit n is the n-th of them."""
    rows = await tx.rows(
        """
        select mask, count(*) from (
            select m.customer_id, bit_or(1 << (s.place - 1)::integer) as mask
            from unnest(:ids::uuid[]) with ordinality s (id, place)
            join segment_membership m on m.organization_id = (select :organization::uuid) and m.segment_id = s.id
            group by m.customer_id) t
        group by mask
        """,
        ids=list(segment_ids),
    )
    return dict(map(tuple, rows))


async def sizes(tx: Transaction, segment_id: UUID, first: date, last: date) -> list[SegmentSize]:
    """The days from first to last of the organization's zone, from the log of changes."""
    return await tx.records(
        SegmentSize,
        """
        with daily as (
            select greatest((h.at at time zone o.timezone)::date, :first::date - 1) as day,
                   count(*) filter (where h.change = 'ENTERED') as entered,
                   count(*) filter (where h.change = 'LEFT') as gone
            from segment_membership_change h join organization o on o.id = h.organization_id
            where h.organization_id = :organization and h.segment_id = :segment_id
              and h.at < start_of_day(:last::date + 1, o.timezone)
            group by 1),
        size as (
            select s.day::date as day, coalesce(d.entered, 0) as entered, coalesce(d.gone, 0) as gone,
                   sum(coalesce(d.entered, 0) - coalesce(d.gone, 0)) over (order by s.day)::bigint as members
            from generate_series(:first::date - 1, :last::date, interval '1 day') s (day)
            left join daily d on d.day = s.day::date)
        select day, entered, gone, members from size where day >= :first::date order by day
        """,
        segment_id=segment_id,
        first=first,
        last=last,
    )


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some customers have one thing in common; key: of the stage, the brand's id or the country's code.

    key, name: None for those who have none.
    """

    dimension: str
    key: str | None
    name: str | None
    customers: int


def members_of(segment_id: UUID, organization_id: UUID) -> Statement:
    """customer_id of a segment's members."""
    return sql(
        "select customer_id from segment_membership where organization_id = :organization and segment_id = :segment_id",
        organization=organization_id,
        segment_id=segment_id,
    )


# Of the brands and countries no more are told, the largest first.
MOST = 250


async def composition(tx: Transaction, matched: Statement) -> list[Share]:
    """Of what these customers (a statement of customer_id) consist, by STAGE, BRAND and COUNTRY, largest first.

    A customer of several brands counts for each of them.
    """
    return await tx.records(
        Share,
        """
        with matched as materialized (:matched),
        shares as (
            select 'STAGE' as dimension, s.key, s.name, count(*) as customers
            from matched m
            left join journey j on j.organization_id = (select :organization::uuid) and j.customer_id = m.customer_id
            left join journey_stage s on s.organization_id = j.organization_id and s.id = j.stage_id
            group by s.key, s.name
            union all
            select 'BRAND', b.id::text, b.name, count(*)
            from matched m
            left join customer_brand cb on cb.organization_id = (select :organization::uuid)
                                       and cb.customer_id = m.customer_id
            left join brand b on b.organization_id = cb.organization_id and b.id = cb.brand_id
            group by b.id, b.name
            union all
            select 'COUNTRY', c.country, c.country, count(*)
            from matched m
            join customer c on c.organization_id = (select :organization::uuid) and c.id = m.customer_id
            group by c.country)
        select dimension, key, name, customers from (
            select s.*, row_number() over (partition by dimension order by customers desc, key collate "C") as place
            from shares s) ranked
        where place <= :most order by dimension, place
        """,
        matched=matched,
        most=MOST,
    )
