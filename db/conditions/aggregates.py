"""Aggregates of facts: they are read once for all leaves, whatever kinds these ask for, a column for each."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from db.conditions import facts
from db.conditions.comparisons import days_between
from db.conditions.joins import Joins
from db.conditions.scope import EVERYBODY, Scope
from db.statement import Statement, join, sql
from domain.conditions.tree import Aggregate, FactLeaf, Measure

_MEASURES = {Measure.AMOUNT: "f.amount", Measure.DURATION_SECONDS: "f.duration_seconds"}


def aggregate(leaf: FactLeaf, joins: Joins) -> Statement:
    """What the leaf compares: of nothing a count, a sum and a number of days are 0, an average and extremes unknown."""
    # A customer's facts lie together, those of other kinds among them: reading them once for each kind reads them all
    # again. Distinct days are found by sorting, which the others must not pay for.
    key = f"facts {leaf.aggregate is Aggregate.DISTINCT_DAYS}"
    alias, reading = joins.share(key, lambda: _Reading(joins.scope))
    value = sql(f":alias.v{reading.place(leaf)}", alias=alias)
    zero = leaf.aggregate in (Aggregate.COUNT, Aggregate.SUM, Aggregate.DISTINCT_DAYS)
    return sql("coalesce(:value, 0)", value=value) if zero else value


@dataclass
class _Reading:
    """customer_id and v0, v1 ...: what each leaf asks of the customer's facts."""

    scope: Scope
    leaves: dict[tuple[object, ...], FactLeaf] = field(default_factory=dict)

    def place(self, leaf: FactLeaf) -> int:
        asked = (leaf.kind, leaf.name, leaf.aggregate, leaf.of, leaf.where, leaf.within_days, leaf.between)
        self.leaves.setdefault(asked, leaf)
        return list(self.leaves).index(asked)

    def statement(self) -> Statement:
        leaves = list(self.leaves.values())
        return sql(
            """
            select f.customer_id, :values
            from fact f
            where f.organization_id = :organization and f.occurred_at < :now
              and :asked and :read and :brand and :among
            group by f.customer_id
            """,
            values=join(", ", [self._column(place, leaf) for place, leaf in enumerate(leaves)]),
            organization=self.scope.tenant,
            now=self.scope.now,
            asked=facts.any_asked(leaves),
            read=_counts(leaves[0], self.scope) if len(leaves) == 1 else self._since(leaves),
            brand=self.scope.of_brand("f.brand_id"),
            among=self.scope.among_candidates("f.customer_id"),
        )

    def _column(self, place: int, leaf: FactLeaf) -> Statement:
        value, name = _value(leaf, self.scope), Statement(f"v{place}")
        if len(self.leaves) == 1:
            return sql(":value as :name", value=value, name=name)
        counts = sql(":asked and :counts", asked=facts.asked(leaf), counts=_counts(leaf, self.scope))
        return sql(":value filter (where :counts) as :name", value=value, counts=counts, name=name)

    def _since(self, leaves: list[FactLeaf]) -> Statement:
        """Of facts before all windows nothing is counted."""
        starts = [_start(leaf, self.scope) for leaf in leaves]
        known = [start for start in starts if start is not None]
        return sql("f.occurred_at >= :since", since=min(known)) if len(known) == len(starts) else EVERYBODY


def _counts(leaf: FactLeaf, scope: Scope) -> Statement:
    """Whether the leaf counts a fact that it asks for."""
    return join(" and ", [_window(leaf, scope), *facts.filters(leaf)])


def _window(leaf: FactLeaf, scope: Scope) -> Statement:
    # Said plainly, so that an index finds the facts inside.
    if leaf.within_days is not None:
        return sql("f.occurred_at >= :start", start=scope.days_ago(leaf.within_days))
    if leaf.between is not None:
        start, end = days_between(leaf.between, scope)
        return sql("f.occurred_at >= :start and f.occurred_at < :end", start=start, end=end)
    return EVERYBODY


def _start(leaf: FactLeaf, scope: Scope) -> datetime | None:
    if leaf.within_days is not None:
        return scope.days_ago(leaf.within_days)
    return None if leaf.between is None else days_between(leaf.between, scope)[0]


def _value(leaf: FactLeaf, scope: Scope) -> Statement:
    match leaf.aggregate:
        case Aggregate.COUNT:
            return Statement("count(*)")
        case Aggregate.DISTINCT_DAYS:
            return sql("count(distinct (f.occurred_at at time zone :zone::text)::date)", zone=scope.zone)
        case Aggregate.SUM | Aggregate.AVG | Aggregate.MIN | Aggregate.MAX:
            return Statement(f"{leaf.aggregate.lower()}({_MEASURES[leaf.of]})")
        case _:
            assert_never(leaf.aggregate)
