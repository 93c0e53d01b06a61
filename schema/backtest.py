"""Backtests: whom a condition would have matched at the end of each month of the past."""

from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from db import bulk
from db.customers import CUSTOMER_BY_ID
from resolvers import backtest as reading
from resolvers.ids import row_id
from resolvers.preview import read_condition
from schema.bulk import BulkOperation
from schema.conditions import SegmentConditionInput, given_condition
from schema.customers import Customer
from schema.fields import Info, argument, column, read, scoped
from schema.payloads import Payload, user_errors
from schema.segment_templates import SegmentComparisonInput, SegmentCriteriaInput, SegmentTemplateInput
from schema.segmenting import SegmentErrorCode, SegmentUserError

_MEANING = (
    "Facts, messages and stages are those of each instant, and metrics are computed from them; profiles, tags, "
    "consents, scores and memberships are the present ones."
)


@strawberry.type(description="Whom a condition matches at the end of a month.")
class SegmentBacktestPoint:
    day: date = column("The month's last local day.")
    as_of: datetime = column("Its last microsecond, the instant of evaluation.")
    count: int = column("How many customers; always exact.")
    sample: list[Customer] = column("Some of them, as they are now.")


@strawberry.input(description="A backtest to write into a file.")
class SegmentBacktestExportInput:
    segment_id: strawberry.ID = strawberry.field(description="The automatic segment whose condition is evaluated.")
    from_: date = strawberry.field(name="from", description="The first day.")
    to: date = strawberry.field(description="The last day, at most 60 months later.")


@strawberry.type(description="The backtest that a worker carries out.")
class SegmentBacktestExportPayload(Payload):
    bulk_operation: BulkOperation | None = strawberry.field(description="The backtest, or null when refused.")
    user_errors: list[SegmentUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class BacktestQueries:
    @strawberry.field(
        description=scoped(
            "Whom a condition would have matched at the end of each month of a range, without saving it. Give one of "
            f"condition, criteria, conditions and template. {_MEANING}",
            "segments:view",
        ),
        graphql_type=list[SegmentBacktestPoint],
    )
    async def segment_backtest(
        self,
        info: Info,
        from_: Annotated[date, strawberry.argument(name="from", description="The first day.")],
        to: Annotated[date, argument("The last day, at most 60 months later.")],
        condition: Annotated[SegmentConditionInput | None, argument("Which customers.")] = None,
        criteria: Annotated[SegmentCriteriaInput | None, argument("The same as limits.")] = None,
        conditions: Annotated[list[SegmentComparisonInput] | None, argument("The same as a flat list.")] = None,
        template: Annotated[SegmentTemplateInput | None, argument("The same from a template.")] = None,
        brand: Annotated[strawberry.ID | None, argument("Only this brand's customers, facts and metrics.")] = None,
        sample: Annotated[int, argument("How many customers of each month to show, 0 to 50.")] = 0,
    ) -> Any:
        info.context.caller.require("segments:view")
        given = {"condition": condition, "criteria": criteria, "conditions": conditions, "template": template}
        wanted = read_condition({name: given_condition(value) for name, value in given.items()})
        brand_id = row_id(brand, "Brand") if brand else None
        points = await reading.backtest(info.context, wanted, from_, to, brand_id, sample)
        return [_shown(info, point) for point in points]


@strawberry.type
class BacktestMutations:
    @strawberry.mutation(
        description=scoped(
            "Writes who matched a segment's condition at the end of each month into a CSV file; `resultUrl` of the "
            f"operation says where it is. {_MEANING} Also needs the scope `customers:view`.",
            "segments:view",
        )
    )
    async def segment_backtest_export(
        self, info: Info, input: Annotated[SegmentBacktestExportInput, argument("Which segment and months.")]
    ) -> SegmentBacktestExportPayload:
        segment_id = row_id(input.segment_id, "Segment")
        operation, refusals = await reading.export(info.context, segment_id, input.from_, input.to)
        return SegmentBacktestExportPayload(
            bulk_operation=read(info, bulk.BY_ID, operation),
            user_errors=user_errors(SegmentUserError, SegmentErrorCode, refusals),
        )


def _shown(info: Info, point: reading.Point) -> SegmentBacktestPoint:
    return SegmentBacktestPoint(
        day=point.end.day,
        as_of=point.end.as_of,
        count=point.count,
        sample=[read(info, CUSTOMER_BY_ID, customer) for customer in point.sample],
    )
