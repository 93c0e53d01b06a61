"""Quiet hours: whether a customer is to be left alone at an instant, and until when."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(now: datetime, timezone: str, begin: time, end: time) -> datetime | None:
    """When the quiet hours end that `now` falls into; None if it falls into none.

    By the wall clock of the zone: over midnight if `begin` is the later one. An hour that clocks repeat is quiet twice,
    one that they skip is not there. An end that does not exist that day comes when the clock has jumped over it; one
    that exists twice comes the second time.
    """
    local = now.astimezone(ZoneInfo(timezone))
    clock = local.time()
    if begin < end:
        if not begin <= clock < end:
            return None
        day = local.date()
    elif clock >= begin:
        day = local.date() + timedelta(days=1)
    elif clock < end:
        day = local.date()
    else:
        return None
    return instant(datetime.combine(day, end), timezone)


def instant(wall_clock: datetime, timezone: str) -> datetime:
    """The instant of a wall-clock time, in UTC, as Postgres' AT TIME ZONE has it.

    Of two offsets, before and after a change of clocks, the smaller one: the one before a gap, the one after an
    overlap.
    """
    zone = ZoneInfo(timezone)
    offsets = [wall_clock.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)]
    return wall_clock.replace(tzinfo=UTC) - min(offset for offset in offsets if offset is not None)
