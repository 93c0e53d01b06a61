"""When facts change a condition by time alone: some told in advance happen, or the oldest leave a window of days."""

from dataclasses import dataclass, field

from db.conditions.facts import any_asked, asked
from db.conditions.scope import Scope
from db.statement import Statement, join, sql
from domain.conditions.tree import FactLeaf


@dataclass
class Awaiting:
    """customer_id and due_at, the earliest for any leaf, from one look at the customer's facts.

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
        happens = sql("min(f.occurred_at) filter (where f.occurred_at >= :now)", now=scope.now)
        return sql(
            """
            select f.customer_id, least(:due_at) as due_at
            from fact f
            where f.organization_id = :organization and f.occurred_at >= :since and :asked and :brand and :among
            group by f.customer_id
            """,
            due_at=join(", ", [happens, *(self._leaves(leaf, days) for leaf, days in self.windows)]),
            organization=scope.tenant,
            since=min([scope.now, *starts]),
            asked=any_asked(self.leaves),
            brand=scope.of_brand("f.brand_id"),
            among=scope.among_candidates("f.customer_id"),
        )

    def _leaves(self, leaf: FactLeaf, days: int) -> Statement:
        """The day on which the oldest fact inside the window is outside, as its beginning."""
        return sql(
            "start_of_day((min(f.occurred_at) filter (where f.occurred_at >= :start and :asked) "
            "at time zone :zone)::date + :days::integer, :zone)",
            start=self.scope.days_ago(days),
            asked=asked(leaf),
            zone=sql(":zone::text", zone=self.scope.zone),
            days=days + 1,
        )
