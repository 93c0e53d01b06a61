"""When facts change a condition by time alone: some told in advance happen, or the oldest leave a window of days."""

from dataclasses import dataclass, field

from db.conditions.facts import any_asked, asked
from db.conditions.scope import Scope
from db.statement import Statement, join, sql
from domain.conditions.tree import FactLeaf


@dataclass
class Awaiting:
    """customer_id, at (the next fact) and day (of the next that leaves), from one look at the customer's facts.

    Facts count that a leaf leaves out; then somebody is due in vain.
    """

    scope: Scope
    leaves: list[FactLeaf] = field(default_factory=list)
    """Whose facts may be told in advance."""
    windows: list[tuple[FactLeaf, int]] = field(default_factory=list)
    """Those of them whose windows of days are looked into, with the days."""

    def statement(self) -> Statement:
        scope = self.scope
        starts = [scope.days_ago(days) for _, days in self.windows]
        left = [self._left(leaf, days) for leaf, days in self.windows]
        return sql(
            """
            select f.customer_id, min(f.occurred_at) filter (where f.occurred_at >= :now) as at, :day as day
            from fact f
            where f.organization_id = :organization and f.occurred_at >= :since and :asked and :brand and :among
            group by f.customer_id
            """,
            now=scope.now,
            day=sql("least(:days)", days=join(", ", left)) if left else Statement("null::date"),
            organization=scope.tenant,
            since=min([scope.now, *starts]),
            asked=any_asked(self.leaves),
            brand=scope.of_brand("f.brand_id"),
            among=scope.among_candidates("f.customer_id"),
        )

    def _left(self, leaf: FactLeaf, days: int) -> Statement:
        """The day on which the oldest fact inside the window is outside."""
        return sql(
            "(min(f.occurred_at) filter (where f.occurred_at >= :start and :asked) at time zone :zone::text)::date "
            "+ :days::integer",
            start=self.scope.days_ago(days),
            asked=asked(leaf),
            zone=self.scope.zone,
            days=days + 1,
        )
