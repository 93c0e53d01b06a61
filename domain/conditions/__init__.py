"""Conditions: which customers are meant, as a tree of data. db/conditions is the only thing that evaluates one.

The meaning, once for all readers:
- A comparison with something unknown is false. The negations (`ne`, `notIn`, `notContains`, `noneOf`, `not`) are
  complements over all customers, so they include the unknown. `isNull` asks for the unknown itself.
- Days are whole calendar days in the organization's time zone, counted from the local day of the evaluation instant;
  `withinDays: n` is on or after the start of the day n days before it, `olderThanDays: n` before that start.
- An evaluation at an instant sees only facts that occurred before it.
"""

from domain.conditions.canonical import to_json
from domain.conditions.fields import FACT_FIELDS, FIELDS, Field, FieldType, fact_field, field
from domain.conditions.parse import parse
from domain.conditions.references import brands_in, campaigns_in, is_live, segments_in, stages_in
from domain.conditions.sentence import sentence
from domain.conditions.tree import Condition, Operator

__all__ = [
    "FACT_FIELDS",
    "FIELDS",
    "Condition",
    "Field",
    "FieldType",
    "Operator",
    "brands_in",
    "campaigns_in",
    "fact_field",
    "field",
    "is_live",
    "parse",
    "segments_in",
    "sentence",
    "stages_in",
    "to_json",
]
