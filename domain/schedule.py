"""What is due by the clock: each schedule's name is the kind of job that it owes."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """`cron`: five fields, read in the organization's time zone if `local`, otherwise in UTC.

    An hourly schedule is UTC, because a local hour is repeated or left out when clocks change.
    """

    kind: str
    cron: str
    local: bool = True


SCHEDULES = (
    Schedule("jobs.prune", "30 3 * * *"),
    Schedule("uploads.prune", "40 3 * * *"),
    Schedule("webhooks.prune", "50 3 * * *"),
    # Windows of days move on at midnight, facts told in advance happen at any time.
    Schedule("metrics.recompute", "*/10 * * * *", local=False),
    # Windows of days open and close at midnight, the customers' or the organization's; what messages signal waits for
    # this at most.
    Schedule("segments.due", "* * * * *", local=False),
    # Live evaluations follow what is told and the days; this follows percentiles, and tells what the others missed.
    Schedule("segments.refresh", "15 * * * *", local=False),
    # The same once a day with what it relies on compared first: the stored masks of memberships.
    Schedule("segments.reconcile", "15 3 * * *"),
    # Scores first: a stage's rule may ask for them.
    Schedule("scores.recalculate", "0 1 * * *"),
    Schedule("journeys.evaluate", "0 2 * * *"),
    Schedule("journeys.count_churn", "30 2 * * *"),
    # Scheduled campaigns are owed a job of their own; this finds those whose job was given up.
    Schedule("campaigns.due", "*/5 * * * *", local=False),
    # Who entered a segment that counts as a success; facts and callbacks are counted as they come.
    Schedule("results.sweep", "25 * * * *", local=False),
    Schedule("predictions.fit", "0 4 * * 0"),
)


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule's latest time, up to now. Earlier ones that nobody saw are past: one run makes up for all of them."""

    kind: str
    at: datetime
