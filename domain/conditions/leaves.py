"""Reads the leaves of a condition, one function for each kind."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from domain.conditions import tree
from domain.conditions.fields import FIELDS, Field, FieldType, fact_field, field
from domain.conditions.given import Given
from domain.conditions.operands import comparison, days, span
from domain.facts import FactKind
from domain.refusals import Refused

BUCKETS = 10_000

_AGGREGATE = Field("aggregate", FieldType.NUMBER, "aggregate")
_Find = Callable[[str, FieldType], Field]


def _compared(given: Given, kind: FieldType, find: _Find = field) -> tuple[str, tree.Comparison]:
    """The two members of every field leaf: {"field": ..., "is": {...}}."""
    members = given.members(("field", "is"))
    key = given.member(members, "field")
    try:
        found = find(key.text(), kind)
    except Refused as refused:
        raise (refused if refused.field else refused.under(*key.path)) from refused
    return found.key, comparison(found, given.member(members, "is"))


def _number(given: Given, find: _Find = field) -> tree.NumberLeaf:
    return tree.NumberLeaf(*_compared(given, FieldType.NUMBER, find))


def _text(given: Given, find: _Find = field) -> tree.TextLeaf:
    return tree.TextLeaf(*_compared(given, FieldType.TEXT, find))


def _date(given: Given) -> tree.DateLeaf:
    return tree.DateLeaf(*_compared(given, FieldType.DATE))


def _set(given: Given, find: _Find = field) -> tree.SetLeaf:
    return tree.SetLeaf(*_compared(given, FieldType.SET, find))


def _fact(given: Given) -> tree.FactLeaf:
    members = given.members(("kind", "name", "aggregate", "of", "where", "withinDays", "between", "is"))
    kind = given.member(members, "kind").choice(FactKind)
    if "name" in members and kind is not FactKind.CUSTOM:
        raise members["name"].refusal("Only CUSTOM facts have a name.")
    if "withinDays" in members and "between" in members:
        raise members["between"].refusal("withinDays and between exclude each other.")
    return tree.FactLeaf(
        kind=kind,
        aggregate=given.member(members, "aggregate").choice(tree.Aggregate),
        comparison=comparison(_AGGREGATE, given.member(members, "is")),
        of=members["of"].choice(tree.Measure) if "of" in members else tree.Measure.AMOUNT,
        name=members["name"].text() if "name" in members else None,
        where=_where(members["where"]) if "where" in members else (),
        within_days=_days(members, "withinDays"),
        between=span(members["between"], Given.day) if "between" in members else None,
    )


def _where(given: Given) -> tuple[tree.FactFilter, ...]:
    return () if given.value in ([], ()) else tuple(map(_filter, given.items()))


def _filter(given: Given) -> tree.FactFilter:
    kind, inner = given.only(_FILTERS, "UNKNOWN_CONDITION")
    return _FILTERS[kind](inner, fact_field)


def _in_segment(given: Given) -> tree.InSegment:
    return tree.InSegment(given.uuid())


def _stage(given: Given) -> tree.StageLeaf:
    members = given.members(("in", "enteredWithinDays"))
    return tree.StageLeaf(given.member(members, "in").texts(), _days(members, "enteredWithinDays"))


def _message(given: Given) -> tree.MessageLeaf:
    members = given.members(("was", "channel", "campaign", "withinDays"))
    return tree.MessageLeaf(
        was=given.member(members, "was").choice(tree.MessageOutcome),
        channel=members["channel"].choice(tree.Channel) if "channel" in members else None,
        campaign_id=members["campaign"].uuid() if "campaign" in members else None,
        within_days=_days(members, "withinDays"),
    )


def _consent(given: Given) -> tree.ConsentLeaf:
    members = given.members(("channel", "topic", "state", "brand"))
    return tree.ConsentLeaf(
        channel=given.member(members, "channel").choice(tree.Channel),
        topic=given.member(members, "topic").text(),
        state=given.member(members, "state").choice(tree.ConsentState),
        brand_id=members["brand"].uuid() if "brand" in members else None,
    )


def _percentile(given: Given) -> tree.Percentile:
    members = given.members(("field", "top"))
    key, top = given.member(members, "field"), given.member(members, "top")
    known = FIELDS.get(key.text())
    if known is None or known.type is not FieldType.NUMBER:
        raise key.refusal("Percentiles are taken of the number fields that `segmentFields` lists.", "UNKNOWN_FIELD")
    if not Decimal(0) < top.decimal() <= 100:
        raise top.refusal("A percentage above 0 and at most 100 is expected here.")
    return tree.Percentile(known.key, top.decimal())


def _bucket(given: Given) -> tree.Bucket:
    members = given.members(("salt", "from", "to"))
    start, end = (given.member(members, key).integer(0, BUCKETS) for key in ("from", "to"))
    if start >= end:
        raise given.refusal("`from` is below `to`; the bucket `to` itself is not part of the share.")
    return tree.Bucket(given.member(members, "salt").text(), start, end)


def _days(members: Mapping[str, Given], key: str) -> int | None:
    return days(members[key]) if key in members else None


_FILTERS: dict[str, Callable[[Given, _Find], tree.FactFilter]] = {"number": _number, "text": _text, "set": _set}

LEAVES: dict[str, Callable[[Given], tree.Leaf]] = {
    "number": _number,
    "text": _text,
    "date": _date,
    "set": _set,
    "fact": _fact,
    "inSegment": _in_segment,
    "stage": _stage,
    "message": _message,
    "consent": _consent,
    "percentile": _percentile,
    "bucket": _bucket,
}
