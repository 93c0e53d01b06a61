"""Previewing a condition before it becomes a segment."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import strawberry

from db import bulk
from db.customers import CUSTOMER_BY_ID
from db.segments.analytics import Share
from domain.conditions import sentence
from domain.refusals import Refused
from resolvers import preview as reading
from resolvers.ids import global_id, row_id
from schema.bulk import BulkOperation
from schema.conditions import SegmentConditionInput, given_condition
from schema.connections import Count, CountPrecision
from schema.customers import Customer
from schema.enums import described
from schema.fields import Info, argument, column, read, scoped
from schema.payloads import Payload, UserError, user_errors
from schema.segment_templates import SegmentComparisonInput, SegmentCriteriaInput, SegmentTemplateInput


@strawberry.type(description="How many of the customers have one thing in common.")
class CompositionShare:
    key: str | None = column("The stage's key, the brand's global id or the country; null for those without one.")
    name: str | None = column("What to call it in front of people; null for those without one.")
    customers: int = column("How many; those of several brands count for each.")


@strawberry.type(description="Of what customers consist; of each at most 250, the largest first.")
class SegmentComposition:
    stages: list[CompositionShare] = column("By lifecycle stage.")
    brands: list[CompositionShare] = column("By brand.")
    countries: list[CompositionShare] = column("By country.")


@strawberry.type(description="Whom a condition matches.")
class SegmentPreview:
    count: Count = column("How many customers; exact, or at least 0 when `complete` is false.")
    complete: bool = column(
        "Whether they could be counted within a second; if not, `segmentPreviewStart` has a worker do it."
    )
    condition_text: str = column("The condition as a sentence.")
    sample: list[Customer] = column("Some of them.")
    wanted: strawberry.Private[reading.Wanted]

    @strawberry.field(description="Of what they consist; evaluated only when selected.")
    async def composition(self, info: Info) -> SegmentComposition:
        return composed(await reading.compose(info.context, self.wanted))


@strawberry.type
class PreviewQueries:
    @strawberry.field(
        description=scoped(
            "Whom a condition matches, without saving it. Give one of condition, criteria, conditions and template.",
            "segments:view",
        ),
        graphql_type=SegmentPreview,
    )
    async def segment_preview(
        self,
        info: Info,
        condition: Annotated[SegmentConditionInput | None, argument("Which customers.")] = None,
        criteria: Annotated[SegmentCriteriaInput | None, argument("The same as limits.")] = None,
        conditions: Annotated[list[SegmentComparisonInput] | None, argument("The same as a flat list.")] = None,
        template: Annotated[SegmentTemplateInput | None, argument("The same from a template.")] = None,
        as_of: Annotated[datetime | None, argument("Evaluate as of this instant; now without it.")] = None,
        brand: Annotated[strawberry.ID | None, argument("Only this brand's customers, facts and metrics.")] = None,
        segment: Annotated[strawberry.ID | None, argument("With people's decisions about this segment.")] = None,
        sample: Annotated[int, argument("How many customers to show, 0 to 50.")] = 10,
    ) -> Any:
        info.context.caller.require("segments:view")
        brand_id = row_id(brand, "Brand") if brand else None
        wanted = reading.Wanted(
            reading.read_condition(
                {
                    "condition": given_condition(condition),
                    "criteria": given_condition(criteria),
                    "conditions": given_condition(conditions),
                    "template": given_condition(template),
                }
            ),
            as_of,
            brand_id,
            row_id(segment, "Segment") if segment else None,
        )
        found = await reading.preview(info.context, wanted, sample)
        count: Any = Count
        return SegmentPreview(
            count=count(
                value=found.count, precision=CountPrecision.EXACT if found.complete else CountPrecision.AT_LEAST
            ),
            complete=found.complete,
            condition_text=sentence(found.condition),
            sample=[read(info, CUSTOMER_BY_ID, customer) for customer in found.sample],
            wanted=wanted,
        )


class SegmentPreviewErrorCode(StrEnum):
    NOT_FOUND = "NOT_FOUND"
    INVALID_CONDITION = "INVALID_CONDITION"


described(
    SegmentPreviewErrorCode,
    "Why a preview was refused.",
    {
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "INVALID_CONDITION": "The condition cannot be meant; the message says what is wrong.",
    },
)


@strawberry.type(description="Why a preview was refused.")
class SegmentPreviewUserError(UserError):
    code: SegmentPreviewErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.input(description="A condition whose matches a worker counts.")
class SegmentPreviewStartInput:
    condition: SegmentConditionInput = strawberry.field(description="Which customers.")
    as_of: datetime | None = strawberry.field(default=None, description="Evaluate as of this instant; now without it.")
    brand: strawberry.ID | None = strawberry.field(
        default=None, description="Only this brand's customers, facts and metrics."
    )


@strawberry.type(description="The preview that a worker carries out.")
class SegmentPreviewStartPayload(Payload):
    bulk_operation: BulkOperation | None = strawberry.field(
        description="The preview, or null when refused; its count `matched` grows as it goes on."
    )
    user_errors: list[SegmentPreviewUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class PreviewMutations:
    @strawberry.mutation(
        description=scoped("Has a worker count whom a condition matches, without saving it.", "segments:view")
    )
    async def segment_preview_start(
        self, info: Info, input: Annotated[SegmentPreviewStartInput, argument("The condition.")]
    ) -> SegmentPreviewStartPayload:
        info.context.caller.require("segments:view")
        condition = reading.read_condition({"condition": given_condition(input.condition)})
        brand_id = row_id(input.brand, "Brand") if input.brand else None
        operation, refusals = await reading.start_preview(info.context, condition, input.as_of, brand_id)
        codes = set(SegmentPreviewErrorCode)
        told = [r if r.code in codes else Refused("INVALID_CONDITION", r.message, r.field) for r in refusals]
        return SegmentPreviewStartPayload(
            bulk_operation=read(info, bulk.BY_ID, operation),
            user_errors=user_errors(SegmentPreviewUserError, SegmentPreviewErrorCode, told),
        )


def composed(shares: list[Share]) -> SegmentComposition:
    def of(dimension: str) -> list[CompositionShare]:
        return [
            CompositionShare(key=_key(share), name=share.name, customers=share.customers)
            for share in shares
            if share.dimension == dimension
        ]

    return SegmentComposition(stages=of("STAGE"), brands=of("BRAND"), countries=of("COUNTRY"))


def _key(share: Share) -> str | None:
    return global_id("Brand", UUID(share.key)) if share.key and share.dimension == "BRAND" else share.key
