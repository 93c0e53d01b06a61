"""Filtering customers: each key is a leaf of the condition language, so lists and segments mean the same by it."""

from typing import Annotated, Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from domain.customers import CustomerKind
from schema.conditions.given import (
    DateComparisonInput,
    NumberComparisonInput,
    SegmentConditionInput,
    SetComparisonInput,
    TextComparisonInput,
    given_condition,
)
from schema.enums import described

described(CustomerKind, "What a customer is.", {"PERSON": "A human being.", "BUSINESS": "A company or other body."})


def _key(description: str, *, name: str | None = None) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description, name=name)


@strawberry.input(description="In which segments; all keys that are given must hold.")
class SegmentSetInput:
    any_of: list[strawberry.ID] | None = _key("In at least one of these.")
    all_of: list[strawberry.ID] | None = _key("In each of these.")
    none_of: list[strawberry.ID] | None = _key("In none of these.")


Where = Annotated["CustomerWhereInput", strawberry.lazy("schema.customer_filter")]


@strawberry.input(description="Which customers to list; all keys that are given must hold.")
class CustomerWhereInput:
    and_: list[Where] | None = _key("All of these hold.", name="AND")
    or_: list[Where] | None = _key("At least one of these holds.", name="OR")
    not_: Where | None = _key("This does not hold.", name="NOT")
    kind: CustomerKind | None = _key("Person or business.")
    name: TextComparisonInput | None = _key("Full name.")
    email: TextComparisonInput | None = _key("E-mail address.")
    city: TextComparisonInput | None = _key("City.")
    country: TextComparisonInput | None = _key("Country.")
    loyalty_level: TextComparisonInput | None = _key("Level in the loyalty programme.")
    acquired_at: DateComparisonInput | None = _key("When the organization won the customer.")
    lifetime_value: NumberComparisonInput | None = _key("Lifetime value.")
    order_count: NumberComparisonInput | None = _key("Completed orders.")
    last_order_at: DateComparisonInput | None = _key("Last completed order.")
    last_activity_at: DateComparisonInput | None = _key("Last activity.")
    risk_score: NumberComparisonInput | None = _key("Risk score, 0 to 1.")
    tags: SetComparisonInput | None = _key("Tags.")
    in_segment: strawberry.ID | None = _key("Is a member of this segment.")
    segments: SegmentSetInput | None = _key("Any combination of segments.")
    in_stage: list[str] | None = _key("Is in one of these lifecycle stages, by key.")
    condition: SegmentConditionInput | None = _key("Any other condition.")


_KINDS = {
    TextComparisonInput: "text",
    DateComparisonInput: "date",
    NumberComparisonInput: "number",
    SetComparisonInput: "set",
}


def filter_condition(given: CustomerWhereInput) -> dict[str, Any]:
    """The filter as condition data; an empty one means everybody."""
    leaves = [leaf for name, value in vars(given).items() if _is_given(value) for leaf in _leaves(name, value)]
    return {"all": leaves} if leaves else {"everyone": True}


def _is_given(value: object) -> bool:
    return value is not None and value is not strawberry.UNSET


def _leaves(name: str, value: Any) -> list[dict[str, Any]]:
    match name:
        case "and_":
            return [filter_condition(inner) for inner in value]
        case "or_":
            return [{"any": [filter_condition(inner) for inner in value]}]
        case "not_":
            return [{"not": filter_condition(value)}]
        case "condition":
            return [given_condition(value)]
        case "kind":
            return [{"text": {"field": "kind", "is": {"eq": str(value)}}}]
        case "in_stage":
            return [{"stage": {"in": value}}]
        case "segments":
            return _of_segments(value)
        case "in_segment":
            return [given_condition(SegmentConditionInput(in_segment=value))]
        case _:
            return [{_KINDS[type(value)]: {"field": to_camel_case(name), "is": given_condition(value)}}]


def _of_segments(given: SegmentSetInput) -> list[dict[str, Any]]:
    """An empty list is refused by the condition language, as any empty group."""
    groups = {"any": given.any_of, "all": given.all_of, "none": given.none_of}
    leaves = []
    for kind, ids in groups.items():
        if _is_given(ids):
            members = [given_condition(SegmentConditionInput(in_segment=id_)) for id_ in ids or ()]
            leaves.append({"not": {"any": members}} if kind == "none" else {kind: members})
    return leaves
