"""Previewing a condition before it becomes a segment."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from db.customers import CUSTOMER_BY_ID
from domain.conditions import sentence
from resolvers import preview as reading
from resolvers.ids import row_id
from schema.conditions import SegmentConditionInput, given_condition
from schema.connections import Count, CountPrecision
from schema.customers import Customer
from schema.fields import Info, argument, column, read, scoped


@strawberry.type(description="Whom a condition matches.")
class SegmentPreview:
    count: Count = column("How many customers; always exact.")
    condition_text: str = column("The condition as a sentence.")
    sample: list[Customer] = column("Some of them.")


@strawberry.type
class PreviewQueries:
    @strawberry.field(
        description=scoped("Whom a condition matches, without saving it.", "segments:view"),
        graphql_type=SegmentPreview,
    )
    async def segment_preview(
        self,
        info: Info,
        condition: Annotated[SegmentConditionInput, argument("Which customers.")],
        as_of: Annotated[datetime | None, argument("Evaluate as of this instant; now without it.")] = None,
        brand: Annotated[strawberry.ID | None, argument("Only this brand's customers, facts and metrics.")] = None,
        sample: Annotated[int, argument("How many customers to show, 0 to 50.")] = 10,
    ) -> Any:
        info.context.caller.require("segments:view")
        brand_id = row_id(brand, "Brand") if brand else None
        found = await reading.preview(info.context, given_condition(condition), as_of, brand_id, sample)
        count: Any = Count
        return SegmentPreview(
            count=count(value=found.count, precision=CountPrecision.EXACT),
            condition_text=sentence(found.condition),
            sample=[read(info, CUSTOMER_BY_ID, customer) for customer in found.sample],
        )
