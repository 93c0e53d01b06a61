"""Sources that read facts: aggregates over a customer's facts, and what a customer has bought."""

from typing import assert_never

from db.conditions import fields
from db.conditions.comparisons import compare_instant, compare_number, compare_text
from db.conditions.scope import EVERYBODY, Scope
from db.statement import Statement, join, sql
from domain.conditions.tree import (
    Aggregate,
    Comparison,
    FactFilter,
    FactLeaf,
    Measure,
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
_MEASURES = {Measure.AMOUNT: "f.amount", Measure.DURATION_SECONDS: "f.duration_seconds"}
_COMPLETED = "f.status = 'COMPLETED'"


def aggregated(leaf: FactLeaf, scope: Scope) -> Statement:
    """customer_id and value, for the customers who have such facts."""
    filters = [_filter(inner) for inner in leaf.where] + _defaults(leaf)
    return sql(
        """
        select f.customer_id, :value as value
        from fact f
        where f.organization_id = :organization and f.kind = :kind and f.occurred_at < :now
          and :window and :brand and :among and :filters
        group by f.customer_id
        """,
        value=_value(leaf, scope),
        organization=scope.tenant,
        kind=str(leaf.kind),
        now=scope.now,
        window=_window(leaf, scope),
        brand=scope.of_brand("f.brand_id"),
        among=scope.among_candidates("f.customer_id"),
        filters=join(" and ", filters) if filters else EVERYBODY,
    )


def counted(leaf: FactLeaf) -> Statement:
    """A predicate over `fact f`: it is one of those that the leaf counts, whenever it happened."""
    filters = [_filter(inner) for inner in leaf.where] + _defaults(leaf)
    return join(" and ", [sql("f.kind = :kind", kind=str(leaf.kind)), *filters])


def due(leaf: FactLeaf, scope: Scope) -> Statement:
    """customer_id and due_at: when a fact that is told in advance happens, or the oldest leaves the window of days.

    Facts count that `aggregated` leaves out; then somebody is due in vain.
    """
    leaves = Statement("null::timestamptz")
    if leaf.within_days is not None:
        leaves = sql(
            "start_of_day((min(f.occurred_at) filter (where f.occurred_at >= :start) at time zone :zone)::date "
            "+ :days::integer, :zone)",
            start=scope.days_ago(leaf.within_days),
            zone=sql(":zone::text", zone=scope.zone),
            days=leaf.within_days + 1,
        )
    return sql(
        """
        select f.customer_id, least(min(f.occurred_at) filter (where f.occurred_at >= :now), :leaves) as due_at
        from fact f
        where f.organization_id = :organization and f.kind = :kind and f.occurred_at >= :since
          and :brand and :among and :named
        group by f.customer_id
        """,
        leaves=leaves,
        now=scope.now,
        since=scope.now if leaf.within_days is None else scope.days_ago(leaf.within_days),
        organization=scope.tenant,
        kind=str(leaf.kind),
        named=EVERYBODY if leaf.name is None else sql("f.name = :name", name=leaf.name),
        brand=scope.of_brand("f.brand_id"),
        among=scope.among_candidates("f.customer_id"),
    )


def compare_aggregate(leaf: FactLeaf, alias: Statement) -> Statement:
    return compare_number(aggregate_value(leaf, alias), leaf.comparison)


def aggregate_value(leaf: FactLeaf, alias: Statement) -> Statement:
    """No such facts: nothing was counted, added up or spread over days; but an average of nothing is unknown."""
    zero = leaf.aggregate in (Aggregate.COUNT, Aggregate.SUM, Aggregate.DISTINCT_DAYS)
    return sql("coalesce(:alias.value, 0)" if zero else ":alias.value", alias=alias)


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


def _value(leaf: FactLeaf, scope: Scope) -> Statement:
    measure = _MEASURES[leaf.of]
    match leaf.aggregate:
        case Aggregate.COUNT:
            return Statement("count(*)")
        case Aggregate.DISTINCT_DAYS:
            return sql("count(distinct (f.occurred_at at time zone :zone::text)::date)", zone=scope.zone)
        case Aggregate.SUM | Aggregate.AVG | Aggregate.MIN | Aggregate.MAX:
            return Statement(f"{leaf.aggregate.lower()}({measure})")
        case _:
            assert_never(leaf.aggregate)


def _window(leaf: FactLeaf, scope: Scope) -> Statement:
    if leaf.within_days is not None:
        comparison = Comparison(Operator.WITHIN_DAYS, leaf.within_days)
    elif leaf.between is not None:
        comparison = Comparison(Operator.BETWEEN, leaf.between)
    else:
        return EVERYBODY
    return compare_instant(Statement("f.occurred_at"), comparison, scope)


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
