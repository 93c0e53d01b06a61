"""Conditions as clients write and read them: one shape, in and out."""

from schema.conditions.fields import ConditionFieldQueries
from schema.conditions.given import SegmentConditionInput, given_condition
from schema.conditions.shown import SegmentCondition, shown_condition

__all__ = [
    "ConditionFieldQueries",
    "SegmentCondition",
    "SegmentConditionInput",
    "given_condition",
    "shown_condition",
]
