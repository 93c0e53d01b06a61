"""Relay connections: the same four fields over any type."""

from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from schema.enums import described

Item = TypeVar("Item")


class CountPrecision(StrEnum):
    EXACT = "EXACT"
    AT_LEAST = "AT_LEAST"


described(
    CountPrecision,
    "How exact a count is.",
    {"EXACT": "Exactly so many.", "AT_LEAST": "Counting stopped here; there are more."},
)


@strawberry.type(description="How many there are.")
class Count:
    value: int = strawberry.field(description="The number counted, at most 10,000 unless a stored count answers.")
    precision: CountPrecision = strawberry.field(description="Whether there may be more.")


@strawberry.type(description="Where a page stands in its connection.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last item.")


@strawberry.type(description="An item and its cursor.")
class Edge(Generic[Item]):
    node: Item = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="Where the item stands; opaque.")


@strawberry.type(description="A page of items.")
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = strawberry.field(description="The items with their cursors.")
    nodes: list[Item] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")

    @strawberry.field(description="How many items the whole connection has; counted only when selected.")
    async def total_count(self, root: strawberry.Parent[Any]) -> Annotated[Count, "counted lazily"]:
        counted: Count = await root.count()
        return counted
