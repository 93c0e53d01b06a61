"""What can be asked about journeys as a whole, for a range of local days of the organization."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import TypeVar

from db.database import Transaction
from db.journeys import analytics
from db.organizations import current_organization
from domain.days import start_of_day
from domain.refusals import Rejected
from resolvers.context import Context

MAX_DAYS = 1_098
# Every stage has a row for every day.
MAX_METRIC_DAYS = 366

Value = TypeVar("Value")
Read = Callable[[Transaction, datetime, datetime], Awaitable[Value]]


async def funnel(context: Context, first: date, last: date) -> list[analytics.FunnelStep]:
    return await _between(context, first, last, analytics.funnel)


async def flows(context: Context, first: date, last: date) -> list[analytics.JourneyFlow]:
    return await _between(context, first, last, analytics.flows)


async def time_in_stages(context: Context, first: date, last: date) -> list[analytics.TimeInStage]:
    async def work(tx: Transaction, start: datetime, end: datetime) -> list[analytics.TimeInStage]:
        return await analytics.time_in_stages(tx, start, end, context.now)

    return await _between(context, first, last, work)


async def daily_metrics(context: Context, first: date, last: date) -> list[analytics.DailyMetric]:
    _require_range(first, last, MAX_METRIC_DAYS)
    return await context.read(lambda tx: analytics.daily_metrics(tx, first, last))


async def health(context: Context) -> list[analytics.Finding]:
    return await context.read(analytics.health)


async def _between(context: Context, first: date, last: date, read: Read[Value]) -> Value:
    """From the beginning of the first day until the end of the last one."""
    _require_range(first, last, MAX_DAYS)

    async def work(tx: Transaction) -> Value:
        zone = (await current_organization(tx)).timezone
        return await read(tx, start_of_day(first, zone), start_of_day(last + timedelta(days=1), zone))

    return await context.read(work)


def _require_range(first: date, last: date, most: int) -> None:
    if not 0 <= (last - first).days < most:
        raise Rejected("BAD_USER_INPUT", f"`from` is not after `to`, and at most {most:,} days are shown.")
