"""What facts say: which of them a leaf asks for and counts, and what a customer has bought."""

from collections.abc import Iterable
from typing import assert_never

from db.conditions import fields
from db.conditions.comparisons import compare_number, compare_text
from db.conditions.scope import Scope
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


def asked(leaf: FactLeaf) -> Statement:
    """A predicate over `fact f`: it is of the leaf's kind, and of its name if it has one."""
    kind = sql("f.kind = :kind", kind=str(leaf.kind))
    return kind if leaf.name is None else sql("(:kind and f.name = :name)", kind=kind, name=leaf.name)


def any_asked(leaves: Iterable[FactLeaf]) -> Statement:
    """A predicate over `fact f`: some leaf asks for its kind."""
    kinds = list({(leaf.kind, leaf.name): asked(leaf) for leaf in leaves}.values())
    return kinds[0] if len(kinds) == 1 else sql("(:any)", any=join(" or ", kinds))


def counted(leaf: FactLeaf) -> Statement:
    """A predicate over `fact f`: it is one of those that the leaf counts, whenever it happened."""
    return join(" and ", [asked(leaf), *filters(leaf)])


def filters(leaf: FactLeaf) -> list[Statement]:
    """What must hold for a fact that the leaf asks for to be counted, beside the window."""
    return [_filter(inner) for inner in leaf.where] + _defaults(leaf)


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
    asks_for_status = any(isinstance(inner, TextLeaf) and inner.field == "status" for inner in leaf.where)
    completed = leaf.kind is FactKind.ORDER and not asks_for_status
    return [Statement(_COMPLETED)] if completed else []


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
