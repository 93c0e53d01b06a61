"""Segments as clients see them."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db.customers import CUSTOMER_BY_ID
from db.organizations import BRAND_BY_ID
from db.segments import records
from db.segments.finding import find_by_key, matching
from db.segments.overrides import OVERRIDES_OF_SEGMENT
from domain.conditions import parse, sentence
from domain.segments import ChangeReason, MembershipSource, OverrideMode, SegmentState, SegmentType
from resolvers.ids import row_id
from schema.conditions import SegmentCondition, shown_condition
from schema.connections import Connection
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
    own_key,
    page_arguments,
    related,
    scoped,
)
from schema.node import Node, node
from schema.organization import Brand

if TYPE_CHECKING:
    from schema.customers import Customer

VIEW = "segments:view"

described(
    SegmentType,
    "Who decides who is in a segment.",
    {"AUTOMATIC": "Its condition decides.", "MANUAL": "People assign and unassign."},
)
described(
    SegmentState,
    "Whether a segment is computed.",
    {
        "DRAFT": "Not computed yet.",
        "ACTIVE": "Computed and usable.",
        "INACTIVE": "Its members stay as they are; a campaign cannot be sent to it.",
    },
)
described(
    MembershipSource,
    "How a customer came into a segment.",
    {"AUTOMATIC": "By the condition.", "MANUAL": "By hand.", "IMPORT": "By an import."},
)
described(
    OverrideMode,
    "What somebody decided about a customer in an automatic segment.",
    {"INCLUDE": "A member whatever the condition says.", "EXCLUDE": "No member whatever the condition says."},
)
described(
    ChangeReason,
    "Why a customer entered or left a segment.",
    {
        "INITIAL": "The segment was computed for the first time.",
        "LIVE": "Something about the customer changed.",
        "SCHEDULED": "A refresh of everybody found it.",
        "DEFINITION_CHANGED": "The condition was changed.",
        "MANUAL": "By hand.",
        "IMPORT": "By an import.",
        "MERGE": "Two customers were merged.",
        "ERASURE": "The customer was erased.",
    },
)


class MembershipChangeKind(StrEnum):
    ENTERED = "ENTERED"
    LEFT = "LEFT"


described(MembershipChangeKind, "Which way.", {"ENTERED": "Became a member.", "LEFT": "Stopped being a member."})

SegmentRef = Annotated["Segment", strawberry.lazy("schema.segments")]


@strawberry.type(description="That a customer is in a segment.")
class SegmentMembership:
    source: MembershipSource = column("How they came in.")
    entered_at: datetime = column("Since when.")
    reason: ChangeReason | None = column("Why they came in.")
    segment_version: int = column("The definition by which they came in.")
    segment: SegmentRef = related(records.SEGMENT_BY_ID, "Which segment.", key="segment_id")
    customer: Annotated["Customer", strawberry.lazy("schema.customers")] = related(
        CUSTOMER_BY_ID, "Who.", scope="customers:view", key="customer_id"
    )


@strawberry.type(description="That a customer entered or left a segment; never changed afterwards.")
class SegmentMembershipChange:
    @staticmethod
    def is_type_of(value: object, _info: object) -> bool:
        return type(value) is records.MembershipChange

    change: MembershipChangeKind = column("Which way.")
    reason: ChangeReason = column("Why.")
    source: MembershipSource = column("How they had come in, or came in.")
    actor: str | None = column("Who did it by hand or asked for the refresh.")
    at: datetime = column("When, or as of when.")
    segment: SegmentRef = related(records.SEGMENT_BY_ID, "Which segment.", key="segment_id")
    customer: Annotated["Customer", strawberry.lazy("schema.customers")] = related(
        CUSTOMER_BY_ID, "Who.", scope="customers:view", key="customer_id"
    )


@strawberry.type(description="That somebody decided about a customer, whatever the condition of the segment says.")
class SegmentOverride:
    mode: OverrideMode = column("In or out.")
    actor: str = column("Who decided.")
    created_at: datetime = column("When.")
    segment: SegmentRef = related(records.SEGMENT_BY_ID, "In which segment.", key="segment_id")
    customer: Annotated["Customer", strawberry.lazy("schema.customers")] = related(
        CUSTOMER_BY_ID, "About whom.", scope="customers:view", key="customer_id"
    )


@node(by_id=records.SEGMENT_BY_ID, scope=VIEW, description="A group of customers, by a condition or by hand.")
class Segment(Node):
    key: str = column("Its short name, unique in the organization.")
    name: str = column("Its name.")
    description: str | None = column("What it is for.")
    type: SegmentType = column("Who decides who is in it.")
    state: SegmentState = column("Whether it is computed.")
    auto_update: bool = column("Whether it follows every change and the hourly refresh by itself.")
    definition_version: int = column("Grows with each change of the condition.")
    computed_version: int | None = column("The definition that its members follow; null before the first refresh.")
    member_count: int = column("How many members; kept in the transaction that changes them.")
    last_refreshed_at: datetime | None = column("When everybody was last evaluated, to the minute.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")

    brand: Brand | None = related(BRAND_BY_ID, "Only this brand's customers; null means all.", key="brand_id")
    members: Connection[SegmentMembership] = connected(records.MEMBERS_OF_SEGMENT, "Who is in it, newest first.")
    history: Connection[SegmentMembershipChange] = connected(
        records.HISTORY_OF_SEGMENT, "Who entered and left when and why, newest first."
    )

    overrides: Connection[SegmentOverride] = connected(
        OVERRIDES_OF_SEGMENT, "Who is in or out of it by somebody's decision, newest first."
    )

    @strawberry.field(
        description="The condition, in the shape in which it is given; null for a manual segment.",
        graphql_type=SegmentCondition | None,
    )
    def condition(self, root: strawberry.Parent[Any]) -> Any:
        return shown_condition(root.condition)

    @strawberry.field(description="The condition as a sentence; null for a manual segment.")
    def condition_text(self, root: strawberry.Parent[Any]) -> str | None:
        return sentence(parse(root.condition)) if root.condition else None


class SegmentOrderField(StrEnum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    MEMBER_COUNT = "MEMBER_COUNT"


described(
    SegmentOrderField,
    "What segments can be ordered by.",
    {"NAME": "Name, by Unicode code point.", "CREATED_AT": "When it was made.", "MEMBER_COUNT": "How many members."},
)


@strawberry.input(description="How to order segments.")
class SegmentOrder:
    field: SegmentOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which segments to list; all keys that are given must hold.")
class SegmentWhereInput:
    type: SegmentType | None = strawberry.field(default=None, description="Who decides who is in it.")
    state: SegmentState | None = strawberry.field(default=None, description="Whether it is computed.")
    brand: strawberry.ID | None = strawberry.field(default=None, description="Of this brand.")


@strawberry.input(one_of=True, description="Exactly one way to name a segment.")
class SegmentIdentifier:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The global id.")
    key: str | None = strawberry.field(default=strawberry.UNSET, description="The key.")


@strawberry.type
class SegmentQueries:
    @strawberry.field(
        description=scoped("One segment, or null when there is none that you may see.", VIEW),
        graphql_type=Segment | None,
    )
    async def segment(self, info: Info, by: Annotated[SegmentIdentifier, argument("Which segment.")]) -> Any:
        info.context.caller.require(VIEW)
        key = by.key
        if isinstance(key, str):
            found = await info.context.read(lambda tx: find_by_key(tx, key))
        else:
            found = row_id(str(by.id), "Segment")
        return info.context.loaders.one(records.SEGMENT_BY_ID, found)

    @strawberry.field(description=scoped("The organization's segments.", VIEW), graphql_type=Connection[Segment])
    def segments(
        self,
        info: Info,
        where: Annotated[SegmentWhereInput | None, argument("Which segments.")] = None,
        order_by: Annotated[SegmentOrder | None, argument("The order; by name without it.")] = None,
        search: Annotated[str | None, argument("A part of the name, in any case.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        predicate = matching(
            type_=where.type if where else None,
            state=where.state if where else None,
            brand_id=row_id(where.brand, "Brand") if where and where.brand else None,
            search=search,
        )
        arguments = page_arguments(first, after, last, before, order_by, predicate)
        return info.context.loaders.page(records.SEGMENTS, own_key(info), arguments)
