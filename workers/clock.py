"""The clock: owes the jobs that are due by the calendar, once each, however many clocks run and often they stop.

It remembers nothing that matters: a due time is a row in schedule_run, unique, in the transaction of its job.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim

from db.database import Database
from db.schedule import owe_due
from db.tenants import Tenant, list_tenants
from domain.schedule import SCHEDULES, Due, Schedule

INTERVAL = 10.0

logger = logging.getLogger(__name__)


def latest_due(schedule: Schedule, timezone: str, now: datetime) -> datetime:
    """The latest time of the schedule up to and including `now`, in UTC.

    A local time that does not exist on a day of changing clocks is due when it would have been over; one that exists
    twice is due the first time.
    """
    zone = _zone(timezone) if schedule.local else UTC
    # A fraction of a second makes the search backwards begin with this very second.
    searched_from = now.astimezone(zone).replace(microsecond=1)
    return next(CronSim(schedule.cron, searched_from, reverse=True)).astimezone(UTC)


def all_due(tenant: Tenant, schedules: Sequence[Schedule], now: datetime) -> list[Due]:
    """The latest due time of each schedule, unless it lies before the organization was made."""
    dues = [Due(schedule.kind, latest_due(schedule, tenant.timezone, now)) for schedule in schedules]
    return [due for due in dues if due.at > tenant.created_at]


class Clock:
    """Looks every few seconds; call `run` once in a process."""

    def __init__(self, database: Database, schedules: Sequence[Schedule] = SCHEDULES) -> None:
        self._database = database
        self._schedules = schedules
        # Only spares transactions: what this process has seen written needs no look into the table.
        self._seen: dict[UUID, list[Due]] = {}

    async def run(self) -> None:
        """Ticks until it is cancelled."""
        while True:
            try:
                await self.tick()
            except Exception as error:  # the database may be away; what is due stays due
                logger.warning("the clock's tick failed: %s", type(error).__name__)
            await asyncio.sleep(INTERVAL)

    async def tick(self) -> None:
        """Owes what is due in every organization, by the database's time."""
        async with self._database.untenanted() as tx:
            tenants = await list_tenants(tx)
            now = await tx.value("select clock_timestamp()")
        for tenant in tenants:
            await self.owe(tenant, now)

    async def owe(self, tenant: Tenant, now: datetime) -> list[str]:
        """Owes what is due in one organization at `now`; returns the kinds of these jobs."""
        dues = all_due(tenant, self._schedules, now)
        if self._seen.get(tenant.id) == dues:
            return []
        async with self._database.tenant(tenant.id) as tx:
            owed = await owe_due(tx, dues)
        self._seen[tenant.id] = dues
        return owed


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        logger.warning("unknown time zone %r: taking UTC", name)
        return ZoneInfo("UTC")
