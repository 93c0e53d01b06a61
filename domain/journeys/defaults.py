"""The seven stages every organization starts with (requirements R2), as data.

Three rules differ from the requirement's code, where they could not work (domain notes T3 to T7): a purchase counts
like a completed appointment, so that shops without appointments have customers; `lead` counts an appointment whatever
became of it, so that the order in which facts arrive does not matter; idleness is counted from the last activity of
any kind, so that it exists for shops too.
"""

from typing import Any

from domain.journeys import Stage, StageKind

AT_RISK_DAYS = 90
CHURN_DAYS = 180
VIP_VALUE = "1000"
REGULAR_PURCHASES = "3"
LONG_CALL_SECONDS = "60"


def idle_longer_than(days: int) -> dict[str, Any]:
    """More than `days` whole local days since the last activity; never true of a customer without activity."""
    return {"date": {"field": "lastActivityAt", "is": {"olderThanDays": days}}}


def _at_least(field: str, value: str) -> dict[str, Any]:
    return {"number": {"field": field, "is": {"gte": value}}}


def _purchases(number: str) -> dict[str, Any]:
    """At least so many appointments, or so many orders; the two are not added up, the language compares fields."""
    return {"any": [_at_least("appointmentCount", number), _at_least("orderCount", number)]}


def _happened(kind: str, where: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"fact": {"kind": kind, "aggregate": "COUNT", "where": where or [], "is": {"gte": "1"}}}


_LONG_CALL = {"number": {"field": "durationSeconds", "is": {"gt": LONG_CALL_SECONDS}}}

DEFAULT_STAGES = (
    Stage(
        key="prospect",
        name="Prospect",
        description="Initial contact or inquiry",
        position=1,
        kind=StageKind.PROGRESSION,
        condition=_happened("CALL"),
        color="#94A3B8",
        icon="user-plus",
        is_initial=True,
    ),
    Stage(
        key="lead",
        name="Lead",
        description="Qualified interest: a call longer than a minute, or an appointment requested",
        position=2,
        kind=StageKind.PROGRESSION,
        condition={"any": [_happened("CALL", [_LONG_CALL]), _happened("APPOINTMENT")]},
        color="#60A5FA",
        icon="phone",
    ),
    Stage(
        key="customer",
        name="Customer",
        description="First appointment completed or first order",
        position=3,
        kind=StageKind.PROGRESSION,
        condition=_purchases("1"),
        color="#34D399",
        icon="check-circle",
    ),
    Stage(
        key="regular",
        name="Regular Customer",
        description="At least three completed appointments, or three orders",
        position=4,
        kind=StageKind.PROGRESSION,
        condition=_purchases(REGULAR_PURCHASES),
        color="#10B981",
        icon="star",
    ),
    Stage(
        key="vip",
        name="VIP Customer",
        description="Lifetime value of at least 1,000",
        position=5,
        kind=StageKind.PROGRESSION,
        condition=_at_least("lifetimeValue", VIP_VALUE),
        color="#8B5CF6",
        icon="crown",
    ),
    Stage(
        key="at_risk",
        name="At Risk",
        description="No activity for more than 90 days",
        position=6,
        kind=StageKind.RETENTION,
        condition=idle_longer_than(AT_RISK_DAYS),
        color="#F59E0B",
        icon="exclamation-triangle",
        retention_days=AT_RISK_DAYS,
    ),
    Stage(
        key="churned",
        name="Churned",
        description="No activity for more than 180 days",
        position=7,
        kind=StageKind.RETENTION,
        condition=idle_longer_than(CHURN_DAYS),
        color="#EF4444",
        icon="x-circle",
        retention_days=CHURN_DAYS,
    ),
)
