"""Making, changing, filling and refreshing segments."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import bulk
from db.customers import CUSTOMER_BY_ID
from db.segments.records import SEGMENT_BY_ID
from domain.refusals import Refused
from domain.segments import OverrideMode, SegmentState, SegmentType
from domain.segments_given import WAYS
from resolvers import segments as commands
from resolvers.ids import global_id, row_id
from schema.bulk import BulkOperation
from schema.conditions import SegmentConditionInput, given_condition
from schema.customers import Customer
from schema.enums import described
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload, UserError, user_errors
from schema.profiles import fields
from schema.segment_templates import SegmentComparisonInput, SegmentCriteriaInput, SegmentTemplateInput
from schema.segments import Segment

_REFUSALS = {
    "CONDITION_NOT_ALLOWED": "A manual segment has no condition.",
    "CONDITION_REQUIRED": "An automatic segment needs a condition.",
    "STALE": "It was changed since the version you expected.",
    "CYCLE": "The condition would make segments depend on each other.",
    "EMPTY_GROUP": "A group of conditions is empty; it would mean everybody.",
    "INVALID": "A value cannot be accepted.",
    "INVALID_VALUE": "A value of the condition cannot be accepted.",
    "IN_USE": "Something is built on it; the message says what.",
    "KEY_TAKEN": "Another segment has this key.",
    "NOT_ACTIVE": "Its state does not allow this.",
    "NOT_FOUND": "There is no such object, or you may not see it.",
    "NOT_RULE_BASED": "A manual segment has no condition to compute or override.",
    "RULE_BASED": "The members of an automatic segment follow from its condition; segmentOverrideSet makes exceptions.",
    "THROTTLED": "It was refreshed lately; the message says when it may be again.",
    "TOO_COMPLEX": "The condition has too many levels, leaves or values.",
    "TOO_MANY": "The list is longer than one command takes.",
    "UNKNOWN_BRAND": "There is no such brand.",
    "UNKNOWN_CAMPAIGN": "There is no such campaign.",
    "UNKNOWN_CONDITION": "There is no such kind of condition.",
    "UNKNOWN_FIELD": "There is no such field; segmentFields lists them.",
    "UNKNOWN_OPERATOR": "The field does not offer this operator.",
    "UNKNOWN_PARAMETER": "The template has no such parameter.",
    "UNKNOWN_SEGMENT": "The condition names a segment that does not exist.",
    "UNKNOWN_STAGE": "The condition names a stage that does not exist.",
    "UNKNOWN_TEMPLATE": "There is no template of this key; segmentTemplates lists them.",
}
SegmentErrorCode = StrEnum("SegmentErrorCode", {name: name for name in _REFUSALS})  # type: ignore[misc]  # made from its descriptions
described(SegmentErrorCode, "Why a segment command was refused.", _REFUSALS)


@strawberry.type(description="Why a segment command was refused.")
class SegmentUserError(UserError):
    code: SegmentErrorCode = strawberry.field(description="The kind of refusal.")


def _must(description: str) -> Any:
    return strawberry.field(description=description)


def _may(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="A segment to make.")
class SegmentCreateInput:
    name: str = _must("Its name.")
    type: SegmentType = strawberry.field(default=SegmentType.AUTOMATIC, description="Who decides who is in it.")
    condition: SegmentConditionInput | None = _may("Whom an automatic segment contains; a manual one has none.")
    criteria: SegmentCriteriaInput | None = _may("The same as limits instead of `condition`.")
    conditions: list[SegmentComparisonInput] | None = _may("The same as a flat list instead of `condition`.")
    template: SegmentTemplateInput | None = _may("The same from a template instead of `condition`.")
    key: str | None = _may("Its short name, unique in the organization; made of the name without it.")
    description: str | None = _may("What it is for.")
    brand_id: strawberry.ID | None = _may("Only this brand's customers.")
    state: SegmentState = strawberry.field(default=SegmentState.ACTIVE, description="Whether it is computed.")
    auto_update: bool = strawberry.field(default=True, description="Whether it follows every change by itself.")


@strawberry.input(description="What to change of a segment; what is left out stays.")
class SegmentUpdateInput:
    segment_id: strawberry.ID = _must("Which segment.")
    name: str | None = _may("Its name.")
    description: str | None = _may("What it is for.")
    condition: SegmentConditionInput | None = _may("Another condition; the members are computed anew.")
    criteria: SegmentCriteriaInput | None = _may("The same as limits instead of `condition`.")
    conditions: list[SegmentComparisonInput] | None = _may("The same as a flat list instead of `condition`.")
    template: SegmentTemplateInput | None = _may("The same from a template instead of `condition`.")
    state: SegmentState | None = _may("Whether it is computed.")
    auto_update: bool | None = _may("Whether it follows every change by itself.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.input(description="A segment to delete.")
class SegmentDeleteInput:
    segment_id: strawberry.ID = _must("Which segment.")


@strawberry.input(description="Customers to put into a manual segment.")
class SegmentAssignInput:
    segment_id: strawberry.ID = _must("Which segment.")
    customer_ids: list[strawberry.ID] = _must("At most 250 customers.")


@strawberry.input(description="Customers to take out of a manual segment.")
class SegmentUnassignInput:
    segment_id: strawberry.ID = _must("Which segment.")
    customer_ids: list[strawberry.ID] = _must("At most 250 customers.")


@strawberry.input(description="Customers to include in or exclude from an automatic segment.")
class SegmentOverrideSetInput:
    segment_id: strawberry.ID = _must("Which segment.")
    customer_ids: list[strawberry.ID] = _must("At most 250 customers.")
    mode: OverrideMode = _must("In or out.")


@strawberry.input(description="Customers about whom the condition shall decide again.")
class SegmentOverrideRemoveInput:
    segment_id: strawberry.ID = _must("Which segment.")
    customer_ids: list[strawberry.ID] = _must("At most 250 customers.")


@strawberry.input(description="Segments to refresh.")
class SegmentRefreshInput:
    segment_ids: list[strawberry.ID] | None = _may("At most 250; without it all that update automatically.")
    as_of: datetime | None = strawberry.field(default=None, description="As of this instant; now without it.")


@strawberry.input(description="A customer to evaluate.")
class SegmentsRecalculateInput:
    customer_id: strawberry.ID = _must("Which customer.")


def _payload_errors() -> Any:
    return strawberry.field(description="Why it was refused.")


@strawberry.type(description="The segment made.")
class SegmentCreatePayload(Payload):
    segment: Segment | None = _must("The segment, or null when refused.")
    bulk_operation: BulkOperation | None = _must("The first refresh of an active automatic segment.")
    user_errors: list[SegmentUserError] = _payload_errors()


@strawberry.type(description="The segment after the change.")
class SegmentUpdatePayload(Payload):
    segment: Segment | None = _must("The segment, or null when refused.")
    bulk_operation: BulkOperation | None = _must("The refresh, when the members have to be computed anew.")
    user_errors: list[SegmentUserError] = _payload_errors()


@strawberry.type(description="The id of the segment deleted.")
class SegmentDeletePayload(Payload):
    deleted_id: strawberry.ID | None = _must("The id that is gone, or null when refused.")
    user_errors: list[SegmentUserError] = _payload_errors()


@strawberry.type(description="The segment with its new members.")
class SegmentAssignPayload(Payload):
    segment: Segment | None = _must("The segment, or null when refused.")
    entered: int | None = _must("How many were not in it yet; null when refused.")
    user_errors: list[SegmentUserError] = _payload_errors()


@strawberry.type(description="The segment without them.")
class SegmentUnassignPayload(Payload):
    segment: Segment | None = _must("The segment, or null when refused.")
    left: int | None = _must("How many were in it; null when refused.")
    user_errors: list[SegmentUserError] = _payload_errors()


@strawberry.type(description="The segment as somebody decided.")
class SegmentOverrideSetPayload(Payload):
    segment: Segment | None = _must("The segment, or null when refused.")
    entered: int | None = _must("How many came in by this; null when refused.")
    left: int | None = _must("How many went out by this; null when refused.")
    user_errors: list[SegmentUserError] = _payload_errors()


@strawberry.type(description="The segment as its condition says.")
class SegmentOverrideRemovePayload(Payload):
    segment: Segment | None = _must("The segment, or null when refused.")
    entered: int | None = _must("How many came in by this; null when refused.")
    left: int | None = _must("How many went out by this; null when refused.")
    user_errors: list[SegmentUserError] = _payload_errors()


@strawberry.type(description="The refresh that a worker carries out.")
class SegmentRefreshPayload(Payload):
    bulk_operation: BulkOperation | None = _must("The refresh, or null when refused.")
    user_errors: list[SegmentUserError] = _payload_errors()


@strawberry.type(description="How one customer's segments changed.")
class SegmentsRecalculatePayload(Payload):
    customer: Customer | None = _must("The customer, or null when refused.")
    entered: list[Segment] = _must("The segments they came into.")
    left: list[Segment] = _must("The segments they came out of.")
    user_errors: list[SegmentUserError] = _payload_errors()


MANAGE = commands.MANAGE


@strawberry.type
class SegmentMutations:
    @strawberry.mutation(description=scoped("Makes a segment and has its members computed.", MANAGE))
    async def segment_create(
        self, info: Info, input: Annotated[SegmentCreateInput, argument("The segment.")]
    ) -> SegmentCreatePayload:
        given = fields(input)
        definition = _definition(given)
        if given.get("brand_id"):
            given["brand_id"] = row_id(given["brand_id"], "Brand")
        made, refusals = await commands.create(info.context, given, definition)
        return SegmentCreatePayload(**_made(info, made), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Changes a segment.", MANAGE))
    async def segment_update(
        self, info: Info, input: Annotated[SegmentUpdateInput, argument("What to change.")]
    ) -> SegmentUpdatePayload:
        given = fields(input)
        definition, expected = _definition(given), given.pop("expected_version")
        segment_id = row_id(given.pop("segment_id"), "Segment")
        # Null means nothing where there must be something.
        changes = {name: value for name, value in given.items() if value is not None or name == "description"}
        made, refusals = await commands.update(info.context, segment_id, changes, definition, expected)
        return SegmentUpdatePayload(**_made(info, made), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Deletes a segment that nothing is built on.", MANAGE))
    async def segment_delete(
        self, info: Info, input: Annotated[SegmentDeleteInput, argument("Which segment.")]
    ) -> SegmentDeletePayload:
        deleted, refusals = await commands.delete(info.context, row_id(input.segment_id, "Segment"))
        deleted_id = strawberry.ID(global_id("Segment", deleted)) if deleted else None
        return SegmentDeletePayload(deleted_id=deleted_id, user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Puts customers into a manual segment.", MANAGE))
    async def segment_assign(
        self, info: Info, input: Annotated[SegmentAssignInput, argument("Who and where.")]
    ) -> SegmentAssignPayload:
        customers = [row_id(customer, "Customer") for customer in input.customer_ids]
        change, refusals = await commands.assign(
            info.context, row_id(input.segment_id, "Segment"), customers, put_in=True
        )
        return SegmentAssignPayload(
            segment=read(info, SEGMENT_BY_ID, change.segment_id if change else None),
            entered=change.entered if change else None,
            user_errors=_errors(refusals),
        )

    @strawberry.mutation(description=scoped("Takes customers out of a manual segment.", MANAGE))
    async def segment_unassign(
        self, info: Info, input: Annotated[SegmentUnassignInput, argument("Who and where.")]
    ) -> SegmentUnassignPayload:
        customers = [row_id(customer, "Customer") for customer in input.customer_ids]
        change, refusals = await commands.assign(
            info.context, row_id(input.segment_id, "Segment"), customers, put_in=False
        )
        return SegmentUnassignPayload(
            segment=read(info, SEGMENT_BY_ID, change.segment_id if change else None),
            left=change.left if change else None,
            user_errors=_errors(refusals),
        )

    @strawberry.mutation(
        description=scoped(
            "Includes or excludes customers of an automatic segment, whatever its condition says, for good.",
            MANAGE,
        )
    )
    async def segment_override_set(
        self, info: Info, input: Annotated[SegmentOverrideSetInput, argument("Who, where and which way.")]
    ) -> SegmentOverrideSetPayload:
        changed = await _overridden(info, input, input.mode)
        return SegmentOverrideSetPayload(**changed)

    @strawberry.mutation(
        description=scoped("Takes decisions about customers back: the condition decides again, at once.", MANAGE)
    )
    async def segment_override_remove(
        self, info: Info, input: Annotated[SegmentOverrideRemoveInput, argument("Who and where.")]
    ) -> SegmentOverrideRemovePayload:
        changed = await _overridden(info, input, None)
        return SegmentOverrideRemovePayload(**changed)

    @strawberry.mutation(
        description=scoped(
            "Has a worker compute the members of segments. One that waits or runs is answered instead of another.",
            MANAGE,
        )
    )
    async def segment_refresh(
        self, info: Info, input: Annotated[SegmentRefreshInput, argument("Which segments.")]
    ) -> SegmentRefreshPayload:
        given = input.segment_ids if isinstance(input.segment_ids, list) else None
        wanted = None if given is None else [row_id(segment, "Segment") for segment in given]
        operation, refusals = await commands.refresh(info.context, wanted, input.as_of)
        return SegmentRefreshPayload(bulk_operation=read(info, bulk.BY_ID, operation), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Evaluates every automatic segment for one customer, now.", MANAGE))
    async def segments_recalculate(
        self, info: Info, input: Annotated[SegmentsRecalculateInput, argument("Which customer.")]
    ) -> SegmentsRecalculatePayload:
        customer_id = row_id(input.customer_id, "Customer")
        changes, refusals = await commands.recalculate(info.context, customer_id)
        return SegmentsRecalculatePayload(
            customer=read(info, CUSTOMER_BY_ID, None if changes is None else customer_id),
            entered=[read(info, SEGMENT_BY_ID, change.segment_id) for change in changes or () if change.entered],
            left=[read(info, SEGMENT_BY_ID, change.segment_id) for change in changes or () if change.left],
            user_errors=_errors(refusals),
        )


async def _overridden(info: Info, input: Any, mode: OverrideMode | None) -> dict[str, Any]:
    customers = [row_id(customer, "Customer") for customer in input.customer_ids]
    change, refusals = await commands.override(info.context, row_id(input.segment_id, "Segment"), customers, mode)
    return {
        "segment": read(info, SEGMENT_BY_ID, change.segment_id if change else None),
        "entered": change.entered if change else None,
        "left": change.left if change else None,
        "user_errors": _errors(refusals),
    }


def _definition(given: dict[str, Any]) -> dict[str, object]:
    """Takes the ways of defining a segment out of the input; the rest are columns."""
    return {way: given_condition(given.pop(way, None)) for way in WAYS}


def _made(info: Info, made: commands.Made | None) -> dict[str, Any]:
    return {
        "segment": read(info, SEGMENT_BY_ID, made.segment_id if made else None),
        "bulk_operation": read(info, bulk.BY_ID, made.refresh_id if made else None),
    }


def _errors(refusals: list[Refused]) -> list[SegmentUserError]:
    return user_errors(SegmentUserError, SegmentErrorCode, refusals)
