"""Whom and when a condition is evaluated for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from db.organizations import Organization
from db.slices import Range, among
from db.statement import Statement, sql
from domain.days import local_day, start_of_day

# The compiled statement begins with this CTE, so that the candidates are found once and read by every source.
CANDIDATES = Statement("select customer_id from candidate")
EVERYBODY = Statement("true")


@dataclass(frozen=True)
class Scope:
    """An organization, or one brand of it, at an instant.

    as_of: None takes the maintained metrics, whose stale rows the caller recomputes first (db/metrics/keeping.py); an
    instant computes them from the facts before it. Stages, facts and messages are those of the instant too, while
    profiles, tags, consents, scores and memberships have no history yet and are the current ones.
    now: the instant itself, `as_of` or the caller's clock.
    brand_id: only customers of the brand, only its facts and metrics.
    candidates: a statement that yields `customer_id`; None for every customer.
    cutoffs: values above which percentiles are (db/conditions/percentiles.py), for slices of everybody; without one
    everybody is ranked.
    """

    organization: Organization
    as_of: datetime | None
    now: datetime
    brand_id: UUID | None = None
    candidates: Statement | None = field(default=None, compare=False)
    cutoffs: Mapping[str, str | None] = field(default_factory=dict, compare=False)

    @property
    def tenant(self) -> Statement:
        """The organization's id as the planner may not see it: by its statistics a new organization has one row."""
        return sql("(select :organization::uuid)", organization=self.organization.id)

    @property
    def zone(self) -> str:
        return self.organization.timezone

    @property
    def today(self) -> date:
        """The organization's local day."""
        return local_day(self.now, self.zone)

    def days_ago(self, days: int) -> datetime:
        """When the local day so many days before today began."""
        return self.start_of(self.today - timedelta(days=days))

    def start_of(self, day: date) -> datetime:
        return start_of_day(day, self.zone)

    def among_candidates(self, customer_id: str) -> Statement:
        """Whether this column names a candidate."""
        if self.candidates is None:
            return EVERYBODY
        return among(customer_id, self.candidates if isinstance(self.candidates, Range) else CANDIDATES)

    def of_brand(self, brand_id: str) -> Statement:
        """Whether this column names the scope's brand; true without one."""
        return EVERYBODY if self.brand_id is None else sql(f"{brand_id} = :brand_id", brand_id=self.brand_id)
