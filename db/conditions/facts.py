"""What facts say: which of them a leaf counts, when that changes by time alone, and what a customer has bought."""

from datetime import datetime
from typing import assert_never

from db.conditions import fields
from db.conditions.comparisons import compare_number, compare_text
from db.conditions.scope import EVERYBODY, Scope
from db.statement import Statement, join, sql
from domain.conditions.tree import (
    FactFilter,
    FactLeaf,
    NumberLeaf,
    Operator,
    SetLeaf,
    TextLeaf,
)
from domain.facts import FactKind

_ITEM_COLUMNS = {
    **dict.fromkeys(("skus", "purchasedSkus"), "i.sku"),
    **dict.fromkeys(("categories", "purchasedCategories"), "i.category"),
    **dict.fromkeys(("brands", "purchasedBrands"), "i.brand_label"),
}
_COMPLETED = "f.status = 'COMPLETED'"


def counted(leaf: FactLeaf) -> Statement:
    """A predicate over `fact f`: it is one of those that the leaf counts, whenever it happened."""
    return join(" and ", [sql("f.kind = :kind", kind=str(leaf.kind)), *filters(leaf)])


def filters(leaf: FactLeaf) -> list[Statement]:
    """What must hold for a fact of its kind to be counted, beside the window."""
    return [_filter(inner) for inner in leaf.where] + _defaults(leaf)


def due(leaf: FactLeaf, scope: Scope) -> Statement:
    """customer_id and due_at: when a fact that is told in advance happens, or the oldest leaves the window of days.

    Facts count that the leaf leaves out; then somebody is due in vain.
    """
    assert leaf.within_days is not None
    start = scope.days_ago(leaf.within_days)
    return _due(
        leaf,
        scope,
        since=start,
        at=sql(
            "least(:awaited, start_of_day((min(f.occurred_at) filter (where f.occurred_at >= :start) "
            "at time zone :zone)::date + :days::integer, :zone))",
            awaited=sql("min(f.occurred_at) filter (where f.occurred_at >= :now)", now=scope.now),
            start=start,
            zone=sql(":zone::text", zone=scope.zone),
            days=leaf.within_days + 1,
        ),
    )


def awaited(leaf: FactLeaf, scope: Scope) -> Statement:
    """customer_id and due_at: when the next of such facts that are told in advance happens."""
    return _due(leaf, scope, since=scope.now, at=Statement("min(f.occurred_at)"))


def _due(leaf: FactLeaf, scope: Scope, *, since: datetime, at: Statement) -> Statement:
    return sql(
        """
        select f.customer_id, :at as due_at
        from fact f
        where f.organization_id = :organization and f.kind = :kind and f.occurred_at >= :since
          and :brand and :among and :named
        group by f.customer_id
        """,
        at=at,
        since=since,
        organization=scope.tenant,
        kind=str(leaf.kind),
        named=EVERYBODY if leaf.name is None else sql("f.name = :name", name=leaf.name),
        brand=scope.of_brand("f.brand_id"),
        among=scope.among_candidates("f.customer_id"),
    )


def purchased(leaf: SetLeaf, scope: Scope) -> Statement:
    """Customers who completed orders with any, or with ALL_OF all, of the values among their items."""
    column = _ITEM_COLUMNS[leaf.field]
    values = list(leaf.comparison.texts)
    return sql(
        f"""
        select f.customer_id
        from fact f join fact_item i on i.organization_id = f.organization_id and i.fact_id = f.id
        where f.organization_id = :organization and f.kind = 'ORDER' and {_COMPLETED} and f.occurred_at < :now
          and {column} = any(:values::text[]) and :brand and :among
        group by f.customer_id having count(distinct {column}) >= :least
        """,
        organization=scope.tenant,
        now=scope.now,
        values=values,
        brand=scope.of_brand("f.brand_id"),
        among=scope.among_candidates("f.customer_id"),
        least=len(values) if leaf.comparison.operator is Operator.ALL_OF else 1,
    )


def bought(leaf: SetLeaf, scope: Scope) -> Statement:
    """customer_id and texts: everything of this kind among the items of completed orders, in order."""
    column = _ITEM_COLUMNS[leaf.field]
    return sql(
        f"""
        select f.customer_id, array_agg(distinct {column} order by {column}) as texts
        from fact f join fact_item i on i.organization_id = f.organization_id and i.fact_id = f.id
        where f.organization_id = :organization and f.kind = 'ORDER' and {_COMPLETED} and f.occurred_at < :now
          and {column} is not null and :brand and :among
        group by f.customer_id
        """,
        organization=scope.tenant,
        now=scope.now,
        brand=scope.of_brand("f.brand_id"),
        among=scope.among_candidates("f.customer_id"),
    )


def _defaults(leaf: FactLeaf) -> list[Statement]:
    named = [] if leaf.name is None else [sql("f.name = :name", name=leaf.name)]
    asks_for_status = any(isinstance(inner, TextLeaf) and inner.field == "status" for inner in leaf.where)
    completed = leaf.kind is FactKind.ORDER and not asks_for_status
    return named + ([Statement(_COMPLETED)] if completed else [])


def _filter(leaf: FactFilter) -> Statement:
    match leaf:
        case NumberLeaf(key, comparison):
            return compare_number(fields.fact_number(key), comparison)
        case TextLeaf(key, comparison):
            return compare_text(fields.fact_text(key), comparison)
        case SetLeaf():
            return _items(leaf)
        case _:
            assert_never(leaf)


def _items(leaf: SetLeaf) -> Statement:
    column = _ITEM_COLUMNS[leaf.field]
    values = list(leaf.comparison.texts)
    found = sql(
        f"select count(distinct {column}) from fact_item i "
        f"where i.organization_id = f.organization_id and i.fact_id = f.id and {column} = any(:values::text[])",
        values=values,
    )
    match leaf.comparison.operator:
        case Operator.NONE_OF:
            return sql("(:found) = 0", found=found)
        case Operator.ALL_OF:
            return sql("(:found) = :all", found=found, all=len(values))
        case _:
            return sql("(:found) > 0", found=found)
