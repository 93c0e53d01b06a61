"""The one JSON form of a condition: what is stored, hashed and shown; `parse` reads it back."""

from datetime import date
from decimal import Decimal
from typing import Any, assert_never

from domain.conditions import tree
from domain.conditions.tree import Comparison, Condition, FactLeaf, FieldLeaf, Leaf, Operand, Span

Json = dict[str, Any]


def to_json(condition: Condition) -> Json:
    """Numbers as plain decimal text without superfluous zeros, days as YYYY-MM-DD; defaults are left out."""
    match condition:
        case tree.All(conditions):
            return {"all": [to_json(inner) for inner in conditions]}
        case tree.AnyOf(conditions):
            return {"any": [to_json(inner) for inner in conditions]}
        case tree.Not(inner):
            return {"not": to_json(inner)}
        case tree.Everyone():
            return {"everyone": True}
        case leaf:
            return _leaf(leaf)


def _leaf(leaf: Leaf) -> Json:
    match leaf:
        case tree.NumberLeaf() | tree.TextLeaf() | tree.DateLeaf() | tree.SetLeaf():
            return _field_leaf(leaf)
        case tree.FactLeaf():
            return {"fact": _fact(leaf)}
        case tree.InSegment(segment_id):
            return {"inSegment": str(segment_id)}
        case tree.StageLeaf(keys, within):
            return {"stage": _present({"in": list(keys), "enteredWithinDays": within})}
        case tree.MessageLeaf(was, channel, campaign_id, within):
            message = {"was": was, "channel": channel, "campaign": campaign_id, "withinDays": within}
            return {"message": _present(message)}
        case tree.ConsentLeaf(channel, topic, state, brand_id):
            return {"consent": _present({"channel": channel, "topic": topic, "state": state, "brand": brand_id})}
        case tree.Percentile(field, top):
            return {"percentile": {"field": field, "top": decimal_text(top)}}
        case tree.Bucket(salt, start, end):
            return {"bucket": {"salt": salt, "from": start, "to": end}}
        case _:
            assert_never(leaf)


_FIELD_LEAVES: dict[type, str] = {
    tree.NumberLeaf: "number",
    tree.TextLeaf: "text",
    tree.DateLeaf: "date",
    tree.SetLeaf: "set",
}


def _field_leaf(leaf: FieldLeaf) -> Json:
    return {_FIELD_LEAVES[type(leaf)]: {"field": leaf.field, "is": _comparison(leaf.comparison)}}


def _fact(leaf: FactLeaf) -> Json:
    return _present(
        {
            "kind": leaf.kind,
            "name": leaf.name,
            "aggregate": leaf.aggregate,
            "of": None if leaf.of is tree.Measure.AMOUNT else leaf.of,
            "where": [_field_leaf(inner) for inner in leaf.where] or None,
            "withinDays": leaf.within_days,
            "between": None if leaf.between is None else _operand(leaf.between),
            "is": _comparison(leaf.comparison),
        }
    )


def _comparison(comparison: Comparison) -> Json:
    return {str(comparison.operator): _operand(comparison.operand)}


def _operand(operand: Operand) -> Any:
    match operand:
        case Decimal():
            return decimal_text(operand)
        case Span(low, high):
            return {"min": _operand(low), "max": _operand(high)}
        case tuple():
            return [_operand(item) for item in operand]
        case date():
            return operand.isoformat()
        case _:
            return operand


def decimal_text(value: Decimal) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _present(members: Json) -> Json:
    return {key: _plain(value) for key, value in members.items() if value is not None}


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | list | dict) else str(value)
