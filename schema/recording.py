"""Telling what happened: events, orders, appointments, calls, visits and tickets."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db.facts import reading
from domain.facts import Fact, FactKind, Outcome, fact, item
from domain.refusals import Refused
from resolvers import facts as commands
from resolvers.ids import row_id
from schema.customers import CustomerIdentifier
from schema.enums import described
from schema.facts import Event
from schema.fields import Info, argument, column, read, scoped
from schema.payloads import Payload, UserError, user_errors
from schema.profiles import EDIT
from schema.scalars import JSON, BigInt


class FactErrorCode(StrEnum):
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    REVISION_CONFLICT = "REVISION_CONFLICT"
    TOO_MANY = "TOO_MANY"


described(
    FactErrorCode,
    "Why something told was refused; then nothing of the list was written.",
    {
        "INVALID": "A value cannot be accepted.",
        "NOT_FOUND": "There is no such customer or brand, or you may not see it.",
        "REVISION_CONFLICT": "This revision was told with another content: a correction needs a higher one.",
        "TOO_MANY": "The list is longer than one command takes.",
    },
)


@strawberry.type(description="Why something told was refused.")
class FactUserError(UserError):
    code: FactErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.type(description="What became of one item of the list.")
class FactOutcome:
    outcome: Outcome = column("New, unchanged (told before) or changed (a correction).")
    event: Event = column("The fact as it is known now.")


def _must(description: str) -> Any:
    return strawberry.field(description=description)


def _may(description: str) -> Any:
    return strawberry.field(default=None, description=description)


@strawberry.input(description="What every fact says.")
class FactInput:
    key: str = _must("Its own key; unique in the source, so that telling it again does not count twice.")
    customer: CustomerIdentifier = _must("To whom it happened.")
    occurred_at: datetime = _must("When it happened.")
    brand: strawberry.ID | None = _may("With which brand.")
    revision: BigInt | None = _may("A correction needs a higher one; without revisions the last telling is right.")
    properties: JSON | None = _may("Whatever else is to be kept, a JSON object.")

    def tell(self, kind: FactKind, source: str, **more: object) -> Fact:
        """The checked fact; refuses INVALID."""
        who = self.customer
        return fact(
            kind=kind,
            source=source,
            key=self.key,
            customer=commands.reference(_given(who.id), _given(who.external_id), _given(who.email)),
            occurred_at=self.occurred_at,
            brand_id=row_id(self.brand, "Brand") if self.brand else None,
            revision=self.revision,
            properties=self.properties,
            **more,  # type: ignore[arg-type]  # fact() checks what it is given
        )


@strawberry.input(description="A line of an order.")
class OrderItemInput:
    sku: str = _must("What was bought.")
    category: str | None = _may("Of what category.")
    brand_label: str | None = _may("Of what make.")
    quantity: Decimal | None = _may("How many; 1 without it.")
    amount: Decimal | None = _may("Net total of the line.")


@strawberry.input(description="Money given back on an order.")
class OrderRefundInput:
    key: str = _must("The refund's own key, unique in the source.")
    amount: Decimal = _must("How much was given back.")
    occurred_at: datetime = _must("When.")


@strawberry.input(description="An order.")
class OrderInput(FactInput):
    amount: Decimal = _must("Net amount in the organization's currency.")
    status: str | None = _may("PENDING, COMPLETED (without it) or CANCELLED.")
    items: list[OrderItemInput] | None = _may("At most 250 lines.")
    refunds: list[OrderRefundInput] | None = _may("Refunds of it; each becomes a fact of its own.")

    def told(self, source: str) -> Sequence[Fact]:
        items = [
            item(
                i.sku,
                category=i.category,
                brand_label=i.brand_label,
                quantity=1 if i.quantity is None else i.quantity,
                amount=i.amount,
            )
            for i in self.items or ()
        ]
        order = self.tell(FactKind.ORDER, source, amount=self.amount, status=self.status, items=items)
        refunds = [
            fact(
                kind=FactKind.REFUND,
                source=source,
                key=refund.key,
                customer=order.customer,
                amount=refund.amount,
                occurred_at=refund.occurred_at,
                brand_id=order.brand_id,
            )
            for refund in self.refunds or ()
        ]
        return [order, *refunds]


@strawberry.input(description="An appointment.")
class AppointmentInput(FactInput):
    status: str = _must("REQUESTED, COMPLETED, NO_SHOW or CANCELLED.")
    amount: Decimal | None = _may("What a completed one brought in.")

    def told(self, source: str) -> Sequence[Fact]:
        return [self.tell(FactKind.APPOINTMENT, source, status=self.status, amount=self.amount)]


@strawberry.input(description="A phone call.")
class CallInput(FactInput):
    duration_seconds: int | None = _may("How long it was.")

    def told(self, source: str) -> Sequence[Fact]:
        return [self.tell(FactKind.CALL, source, duration_seconds=self.duration_seconds)]


@strawberry.input(description="A visit in person.")
class VisitInput(FactInput):
    def told(self, source: str) -> Sequence[Fact]:
        return [self.tell(FactKind.VISIT, source)]


@strawberry.input(description="A support ticket.")
class TicketInput(FactInput):
    status: str = _must("OPEN or RESOLVED.")

    def told(self, source: str) -> Sequence[Fact]:
        return [self.tell(FactKind.TICKET, source, status=self.status)]


@strawberry.input(description="A custom event.")
class EventInput(FactInput):
    name: str = _must("The event's name.")
    amount: Decimal | None = _may("An amount, if it has one; it does not count as revenue.")

    def told(self, source: str) -> Sequence[Fact]:
        return [self.tell(FactKind.CUSTOM, source, name=self.name, amount=self.amount)]


@strawberry.input(description="An event to track.")
class EventTrackInput(EventInput):
    source: str = _must("Where it is told from.")
    create_missing: bool = strawberry.field(default=False, description="Make a customer who is not known yet.")


@strawberry.input(description="What every list of facts says.")
class FactsInput:
    source: str = _must("Where they are told from; keys are unique in it.")
    create_missing: bool = strawberry.field(default=False, description="Make customers who are not known yet.")


@strawberry.input(description="Events to track, all or none.")
class EventsTrackInput(FactsInput):
    events: list[EventInput] = _must("At most 1,000.")


@strawberry.input(description="Orders to record, all or none.")
class OrdersRecordInput(FactsInput):
    orders: list[OrderInput] = _must("At most 1,000.")


@strawberry.input(description="Appointments to record, all or none.")
class AppointmentsRecordInput(FactsInput):
    appointments: list[AppointmentInput] = _must("At most 1,000.")


@strawberry.input(description="Calls to record, all or none.")
class CallsRecordInput(FactsInput):
    calls: list[CallInput] = _must("At most 1,000.")


@strawberry.input(description="Visits to record, all or none.")
class VisitsRecordInput(FactsInput):
    visits: list[VisitInput] = _must("At most 1,000.")


@strawberry.input(description="Tickets to record, all or none.")
class TicketsRecordInput(FactsInput):
    tickets: list[TicketInput] = _must("At most 1,000.")


@strawberry.type(description="The event as it is known now.")
class EventTrackPayload(Payload):
    event: Event | None = strawberry.field(description="The event, or null when refused.")
    outcome: Outcome | None = strawberry.field(description="New, unchanged or changed; null when refused.")
    user_errors: list[FactUserError] = strawberry.field(description="Why it was refused.")


def _payload(name: str) -> Any:
    """Payloads of lists differ in their name alone."""
    members = {
        "__annotations__": {"outcomes": list[FactOutcome], "user_errors": list[FactUserError]},
        "outcomes": strawberry.field(description="One for each, in the order of the list; empty when refused."),
        "user_errors": strawberry.field(description="Why it was refused."),
        "__module__": __name__,
    }
    return strawberry.type(type(name, (Payload,), members), description="What became of the list.")


EventsTrackPayload = _payload("EventsTrackPayload")
OrdersRecordPayload = _payload("OrdersRecordPayload")
AppointmentsRecordPayload = _payload("AppointmentsRecordPayload")
CallsRecordPayload = _payload("CallsRecordPayload")
VisitsRecordPayload = _payload("VisitsRecordPayload")
TicketsRecordPayload = _payload("TicketsRecordPayload")


def _list_field(noun: str, given: Any, payload: Any, description: str) -> Any:
    """A mutation that records the list `noun` of its input."""

    async def resolve(info: Info, input: Annotated[given, argument("What to record.")]) -> payload:
        told = [lambda one=one: one.told(input.source) for one in getattr(input, noun)]
        recorded, refusals = await commands.record(
            info.context, told, ("input", noun), create_missing=input.create_missing
        )
        outcomes = [
            FactOutcome(outcome=one.outcome, event=read(info, reading.EVENT_BY_ID, one.fact_id))
            for one in recorded or ()
        ]
        return payload(outcomes=outcomes, user_errors=_errors(refusals))

    return strawberry.mutation(resolver=resolve, description=scoped(description, EDIT))


@strawberry.type
class FactMutations:
    @strawberry.mutation(description=scoped("Tracks a custom event.", EDIT))
    async def event_track(
        self, info: Info, input: Annotated[EventTrackInput, argument("The event.")]
    ) -> EventTrackPayload:
        recorded, refusals = await commands.record(
            info.context, [lambda: input.told(input.source)], ("input",), create_missing=input.create_missing
        )
        one = recorded[0] if recorded else None
        return EventTrackPayload(
            event=read(info, reading.EVENT_BY_ID, one.fact_id if one else None),
            outcome=one.outcome if one else None,
            user_errors=_errors(refusals),
        )

    events_track = _list_field("events", EventsTrackInput, EventsTrackPayload, "Tracks custom events.")
    orders_record = _list_field("orders", OrdersRecordInput, OrdersRecordPayload, "Records orders.")
    appointments_record = _list_field(
        "appointments", AppointmentsRecordInput, AppointmentsRecordPayload, "Records appointments."
    )
    calls_record = _list_field("calls", CallsRecordInput, CallsRecordPayload, "Records phone calls.")
    visits_record = _list_field("visits", VisitsRecordInput, VisitsRecordPayload, "Records visits in person.")
    tickets_record = _list_field("tickets", TicketsRecordInput, TicketsRecordPayload, "Records support tickets.")


def _given(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _errors(refusals: list[Refused]) -> list[FactUserError]:
    return user_errors(FactUserError, FactErrorCode, refusals)
