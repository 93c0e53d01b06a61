"""Builders of facts, and the metrics that plain Python makes of them, written from the definitions, not the SQL."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from db.database import Database, Transaction
from db.metrics import COMPUTED
from db.statement import Statement, sql
from domain.customers import CustomerReference
from domain.facts import Fact, FactKind, fact

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_STATUSES = {FactKind.APPOINTMENT: "COMPLETED", FactKind.TICKET: "OPEN"}
_PAID = (FactKind.ORDER, FactKind.REFUND)


def told(kind: str = "ORDER", key: str = "1", customer: str = "ada", **said: Any) -> Fact:
    """A fact in which only what matters to the test was said."""
    chosen = FactKind(kind)
    given: dict[str, Any] = {"source": "shop", "occurred_at": NOON - timedelta(days=1)}
    if chosen in _PAID:
        given["amount"] = "10.00"
    if chosen in _STATUSES:
        given["status"] = _STATUSES[chosen]
    if chosen is FactKind.CUSTOM:
        given["name"] = "signed up"
    return fact(kind=chosen, key=key, customer=CustomerReference(external_id=customer), **(given | said))


def expected_metrics(
    facts: Iterable[Fact], as_of: datetime, zone: str
) -> dict[tuple[str, UUID | None], dict[str, Any]]:
    """By (external id, brand or None for all): the columns of `db.metrics.COMPUTED`."""
    groups: dict[tuple[str, UUID | None], list[Fact]] = {}
    for each in facts:
        if each.kind is not FactKind.CUSTOM:
            for brand in {None, each.brand_id}:
                groups.setdefault((str(each.customer.external_id), brand), []).append(each)
    return {group: _metrics(of_group, as_of, ZoneInfo(zone)) for group, of_group in groups.items()}


def _metrics(facts: list[Fact], as_of: datetime, zone: ZoneInfo) -> dict[str, Any]:
    past = [each for each in facts if each.occurred_at < as_of]
    orders = [each for each in past if (each.kind, each.status) == ("ORDER", "COMPLETED")]
    appointments = [each for each in past if (each.kind, each.status) == ("APPOINTMENT", "COMPLETED")]
    no_shows = [each for each in past if each.status == "NO_SHOW"]
    visits = [*orders, *appointments, *(each for each in past if each.kind == "VISIT")]
    activities = [*visits, *(each for each in past if each.kind in ("CALL", "CLICK", "INBOUND_MESSAGE"))]
    refunded = _sum(each for each in past if each.kind == "REFUND")
    today = as_of.astimezone(zone).date()

    def within(some: list[Fact], days: range) -> int:
        return sum((today - each.occurred_at.astimezone(zone).date()).days in days for each in some)

    return {
        "lifetime_value": _sum(orders) + _sum(appointments) - refunded,
        "order_total": _sum(orders) - refunded,
        "order_count": len(orders),
        "appointment_count": len(appointments),
        "first_order_at": min((each.occurred_at for each in orders), default=None),
        "last_order_at": max((each.occurred_at for each in orders), default=None),
        "last_appointment_at": max((each.occurred_at for each in appointments), default=None),
        "last_activity_at": max((each.occurred_at for each in activities), default=None),
        "orders_365_days": within(orders, range(366)),
        "appointments_365_days": within(appointments, range(366)),
        "no_shows_365_days": within(no_shows, range(366)),
        "visits_90_days": within(visits, range(91)),
        "visits_previous_90_days": within(visits, range(91, 181)),
        "tickets_open": sum((each.kind, each.status) == ("TICKET", "OPEN") for each in past),
        "stale_at": _stale_at(facts, visits, [*orders, *appointments, *no_shows], as_of, zone),
    }


def _sum(facts: Iterable[Fact]) -> Decimal:
    return sum((each.amount or Decimal(0) for each in facts), Decimal("0.00"))


def _stale_at(
    facts: list[Fact], visits: list[Fact], yearly: list[Fact], as_of: datetime, zone: ZoneInfo
) -> datetime | None:
    """Tries every day to come; the last right instant is the one before a fact has left a window, or happens."""
    moments = [each.occurred_at for each in facts if each.occurred_at >= as_of]

    def windows(today: date) -> list[int]:
        ages = [(today - each.occurred_at.astimezone(zone).date()).days for each in visits]
        older = [(today - each.occurred_at.astimezone(zone).date()).days for each in yearly]
        return [sum(age > edge for age in ages) for edge in (90, 180)] + [sum(age > 365 for age in older)]

    today = as_of.astimezone(zone).date()
    for day in (today + timedelta(days=days) for days in range(1, 367)):
        if windows(day) != windows(today):
            moments.append(datetime.combine(day, time(), zone).astimezone(UTC) - MICROSECOND)
            break
    return min(moments, default=None)


async def maintained(database: Database, organization: UUID) -> dict[tuple[str, UUID | None], dict[str, Any]]:
    stored = sql("select * from customer_metrics where organization_id = :organization", organization=organization)
    async with database.tenant(organization) as tx:
        return await computed_rows(tx, stored)


async def computed_rows(tx: Transaction, metrics: Statement) -> dict[tuple[str, UUID | None], dict[str, Any]]:
    rows = await tx.rows(
        f"select c.external_id, m.brand_id, {', '.join(f'm.{name}' for name in COMPUTED)} from (:metrics) m "
        "join customer c on c.organization_id = :organization and c.id = m.customer_id",
        metrics=metrics,
    )
    return {(row["external_id"], row["brand_id"]): {name: row[name] for name in COMPUTED} for row in rows}
