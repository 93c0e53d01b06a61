"""Which of a customer's facts to list, and in which order."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db.facts import finding
from db.statement import Statement
from domain.facts import FactKind
from resolvers.ids import row_id
from schema.conditions import vocabulary  # noqa: F401  # registers FactKind
from schema.enums import OrderDirection, described
from schema.fields import argument


class EventOrderField(StrEnum):
    OCCURRED_AT = "OCCURRED_AT"


described(EventOrderField, "What events and orders can be ordered by.", {"OCCURRED_AT": "When it happened."})


@strawberry.input(description="How to order events and orders.")
class EventOrder:
    field: EventOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which events; all that is said must hold.")
class EventWhereInput:
    kind: list[FactKind] | None = strawberry.field(default=None, description="One of these kinds.")
    name: list[str] | None = strawberry.field(default=None, description="Custom events of one of these names.")
    status: list[str] | None = strawberry.field(default=None, description="With one of these.")
    source: str | None = strawberry.field(default=None, description="Told from there.")
    brand_id: strawberry.ID | None = strawberry.field(default=None, description="With this brand.")
    since: datetime | None = strawberry.field(default=None, description="Not before.")
    until: datetime | None = strawberry.field(default=None, description="Before this.")


@strawberry.input(description="Which orders; all that is said must hold.")
class OrderWhereInput:
    status: list[str] | None = strawberry.field(default=None, description="PENDING, COMPLETED or CANCELLED.")
    source: str | None = strawberry.field(default=None, description="Told from there.")
    brand_id: strawberry.ID | None = strawberry.field(default=None, description="With this brand.")
    since: datetime | None = strawberry.field(default=None, description="Not placed before.")
    until: datetime | None = strawberry.field(default=None, description="Placed before this.")


EventWhere = Annotated[EventWhereInput | None, argument("Which; all without it.")]
OrderWhere = Annotated[OrderWhereInput | None, argument("Which; all without it.")]
Order = Annotated[EventOrder | None, argument("The order; newest first without it.")]
Search = Annotated[str | None, argument("Words in the name of a custom event, the key or the source.")]


def matching(where: EventWhereInput | OrderWhereInput | None = None, search: str | None = None) -> Statement | None:
    """The facts that are asked for."""
    wanted = where or EventWhereInput()
    return finding.matching(
        kind=wanted.kind if isinstance(wanted, EventWhereInput) else None,
        name=wanted.name if isinstance(wanted, EventWhereInput) else None,
        status=wanted.status,
        source=wanted.source,
        brand_id=row_id(wanted.brand_id, "Brand") if wanted.brand_id else None,
        since=wanted.since,
        until=wanted.until,
        search=search,
    )
