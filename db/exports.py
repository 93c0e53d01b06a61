"""Customers as rows of a file: everybody, or the members of a segment."""

from collections.abc import Sequence
from uuid import UUID

from db.conditions import Scope, matching
from db.database import Transaction
from domain.conditions import Condition

PAGE = 5_000
FIRST = UUID(int=0)

_CUSTOMER = """
c.id, c.external_id, c.name, c.email, c.phone, c.kind, c.city, c.state, c.country, c.loyalty_level, c.locale,
c.timezone, c.date_of_birth, c.acquired_at, coalesce(m.lifetime_value, 0), coalesce(m.order_count, 0), m.last_order_at
"""
_METRICS = """
left join customer_metrics m on m.organization_id = (select :organization::uuid) and m.customer_id = c.id
                            and m.brand_id is null
"""


async def customer_rows(tx: Transaction, after: UUID) -> list[Sequence[object]]:
    """The next customers by id, with the columns of domain.exports.COLUMNS."""
    return await tx.rows(
        f"""
        select {_CUSTOMER}
        from (select * from customer where organization_id = :organization and id > :after order by id limit :page) c
        {_METRICS} order by c.id
        """,
        after=after,
        page=PAGE,
    )


async def filtered_rows(tx: Transaction, condition: Condition, scope: Scope) -> list[Sequence[object]]:
    """Those in scope whom the condition matches, by id, with COLUMNS."""
    return await tx.rows(
        f"""
        with matched as materialized (:matched)
        select {_CUSTOMER}
        from matched join customer c on c.organization_id = (select :organization::uuid) and c.id = matched.customer_id
        {_METRICS} order by c.id
        """,
        matched=matching(condition, scope),
    )


async def member_rows(tx: Transaction, segment_id: UUID, after: UUID) -> list[Sequence[object]]:
    """The next members by id, with COLUMNS and MEMBERSHIP_COLUMNS."""
    return await tx.rows(
        f"""
        select {_CUSTOMER}, s.source, s.entered_at
        from (select * from segment_membership
              where organization_id = :organization and segment_id = :segment_id and customer_id > :after
              order by customer_id limit :page) s
        join customer c on c.organization_id = (select :organization::uuid) and c.id = s.customer_id
        {_METRICS} order by c.id
        """,
        segment_id=segment_id,
        after=after,
        page=PAGE,
    )


async def matched_rows(tx: Transaction, condition: Condition, scope: Scope) -> list[tuple[UUID, str | None]]:
    """id and external id of those in scope whom the condition matches, by id."""
    return await tx.rows(
        """
        with matched as materialized (:matched)
        select c.id, c.external_id from matched m
        join customer c on c.organization_id = (select :organization::uuid) and c.id = m.customer_id
        order by c.id
        """,
        matched=matching(condition, scope),
    )
