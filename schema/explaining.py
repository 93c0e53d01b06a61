"""Why a customer is or is not in a segment, down to each leaf of the condition."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import strawberry

from db.customers import CUSTOMER_BY_EMAIL, CUSTOMER_BY_EXTERNAL_ID, CUSTOMER_BY_ID, CUSTOMER_BY_OWN_ID
from db.segments.records import SEGMENT_BY_ID
from domain.conditions import sentence, to_json, tree
from domain.conditions.explanation import Explained, actual_text, leaves_of, missing
from domain.segments_explained import because
from resolvers import explaining as reading
from resolvers.explaining import Explanation
from resolvers.ids import row_id
from schema.conditions import SegmentCondition, shown_condition
from schema.customers import Customer, CustomerIdentifier
from schema.fields import Info, argument, column, read, scoped
from schema.segments import Segment, SegmentMembership, SegmentOverride


@strawberry.type(
    description="What a leaf of a condition found for the customer; all members are null when it is unknown."
)
class ConditionActual:
    number: Decimal | None = column("Of number and fact leaves, of buckets, and of percentiles the share in percent.")
    text: str | None = column("Of text leaves, and the key of the stage of stage leaves.")
    day: date | None = column("Of date leaves that are calendar days.")
    date_time: datetime | None = column("Of date leaves that are instants, and the latest message of message leaves.")
    texts: list[str] = column("Of set and consent leaves, at most 100; otherwise empty.")
    boolean: bool | None = column("Of inSegment: whether they are a member.")


@strawberry.type(description="A part of a condition with its verdict for the customer.")
class ConditionExplanation:
    path: list[str] = column("Where it is in the condition, as userErrors name places.")
    holds: bool = column("Whether it holds.")
    text: str = column("The part as a sentence.")
    actual: ConditionActual | None = column("What was found; null for groups.")
    actual_text: str | None = column("What was found, for a person; null for groups.")
    conditions: list["ConditionExplanation"] = column("The parts of a group; empty for a leaf.")
    condition: SegmentCondition = column("The part in the shape in which conditions are given.")


@strawberry.type(description="Why a customer is or is not in a segment.")
class SegmentExplanation:
    segment: Segment = column("Which segment.")
    customer: Customer = column("Who.")
    is_member: bool = column("Whether they are in it.")
    matches: bool | None = column("Whether the condition holds for them now; null for a manual segment.")
    membership: SegmentMembership | None = column("Since when and how they are in it; null when they are not.")
    override: SegmentOverride | None = column("What somebody decided whatever the condition says; null if nothing.")
    text: str = column("The answer as a sentence.")
    tree: ConditionExplanation | None = column(
        "The condition with verdicts; null for a manual segment, and for somebody who is no customer of its brand."
    )
    leaves: list[ConditionExplanation] = column("Every leaf of the condition from left to right.")
    missing: SegmentCondition | None = column(
        "What would have to become true for the condition to hold; null if it holds."
    )
    missing_text: str | None = column("The same as a sentence.")


@strawberry.type
class ExplainingQueries:
    @strawberry.field(
        description=scoped(
            "Why a customer is or is not in a segment; null when there is no such customer or segment. "
            "Also needs the scope `customers:view`.",
            "segments:view",
        ),
        graphql_type=SegmentExplanation | None,
    )
    async def segment_explain(
        self,
        info: Info,
        segment_id: Annotated[strawberry.ID, argument("Which segment.")],
        customer: Annotated[CustomerIdentifier, argument("Which customer.")],
    ) -> Any:
        for scope in ("segments:view", "customers:view"):
            info.context.caller.require(scope)
        explanation = await reading.explain(info.context, row_id(segment_id, "Segment"), *identified(customer))
        return None if explanation is None else _shown(info, explanation)


def identified(customer: CustomerIdentifier) -> tuple[str, Any]:
    """The predicate and the value by which the customer is found."""
    if isinstance(customer.external_id, str):
        return CUSTOMER_BY_EXTERNAL_ID, customer.external_id
    if isinstance(customer.email, str):
        return CUSTOMER_BY_EMAIL, customer.email.strip().lower()
    return CUSTOMER_BY_OWN_ID, row_id(str(customer.id), "Customer")


def _shown(info: Info, explanation: Explanation) -> SegmentExplanation:
    segment, found, names = explanation.segment, explanation.tree, explanation.names
    lacking = None if found is None else missing(found)
    make: Any = SegmentExplanation
    shown: SegmentExplanation = make(
        segment=read(info, SEGMENT_BY_ID, segment.id),
        customer=read(info, CUSTOMER_BY_ID, explanation.customer_id),
        is_member=explanation.membership is not None,
        matches=explanation.matches,
        membership=explanation.membership,
        override=explanation.override,
        text=because(
            state=segment.state,
            is_member=explanation.membership is not None,
            override=explanation.override.mode if explanation.override else None,
            tree=found,
            manual=segment.condition is None,
            names=names,
        ),
        tree=None if found is None else _part(found, names),
        leaves=[] if found is None else [_part(leaf, names) for leaf in leaves_of(found)],
        missing=None if lacking is None else shown_condition(to_json(lacking)),
        missing_text=None if lacking is None else sentence(lacking, names),
    )
    return shown


def _part(part: Explained, names: Mapping[UUID, str]) -> ConditionExplanation:
    return ConditionExplanation(
        path=list(part.path),
        holds=part.holds,
        text=sentence(part.condition, names),
        actual=_actual(part),
        actual_text=actual_text(part.condition, part.actual) if part.is_leaf else None,  # type: ignore[arg-type]  # a leaf
        conditions=[_part(inner, names) for inner in part.conditions],
        condition=shown_condition(to_json(part.condition)),
    )


def _actual(part: Explained) -> ConditionActual | None:
    value = part.actual
    found = ConditionActual(number=None, text=None, day=None, date_time=None, texts=[], boolean=None)
    match part.condition, value:
        case tree.All() | tree.AnyOf() | tree.Not() | tree.Everyone(), _:
            return None
        case _, None:
            pass
        case _, bool():
            found.boolean = value
        case _, list():
            found.texts = [text for text in value if isinstance(text, str)]
        case tree.NumberLeaf() | tree.FactLeaf() | tree.Percentile() | tree.Bucket(), _:
            found.number = Decimal(value)
        case tree.DateLeaf(), _ if len(value) == _DAY:
            found.day = date.fromisoformat(value)
        case tree.DateLeaf() | tree.MessageLeaf(), _:
            found.date_time = datetime.fromisoformat(value)
        case _:
            found.text = value
    return found


_DAY = len("2026-01-31")
