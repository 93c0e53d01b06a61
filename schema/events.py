"""The events of one customer as a root field."""

from typing import Annotated, Any

import strawberry

from db.facts.reading import EVENTS_OF_CUSTOMER
from resolvers.customers import known
from schema.connections import Connection
from schema.customers import VIEW, CustomerIdentifier
from schema.explaining import identified
from schema.fact_filter import EventWhere, Order, Search, matching
from schema.facts import Event
from schema.fields import After, Before, First, Info, Last, argument, page_arguments, scoped


@strawberry.type
class EventQueries:
    @strawberry.field(
        description=scoped("What happened to a customer, newest first; nothing for an unknown one.", VIEW),
        graphql_type=Connection[Event],
    )
    async def events(
        self,
        info: Info,
        customer: Annotated[CustomerIdentifier, argument("Whose.")],
        where: EventWhere = None,
        order_by: Order = None,
        search: Search = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        arguments = page_arguments(first, after, last, before, order_by, matching(where, search))
        found = await known(info.context, *identified(customer))
        return info.context.loaders.page(EVENTS_OF_CUSTOMER, found, arguments)
