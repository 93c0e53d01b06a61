"""Customers as clients see them."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db import customers
from db.consents import CONSENT_CHANGES_OF_CUSTOMER, CONSENTS_OF_CUSTOMER
from db.contacts import PREFERENCE_OF_CUSTOMER
from db.devices import DEVICES_OF_CUSTOMER
from db.facts.reading import EVENTS_OF_CUSTOMER, ORDERS_OF_CUSTOMER
from db.journeys.records import JOURNEY_OF_CUSTOMER
from db.merges import ALIASES_OF_CUSTOMER
from db.messages import MESSAGES_OF_CUSTOMER
from db.metrics import METRICS_BY_BRAND, METRICS_OF_CUSTOMER
from db.predictions import PREDICTION_OF_CUSTOMER
from db.searches import Search
from db.segments.records import HISTORY_OF_CUSTOMER, SEGMENTS_OF_CUSTOMER
from db.tags import TAGS_OF_CUSTOMER
from domain.customers import CustomerKind
from resolvers import customers as commands
from resolvers import timeline as timelines
from resolvers.ids import row_id
from resolvers.paging import PageArguments
from schema import fact_filter, membership_filter, message_filter
from schema.connections import Connection
from schema.customer_filter import CustomerWhereInput, filter_condition
from schema.enums import OrderDirection, described
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
    narrowed,
    own_key,
    page_arguments,
    related,
    scoped,
)
from schema.node import Node, node
from schema.predictions import CustomerPrediction
from schema.scalars import JSON
from schema.timeline_filter import TimelineWhereInput

if TYPE_CHECKING:
    from schema.consents import Consent, ConsentChange, ContactPreference
    from schema.devices import CustomerDevice
    from schema.facts import Event, Order
    from schema.journeys import Journey
    from schema.merges import CustomerAlias
    from schema.messages import Message
    from schema.metrics import CustomerMetrics
    from schema.notes import CustomerNote
    from schema.segments import SegmentMembership, SegmentMembershipChange
    from schema.tags import Tag
    from schema.timeline import TimelineEntry

VIEW = "customers:view"


@node(by_id=customers.CUSTOMER_BY_ID, scope=VIEW, description="A person or business the organization knows.")
class Customer(Node):
    kind: CustomerKind = column("Person or business.")
    external_id: str | None = column("The partner's own id, unique in the organization.")
    name: str | None = column("Full name.")
    email: str | None = column("E-mail address, lower case, unique in the organization.")
    phone: str | None = column("Phone number, E.164.")
    date_of_birth: date | None = column("Day of birth.")
    timezone: str | None = column("IANA time zone; null means the organization's.")
    locale: str | None = column("BCP 47 language tag.")
    loyalty_level: str | None = column("Level in the organization's loyalty programme.")
    city: str | None = column("City.")
    state: str | None = column("State or region.")
    country: str | None = column("Country, ISO 3166-1 alpha-2.")
    attributes: JSON = column("Custom attributes, a JSON object.")
    acquired_at: datetime = column("When the organization won the customer; tenure counts from here.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When the record was made.")
    updated_at: datetime = column("When the record was last changed.")

    metrics: Annotated["CustomerMetrics", strawberry.lazy("schema.metrics")] | None = related(
        METRICS_OF_CUSTOMER,
        "What all their facts add up to; null without any fact, and for callers who are limited to brands.",
    )
    brand_metrics: list[Annotated["CustomerMetrics", strawberry.lazy("schema.metrics")]] = listed(
        METRICS_BY_BRAND, "What their facts with each brand that you may see add up to."
    )
    aliases: list[Annotated["CustomerAlias", strawberry.lazy("schema.merges")]] = listed(
        ALIASES_OF_CUSTOMER, "What they were called by those who were merged into them: it finds them, too."
    )
    tags: list[Annotated["Tag", strawberry.lazy("schema.tags")]] = listed(TAGS_OF_CUSTOMER, "Tags, by name.")
    journey: Annotated["Journey", strawberry.lazy("schema.journeys")] | None = related(
        JOURNEY_OF_CUSTOMER, "Where they stand in the lifecycle; null before it starts.", scope="journeys:view"
    )
    prediction: CustomerPrediction | None = related(
        PREDICTION_OF_CUSTOMER, "What they are expected to buy; null without a model.", scope="journeys:view"
    )
    segments: Connection[Annotated["SegmentMembership", strawberry.lazy("schema.segments")]] = connected(
        SEGMENTS_OF_CUSTOMER, "The segments they are in, newest first.", scope="segments:view"
    )
    membership_history: Connection[Annotated["SegmentMembershipChange", strawberry.lazy("schema.segments")]] = narrowed(
        HISTORY_OF_CUSTOMER,
        "When they entered and left segments and why.",
        membership_filter.matching,
        scope="segments:view",
        where=membership_filter.Where,
        order_by=membership_filter.Order,
    )
    notes: Connection[Annotated["CustomerNote", strawberry.lazy("schema.notes")]] = connected(
        customers.NOTES_OF_CUSTOMER, "Notes, newest first."
    )
    events: Connection[Annotated["Event", strawberry.lazy("schema.facts")]] = narrowed(
        EVENTS_OF_CUSTOMER,
        "Everything that happened, newest first.",
        fact_filter.matching,
        where=fact_filter.EventWhere,
        order_by=fact_filter.Order,
        search=fact_filter.Search,
    )
    orders: Connection[Annotated["Order", strawberry.lazy("schema.facts")]] = narrowed(
        ORDERS_OF_CUSTOMER,
        "Orders, newest first.",
        fact_filter.matching,
        where=fact_filter.OrderWhere,
        order_by=fact_filter.Order,
        search=fact_filter.Search,
    )
    consents: list[Annotated["Consent", strawberry.lazy("schema.consents")]] = listed(
        CONSENTS_OF_CUSTOMER, "What they want of each brand, newest first; nothing where nothing was said."
    )
    devices: list[Annotated["CustomerDevice", strawberry.lazy("schema.devices")]] = listed(
        DEVICES_OF_CUSTOMER, "Their devices and passes, at most 20 for each brand, the newest first."
    )
    consent_changes: Connection[Annotated["ConsentChange", strawberry.lazy("schema.consents")]] = connected(
        CONSENT_CHANGES_OF_CUSTOMER, "How their consents came about, newest first.", scope="campaigns:view"
    )
    contact_preference: Annotated["ContactPreference", strawberry.lazy("schema.consents")] | None = related(
        PREFERENCE_OF_CUSTOMER, "How they want to be reached; null when they never said."
    )
    messages: Connection[Annotated["Message", strawberry.lazy("schema.messages")]] = narrowed(
        MESSAGES_OF_CUSTOMER,
        "Messages to them, newest first.",
        message_filter.matching,
        scope="campaigns:view",
        where=message_filter.Where,
        order_by=message_filter.Order,
    )

    @strawberry.field(
        description="Everything that happened to them, newest first. Kinds that need a scope you lack are left out.",
        graphql_type=Connection[Annotated["TimelineEntry", strawberry.lazy("schema.timeline")]],
    )
    def timeline(
        self,
        root: strawberry.Parent[Any],
        info: Info,
        where: Annotated[TimelineWhereInput | None, argument("Which entries; all without it.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        wanted = where or TimelineWhereInput()
        arguments = PageArguments(first, after, last, before)
        return timelines.page(info.context, root.id, arguments, wanted.kinds, wanted.since, wanted.until)


class CustomerOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    NAME = "NAME"


described(
    CustomerOrderField,
    "What customers can be ordered by.",
    {
        "CREATED_AT": "When the record was made.",
        "UPDATED_AT": "When the record was last changed.",
        "NAME": "Full name, by Unicode code point; nameless ones first.",
    },
)


@strawberry.input(description="How to order customers.")
class CustomerOrder:
    field: CustomerOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(one_of=True, description="Exactly one way to name a customer.")
class CustomerIdentifier:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The global id.")
    external_id: str | None = strawberry.field(default=strawberry.UNSET, description="The partner's own id.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="The e-mail address, any case.")


@strawberry.type
class CustomerQueries:
    @strawberry.field(
        description=scoped("One customer, or null when there is none that you may see.", VIEW),
        graphql_type=Customer | None,
    )
    def customer(self, info: Info, by: Annotated[CustomerIdentifier, argument("Which customer.")]) -> Any:
        info.context.caller.require(VIEW)
        if isinstance(by.external_id, str):
            return commands.find(info.context, customers.CUSTOMER_BY_EXTERNAL_ID, by.external_id)
        if isinstance(by.email, str):
            return commands.find(info.context, customers.CUSTOMER_BY_EMAIL, by.email.strip().lower())
        return info.context.loaders.one(customers.CUSTOMER_BY_NAMED_ID, row_id(str(by.id), "Customer"))

    @strawberry.field(description=scoped("The organization's customers.", VIEW), graphql_type=Connection[Customer])
    async def customers(
        self,
        info: Info,
        where: Annotated[CustomerWhereInput | None, argument("Which customers.")] = None,
        order_by: Annotated[CustomerOrder | None, argument("The order; oldest first without it.")] = None,
        search: Annotated[str | None, argument("Words that name, e-mail, external id or phone contain.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        words = Search.of(search or "")
        further = None if where is None else await commands.filtered(info.context, filter_condition(where))
        matching = await commands.among(info.context, words, further)
        arguments = page_arguments(first, after, last, before, order_by, matching)
        return info.context.loaders.page(customers.CUSTOMERS, own_key(info), arguments)
