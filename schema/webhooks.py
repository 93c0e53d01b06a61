"""Webhooks as clients see them: endpoints, deliveries and what became of each attempt."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import webhooks
from domain.events import EVENTS, EventType
from domain.webhooks import DeliveryState, WebhookState, message_id
from resolvers.ids import row_id
from resolvers.webhooks import SCOPE
from schema.connections import Connection
from schema.enums import OrderDirection, described
from schema.event_data import shown
from schema.fields import (
    After,
    Before,
    First,
    Info,
    Last,
    argument,
    column,
    connected,
    listed,
    own_key,
    page_arguments,
    related,
    scoped,
)
from schema.node import Node, node
from schema.scalars import JSON

described(
    EventType,
    "What can be told to a webhook; on the wire e.g. `segment.entered`.",
    {
        type_.name: f"`{event.topic}`: {event.description} Says {', '.join(event.keys) or 'nothing'}. "
        f"Hearing it takes the scope `{event.scope}`."
        for type_, event in EVENTS.items()
    },
    name="WebhookEventType",
)
described(
    WebhookState,
    "Whether a webhook is sent to.",
    {
        "ACTIVE": "It is sent what it asks for.",
        "PAUSED": "Somebody paused it: what waits stays, what happens meanwhile is not kept for it.",
        "DISABLED": "It failed for a day or answered 410 Gone; set it to ACTIVE once it is mended.",
    },
)
described(
    DeliveryState,
    "What became of a delivery.",
    {
        "PENDING": "It waits for its next attempt.",
        "DELIVERED": "The endpoint answered 2xx.",
        "FAILED": "It was given up; webhookDeliveryResend sends it once more.",
    },
)


@strawberry.type(description="One attempt to deliver an event.")
class WebhookAttempt:
    number: int = column("Counted from 1.")
    at: datetime = column("When it began.")
    latency_ms: int = column("How long it took, in milliseconds.")
    status: int | None = column("The HTTP status of the answer; null when there was none.")
    error: str | None = column("Why there was no answer, or not a whole one.")
    response: str | None = column("The first 1,000 bytes of the answer.")


@node(by_id=webhooks.DELIVERY_BY_ID, scope=SCOPE, description="An event on its way to a webhook; kept for 30 days.")
class WebhookDelivery(Node):
    event_type: EventType = column("What happened.")
    occurred_at: datetime = column("When it happened.")
    state: DeliveryState = column("What became of it.")
    attempt_count: int = column("How often it was tried; 8 times at most, over 23 hours.")
    next_attempt_at: datetime | None = column("When it is tried next; null once it is over.")
    created_at: datetime = column("Since when it waits.")
    finished_at: datetime | None = column("When it was delivered or given up.")
    webhook: Annotated["Webhook", strawberry.lazy("schema.webhooks")] = related(
        webhooks.WEBHOOK_BY_ID, "Where to.", key="webhook_id"
    )
    attempts: list[WebhookAttempt] = listed(webhooks.ATTEMPTS_OF_DELIVERY, "What came of each attempt, in order.")

    @strawberry.field(description="The header webhook-id: the same for every attempt and re-sending of one event.")
    def message_id(self, root: strawberry.Parent[Any]) -> str:
        return message_id(root.event_id)

    @strawberry.field(description="What the event says: ids of what it is about, and words such as a kind.")
    def data(self, root: strawberry.Parent[Any]) -> JSON:
        return JSON(shown(root.data))


@node(by_id=webhooks.WEBHOOK_BY_ID, scope=SCOPE, description="A URL that is told what happens, by signed requests.")
class Webhook(Node):
    name: str = column("What it is for.")
    url: str = column("Where requests go.")
    event_types: list[EventType] = column("What it is told.")
    scopes: list[str] = column("With which its selection is read.")
    selection: str | None = column("The query whose answer each payload shows; null for ids alone.")
    state: WebhookState = column("Whether it is sent to.")
    disabled_reason: str | None = column("Why it was disabled.")
    secret_hint: str = column("The last characters of its secret; the secret itself is shown only when it is made.")
    secret_set_at: datetime = column("Since when this secret signs.")
    previous_secret_until: datetime | None = column("Until when the secret before it signs as well.")
    failing_since: datetime | None = column("The first failed attempt since the last success; null when all is well.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")
    deliveries: Connection[WebhookDelivery] = connected(
        webhooks.DELIVERIES_OF_WEBHOOK, "What it was or is to be told, newest first."
    )


class WebhookOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    NAME = "NAME"


described(
    WebhookOrderField,
    "What webhooks can be ordered by.",
    {"CREATED_AT": "When it was made.", "NAME": "Its name, by Unicode code point."},
)


@strawberry.input(description="How to order webhooks.")
class WebhookOrder:
    field: WebhookOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which webhooks; all that is said must hold.")
class WebhookWhereInput:
    state: WebhookState | None = strawberry.field(default=None, description="In this state.")


@strawberry.input(description="Which deliveries; all that is said must hold.")
class WebhookDeliveryWhereInput:
    webhook_id: strawberry.ID | None = strawberry.field(default=None, description="To this webhook.")
    state: DeliveryState | None = strawberry.field(default=None, description="In this state.")
    event_types: list[EventType] | None = strawberry.field(default=None, description="Of one of these events.")


@strawberry.type
class WebhookQueries:
    @strawberry.field(
        description=scoped("One webhook, or null when there is none that you may see.", SCOPE),
        graphql_type=Webhook | None,
    )
    def webhook(self, info: Info, id: Annotated[strawberry.ID, argument("Its global id.")]) -> Any:
        info.context.caller.require(SCOPE)
        return info.context.loaders.one(webhooks.WEBHOOK_BY_ID, row_id(id, "Webhook"))

    @strawberry.field(
        description=scoped("The organization's webhooks, at most 20.", SCOPE), graphql_type=Connection[Webhook]
    )
    def webhooks(
        self,
        info: Info,
        where: Annotated[WebhookWhereInput | None, argument("Which; all without it.")] = None,
        order_by: Annotated[WebhookOrder | None, argument("The order; oldest first without it.")] = None,
        search: Annotated[str | None, argument("Words that the name contains.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(SCOPE)
        matching = webhooks.matching_webhooks(where.state if where else None, search)
        arguments = page_arguments(first, after, last, before, order_by, matching)
        return info.context.loaders.page(webhooks.WEBHOOKS, own_key(info), arguments)

    @strawberry.field(
        description=scoped("What webhooks were or are to be told, newest first.", SCOPE),
        graphql_type=Connection[WebhookDelivery],
    )
    def webhook_deliveries(
        self,
        info: Info,
        where: Annotated[WebhookDeliveryWhereInput | None, argument("Which; all without it.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(SCOPE)
        wanted = where or WebhookDeliveryWhereInput()
        webhook_id = row_id(wanted.webhook_id, "Webhook") if wanted.webhook_id else None
        matching = webhooks.matching_deliveries(webhook_id, wanted.state, wanted.event_types)
        arguments = page_arguments(first, after, last, before, where=matching)
        return info.context.loaders.page(webhooks.DELIVERIES, own_key(info), arguments)
