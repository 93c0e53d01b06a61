"""Not before when a message goes: at once, or at a wall-clock time in its customer's own zone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.campaigns import Campaign
from db.statement import Statement, sql
from domain.starts import PastPolicy

_AT_ONCE = Statement("null::timestamptz")
_NOTHING = Statement("null::text")


@dataclass(frozen=True, slots=True)
class NotBefore:
    """Expressions: the instant, NULL for at once, and the skip reason of who is too late, else NULL."""

    at: Statement
    refusal: Statement


def customer_of(organization_id: UUID) -> Statement:
    """The customer of `g.customer_id`, in the order of their key (db/planning.py)."""
    return sql(
        """
        select c.timezone from customer c
        where c.organization_id = :organization and c.id >= g.customer_id and c.id <= g.customer_id order by c.id
        """,
        organization=organization_id,
    )


def zone_of(campaign: Campaign, timezone: str) -> Statement:
    """The zone a customer lives by: their own (this expression), else the brand's, else the organization's."""
    return sql(
        f"""
        coalesce({timezone}, (
            select coalesce(b.timezone, o.timezone) from brand b join organization o on o.id = b.organization_id
            where b.id = :brand_id))
        """,
        brand_id=campaign.brand_id,
    )


def not_before(campaign: Campaign, timezone: str, now: datetime) -> NotBefore:
    """For the campaign's schedule; `timezone`: an expression for the customer's own zone."""
    start = campaign.start
    if start is None or start.local is None:
        return NotBefore(_AT_ONCE, _NOTHING)
    parts = {"local": start.local, "zone": zone_of(campaign, timezone), "now": now}
    match start.past_policy:
        case PastPolicy.SEND_NOW:
            return NotBefore(sql(f"case when {_FUTURE} then {_TIME} end", **parts), _NOTHING)
        case PastPolicy.NEXT_DAY:
            return NotBefore(sql(f"case when {_FUTURE} then {_TIME} else {_NEXT} end", **parts), _NOTHING)
        case PastPolicy.SKIP:
            return NotBefore(sql(_TIME, **parts), sql(f"case when not {_FUTURE} then 'PAST_LOCAL_TIME' end", **parts))


_TIME = "(:local::timestamp at time zone :zone)"
_FUTURE = f"({_TIME} > :now::timestamptz)"
# The same time of the day on the first day on which it is not past.
_NEXT = """(
    ((:now::timestamptz at time zone :zone)::date + :local::timestamp::time
     + case when (:now::timestamptz at time zone :zone)::time >= :local::timestamp::time then interval '1 day'
            else interval '0' end) at time zone :zone)"""
