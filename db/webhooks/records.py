"""Webhooks, deliveries and attempts as they are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.names import named
from db.records import column
from db.relations import Relation, Sort
from db.statement import Statement, sql


@dataclass(frozen=True, slots=True)
class Webhook:
    """Never the secret; `previous_secret_until`: until when the one before it signs too.

    failing_since: the first failed attempt since the last success.
    """

    id: UUID
    name: str
    url: str
    event_types: list[str]
    scopes: list[str]
    selection: str | None
    state: str
    disabled_reason: str | None
    secret_hint: str
    secret_set_at: datetime
    previous_secret_until: datetime | None
    failing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a webhook; `data` has bare uuids (domain/events.py)."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    state: str
    attempt_count: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    event_type: str = column("e.type")
    occurred_at: datetime = column("e.occurred_at")
    data: dict[str, Any] = column("e.data")


@dataclass(frozen=True, slots=True)
class Attempt:
    """status: of the answer, None when there was none; `response`: its beginning."""

    number: int
    at: datetime
    latency_ms: int
    status: int | None
    error: str | None
    response: str | None


_SEQ = Sort("t.seq", "bigint")
_DELIVERY = "webhook_delivery t join outbox_event e on e.organization_id = t.organization_id and e.id = t.event_id"

WEBHOOK_BY_ID = Relation("webhook", Webhook, "webhook t", key="t.id")
WEBHOOKS = Relation(
    "webhooks",
    Webhook,
    "webhook t",
    key="t.organization_id",
    orders=(
        ("CREATED_AT", Sort("t.created_at", "timestamptz")),
        ("NAME", Sort('t.name collate "C"', "text")),
    ),
)
DELIVERY_BY_ID = Relation("webhook_delivery", Delivery, _DELIVERY, key="t.id")
DELIVERIES = Relation(
    "webhook_deliveries",
    Delivery,
    _DELIVERY,
    key="t.organization_id",
    orders=(("CREATED_AT", _SEQ),),
    tie=_SEQ,
    descending=True,
)
DELIVERIES_OF_WEBHOOK = Relation(
    "deliveries_of_webhook",
    Delivery,
    _DELIVERY,
    key="t.webhook_id",
    orders=(("CREATED_AT", _SEQ),),
    tie=_SEQ,
    descending=True,
)
ATTEMPTS_OF_DELIVERY = Relation(
    "attempts_of_webhook_delivery",
    Attempt,
    "webhook_attempt t",
    key="t.delivery_id",
    orders=(("NUMBER", Sort("t.number", "integer")),),
    tie=Sort("t.delivery_id", "uuid"),
)


def matching_webhooks(state: str | None, search: str | None) -> Statement | None:
    """Webhooks in a state whose name contains every word; None for all."""
    return named(search, None if state is None else sql("t.state = :state", state=state))


def matching_deliveries(
    webhook_id: UUID | None, state: str | None, event_types: Sequence[str] | None
) -> Statement | None:
    """Deliveries of which all that is said holds; None for all."""
    return named(
        None,
        None if webhook_id is None else sql("t.webhook_id = :id", id=webhook_id),
        None if state is None else sql("t.state = :state", state=state),
        None if event_types is None else sql("e.type = any(:types::text[])", types=list(event_types)),
    )
